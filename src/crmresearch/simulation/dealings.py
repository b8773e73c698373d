"""Everything beside buying and paying: contracts, violations, complaints, visits, wallet, win-back calls."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmresearch.simulation.population import Population
from crmresearch.simulation.world import World, stream

CHANNELS = ("上门拜访", "电话", "微信", "邮件")
CHANNEL_SHARES = (0.35, 0.30, 0.25, 0.10)
CHANNEL_COSTS = (800.0, 20.0, 5.0, 5.0)
GRADES = ("A", "B", "C")
GRADE_SHARES = (0.3, 0.5, 0.2)


def _active(firms: pd.DataFrame, world: World) -> tuple[np.ndarray, np.ndarray]:
    """First day and length in days of each firm's first stay."""
    begin = firms["start_day"].to_numpy()
    return begin, np.minimum(firms["dropout_day"].to_numpy(), world.n_days) - begin


def _scatter(firms: pd.DataFrame, world: World, per_year: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Events of a Poisson process over each firm's stay: entity, day; sorted by day."""
    begin, length = _active(firms, world)
    counts = rng.poisson(per_year * length / 365.25)
    who = np.repeat(np.arange(len(firms)), counts)
    day = np.floor(begin[who] + rng.random(len(who)) * length[who]).astype(int)
    events = pd.DataFrame({"entity": who, "day": day})
    return events.sort_values(["day", "entity"], kind="stable", ignore_index=True)


def draw_contracts(population: Population, world: World, seed: int) -> pd.DataFrame:
    """A framework contract for every year a firm stays: contract_id, entity, start_day, end_day, breached."""
    rng, firms = stream(seed, "contracts"), population.firms
    begin, length = _active(firms, world)
    counts = np.ceil(np.maximum(length, 1) / 365).astype(int)
    who = np.repeat(np.arange(len(firms)), counts)
    year = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
    contracts = pd.DataFrame({"entity": who, "start_day": begin[who] + 365 * year})
    contracts["end_day"] = contracts["start_day"] + 364
    contracts["breached"] = rng.random(len(who)) < firms["breach_rate"].to_numpy()[who]
    contracts = contracts.sort_values(["start_day", "entity"], kind="stable", ignore_index=True)
    contracts["contract_id"] = "HT" + pd.Series(np.arange(1, len(who) + 1)).astype(str).str.zfill(5)
    return contracts


def draw_violations(population: Population, world: World, seed: int) -> pd.DataFrame:
    """Recorded violations, more where contracts are broken more: entity, day, severity (1 to 3)."""
    rng, firms = stream(seed, "violations"), population.firms
    events = _scatter(firms, world, 2 * firms["breach_rate"].to_numpy(), rng)
    events["severity"] = 1 + rng.binomial(2, 0.3, len(events))
    return events


def draw_complaints(population: Population, world: World, seed: int) -> pd.DataFrame:
    """Complaints, more from the dissatisfied: ticket_id, entity, day, department, closed_day, valid, outcome.

    ``department`` is 0 for the quality and service centre, 1 to 3 where the ticket was misrouted;
    ``closed_day`` is NaN where it is still open.
    """
    rng, firms = stream(seed, "complaints"), population.firms
    rate = world.complaints_per_year * np.exp(world.complaint_on_satisfaction * firms["satisfaction"].to_numpy())
    events = _scatter(firms, world, rate, rng)
    n = len(events)
    events["ticket_id"] = "TS" + pd.Series(np.arange(1, n + 1)).astype(str).str.zfill(5)
    events["department"] = rng.choice(4, n, p=[0.7, 0.1, 0.1, 0.1])
    events["valid"] = rng.random(n) < 0.7
    closed = events["day"] + np.floor(rng.gamma(1.5, np.where(events["department"] == 0, 3.0, 8.0)))
    events["closed_day"] = closed.where(closed < world.n_days)
    events["outcome"] = np.where(events["valid"], rng.choice(3, n, p=[0.5, 0.3, 0.2]), 3)
    return events


def draw_visits(population: Population, world: World, seed: int) -> pd.DataFrame:
    """Contacts, three times as many with key accounts: entity, day, channel, from_customer, cost, outcome."""
    rng, firms = stream(seed, "visits"), population.firms
    events = _scatter(firms, world, world.visits_per_year * (1 + 2 * firms["key_account"].to_numpy()), rng)
    n = len(events)
    events["channel"] = rng.choice(len(CHANNELS), n, p=CHANNEL_SHARES)
    events["from_customer"] = rng.random(n) < 0.25
    events["cost"] = np.array(CHANNEL_COSTS)[events["channel"]] * rng.uniform(0.5, 2.0, n).round(1)
    events["outcome"] = rng.choice(3, n)
    return events


def draw_wallet(lines: pd.DataFrame, population: Population, world: World, seed: int) -> pd.DataFrame:
    """What firms buy in a year from all suppliers, as estimated from sources of three grades.

    Returns
    -------
    pd.DataFrame
        entity, grade (A the firm's own figures, B the manager's estimate, C a third party's), total,
        low, high (whole yuan, 95 % range of the grade), true_total, own (our sales of the year).
    """
    rng = stream(seed, "wallet")
    year = lines[lines["day"] >= world.n_days - 365]
    own = year.groupby("entity")["amount"].sum()
    own = own[own > 0]
    grade = rng.choice(len(GRADES), len(own), p=GRADE_SHARES)
    error = np.array(world.wallet_error)[grade]
    true_total = own.to_numpy() / population.firms["wallet_share"].to_numpy()[own.index]
    total = true_total * np.exp(rng.normal(0, error))
    return pd.DataFrame(
        {
            "entity": own.index,
            "grade": np.array(GRADES)[grade],
            "total": total.round(-2),
            "low": (total * np.exp(-1.96 * error)).round(-2),
            "high": (total * np.exp(1.96 * error)).round(-2),
            "true_total": true_total,
            "own": own.to_numpy(),
        }
    )


def draw_campaign(population: Population, world: World, seed: int) -> pd.DataFrame:
    """Win-back calls beside calls on prospects: entity (−1 for a prospect), day, cost, converted."""
    rng, firms = stream(seed, "campaign"), population.firms
    called = firms[firms["called_back"]]
    entity = np.concatenate([called["entity"], np.full(world.n_prospects, -1)])
    won = np.concatenate([called["won_back_day"].notna(), rng.random(world.n_prospects) < world.acquisition_rate])
    calls = pd.DataFrame({"entity": entity, "converted": won})
    calls["day"] = world.day(world.campaign_day) + rng.integers(0, 7, len(calls))
    calls["cost"] = rng.choice([50.0, 300.0, 1200.0], len(calls), p=[0.5, 0.3, 0.2])
    return calls.sort_values(["day", "entity"], kind="stable", ignore_index=True)
