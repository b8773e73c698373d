"""Measure a system of indicators on a case's tables: every indicator's values, or why it was not observed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import ibis
import pandas as pd

from crmresearch.case import IndicatorSystem, Valuation, read_yaml
from crmresearch.errors import RefusedError, UsageError, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.indicators.agreement import RaterAgreement, score_agreement
from crmresearch.scoring.value.indicators.formulas import FORMULAS, NotObservedError, Observed, Sources
from crmresearch.scoring.value.indicators.matrix import Indicator

PRESETS = ("orders", "general_b2b", "logistics", "monopoly_retail")
"""Systems that come with the package; ``case`` is the one of ``case.yaml``."""


@dataclass(frozen=True, slots=True)
class MeasuredIndicators:
    """Every indicator of a system, measured on every customer where it was observed.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 2 + n_observed)
        customer_id, n_purchase_days, then one column per observed indicator, missing where it was not
        observed for that customer; what :func:`build_indicators` takes.
    dictionary : pd.DataFrame, shape (n_indicators, 8)
        indicator, indicator_group, direction, indicator_unit, source_table, window, formula, role.
    coverage : pd.DataFrame, shape (n_indicators, 6)
        indicator, observed_status ("observed" or the reason why not), share_observed, note, shrunk_to, strength.
    system : IndicatorSystem
    indicators : tuple[Indicator, ...]
        The observed ones that are weighed, in order.
    agreement : RaterAgreement | None
        Of the ratings used, where several raters gave them.
    recipe : Recipe
    """

    customers: pd.DataFrame
    dictionary: pd.DataFrame
    coverage: pd.DataFrame
    system: IndicatorSystem
    indicators: tuple[Indicator, ...]
    agreement: RaterAgreement | None
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The dictionary, what was observed, and how raters agree."""
        notes = (
            "indicators_not_observed",
            *(("indicators_shrunk",) if self.coverage["strength"].notna().any() else ()),
        )
        shown = (
            Exhibit("indicator_dictionary", self.dictionary, notes=("indicator_roles",)),
            Exhibit("indicator_coverage", self.coverage, notes=notes),
        )
        return shown + (self.agreement.exhibits() if self.agreement else ())

    def findings(self) -> tuple[Finding, ...]:
        """What the system is, what of it was observed, what was drawn towards the mean."""
        title = self.system.title.model_dump()
        n_observed = int((self.coverage["observed_status"] == "observed").sum())
        found = [Finding("system_measured", {"system": title, "n": len(self.coverage), "n_observed": n_observed})]
        for row in self.coverage.itertuples():
            if row.observed_status != "observed":
                values = {"indicator": row.indicator, "reason": row.observed_status}
                found.append(Finding("indicator_not_observed", values))
            if row.note:
                found.append(Finding(f"note_{row.note}", {"indicator": row.indicator, "share": row.note_share}))
        shrunk = self.coverage.dropna(subset="strength")
        if len(shrunk):
            found.append(Finding("indicators_shrunk", {"indicators": shrunk["indicator"].tolist()}))
        return tuple(found) + (self.agreement.findings() if self.agreement else ())


def load_system(name: str, valuation: Valuation | None = None) -> IndicatorSystem:
    """A system of indicators by name.

    Parameters
    ----------
    name : str
        One of :data:`PRESETS`, or ``"case"`` for the one of ``case.yaml``.
    valuation : Valuation | None
        The part ``value`` of the case file.

    Raises
    ------
    UsageError
        No such system.

    Examples
    --------
    >>> [name for name, node in load_system("monopoly_retail").groups.items() if node.children]
    ['contribution']
    """
    own = valuation.indicators if valuation else None
    if name == "case" and own is not None:
        return own
    if name not in PRESETS:
        raise UsageError(
            f"no system of indicators {name!r}{nearest(name, PRESETS)}",
            where="system",
            repair=f"Choose from {', '.join(PRESETS)}, or declare value.indicators in case.yaml and say 'case'.",
        )
    return _preset(name)


@cache
def _preset(name: str) -> IndicatorSystem:
    folder = resources.files("crmresearch.scoring.value.indicators") / "presets"
    with resources.as_file(folder / f"{name}.yaml") as path:
        return IndicatorSystem.model_validate(read_yaml(path))


