"""A petrochemical supplier's world, drawn from a seed, whose files look like files and whose truth is known.

What such a world can show: that a method finds what is there when its assumptions hold (a slope, a
segment, a duplicate, a hazard), how far it misses by chance at this size, what dirty files do to it
on the way, and that a whole study runs.

What it cannot show: that any of it is so outside. The firms answer, buy and leave by the very kind of
model the studies fit (linear scores, gamma–Poisson orders, exponential leaving), so a good recovery
here says nothing for a market that works otherwise. Left out on purpose: seasons, rival offers, prices
that answer to demand, satisfaction that changes over time or after a complaint or a visit, firms that
watch each other, managers of differing skill, answers missing for a reason, defaults that end a
relationship. Duplicates differ in the ways listed in ``records``, errors in the ways listed in the
ledger; real files find others. Sizes of effects are chosen, not estimated: never quote one as a finding.
"""

from crmresearch.simulation.simulating import CASE_NAME, simulate_case
from crmresearch.simulation.world import World

__all__ = ["CASE_NAME", "World", "simulate_case"]