def measure_indicators(
    summary: pd.DataFrame,
    *,
    as_of: dt.date,
    system: str | IndicatorSystem = "orders",
    orders: ibis.Table | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    valuation: Valuation | None = None,
) -> MeasuredIndicators:
    """Measure every indicator of a system on every customer.

    Parameters
    ----------
    summary : pd.DataFrame
        Customer summary (see :func:`~crmresearch.scoring.value.summarise_customers`).
    as_of : dt.date
        Last observed day; nothing dated later is looked at.
    system : str | IndicatorSystem
        Name of a system (see :func:`load_system`), or one.
    orders : ibis.Table | None
        Canonical order lines.
    tables : Mapping[str, pd.DataFrame] | None
        Canonical tables by name (payments, contracts, violations, complaints, wallet, ratings, customers …).
    valuation : Valuation | None
        The part ``value`` of the case file: own indicators, stages of industries, margin rate.

    Returns
    -------
    MeasuredIndicators

    Raises
    ------
    UsageError
        A system or a formula that does not exist.
    RefusedError
        Not one indicator of the system was observed; the reasons are named.

    Notes
    -----
    What was not observed is missing, never 0. Shares and means that say so in the system are drawn
    towards all customers' (see :func:`shrink_shares`, :func:`shrink_means`), with the strength printed.
    """
    valuation = valuation or Valuation()
    name = system if isinstance(system, str) and system != "case" else "own_system"
    system = load_system(system, valuation) if isinstance(system, str) else system
    sources = Sources(
        summary.set_index("customer_id").sort_index(),
        orders,
        tables or {},
        as_of,
        valuation.industry_stages,
        valuation.margin_rate,
    )
    columns, rows, indicators = {}, [], []
    for key, node in system.indicators().items():
        if node.formula not in FORMULAS:
            raise UsageError(
                f"no formula {node.formula!r}{nearest(node.formula, FORMULAS)}",
                where=f"indicator {key!r}",
                repair=f"Choose from: {', '.join(FORMULAS)}.",
            )
        try:
            observed = FORMULAS[node.formula](node, sources)
        except NotObservedError as error:
            rows.append({"indicator": key, "observed_status": error.reason, "share_observed": 0.0})
            continue
        columns[key] = observed.values
        rows.append({"indicator": key, "observed_status": "observed", **_coverage(observed)})
        if node.role == "weighed":
            levels = {level: float(value) for level, value in node.levels.items()}
            indicators.append(Indicator(key, node.direction, node.unit, node.target, levels))
    if not indicators:
        reasons = ", ".join(f"{row['indicator']} ({row['observed_status']})" for row in rows)
        raise RefusedError(
            f"no indicator of the system was observed: {reasons}", where="indicators", repair="Use another system."
        )
    coverage = pd.DataFrame(rows).reindex(
        columns=["indicator", "observed_status", "share_observed", "shrunk_to", "strength", "note", "note_share"]
    )
    customers = pd.DataFrame({"n_purchase_days": sources.summary["n_purchase_days"], **columns})
    recipe = Recipe("measured_indicators", {"system": name, "as_of": str(as_of)}, system.source)
    return MeasuredIndicators(
        customers.loc[:, ~customers.columns.duplicated()].reset_index(),
        _dictionary(system),
        coverage.assign(note=coverage["note"].fillna("")),
        system,
        tuple(indicators),
        _agreement(system, sources),
        recipe,
    )


def _coverage(observed: Observed) -> dict[str, object]:
    row = {"share_observed": float(observed.values.notna().mean()), "note": observed.note}
    row["note_share"] = observed.note_share if observed.note else float("nan")
    if observed.shrunk:
        row |= {"shrunk_to": observed.shrunk.centre, "strength": observed.shrunk.strength}
    return row


def _dictionary(system: IndicatorSystem) -> pd.DataFrame:
    rows = []
    for name, node, path in system.walk():
        if not node.children:
            rows.append(
                {
                    "indicator": name,
                    "indicator_group": path[-1] if path else "",
                    "direction": node.direction,
                    "indicator_unit": node.unit,
                    "source_table": node.table,
                    "window": node.window_days,
                    "formula": f"formula_{node.formula}",
                    "role": node.role,
                }
            )
    table = pd.DataFrame(rows)
    table["window"] = table["window"].astype("Int64")
    return table if (table["indicator_group"] != "").any() else table.drop(columns="indicator_group")


def _agreement(system: IndicatorSystem, sources: Sources) -> RaterAgreement | None:
    criteria = [n.column for n in system.indicators().values() if n.formula == "rating"]
    ratings = sources.tables.get("ratings")
    if ratings is None or not criteria:
        return None
    try:
        return score_agreement(ratings[ratings["criterion"].isin(criteria)])
    except RefusedError:
        return None
