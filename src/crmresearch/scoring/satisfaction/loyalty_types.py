"""Kinds of loyalty: what customers say against what they do, and two typologies that force nobody into a type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, judge_interval
from crmresearch.scoring.shares import wilson

LEVELS = ("low", "middle", "high")
CELLS = ("true_loyalty", "latent_loyalty", "spurious_loyalty", "no_loyalty")
UNASSIGNABLE = "unassignable"
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class LoyaltyTypes:
    """Customers by kind of loyalty.

    Attributes
    ----------
    customers : pd.DataFrame, one row per customer
        customer_id, one column of levels per indicator (``low``, ``middle``, ``high``; trend: ``falling``,
        ``steady``, ``rising``; missing), quadrant, by_cause, by_need.
    quadrants : pd.DataFrame, shape (5, 5)
        loyalty_type, n, share, conf_low, conf_high: attitude × patronage, and who is in between.
    by_cause, by_need : pd.DataFrame
        loyalty_type, n, share, conf_low, conf_high; ``unassignable`` last.
    reasons : pd.DataFrame
        typology, reason (``indicator_missing``, ``no_type_fits``, ``several_types_fit``), n.
    indicators : pd.DataFrame
        indicator, measured_by, low_to, high_from, n, share_at_low, share_at_high.
    claim : pd.DataFrame, shape (1, 6)
        D31: n, share (of customers in one of the two mixed cells), conf_low, conf_high, smallest_share, verdict.
    recipe : Recipe
    """

    customers: pd.DataFrame
    quadrants: pd.DataFrame
    by_cause: pd.DataFrame
    by_need: pd.DataFrame
    reasons: pd.DataFrame
    indicators: pd.DataFrame
    claim: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Indicators, quadrants, both typologies, why some have no type."""
        return (
            Exhibit("loyalty_indicators", self.indicators, notes=("loyalty_cuts",)),
            Exhibit("loyalty_quadrants", self.quadrants, notes=("wilson_interval",)),
            Exhibit("loyalty_by_cause", self.by_cause, notes=("typology_rule",)),
            Exhibit("loyalty_by_need", self.by_need, notes=("typology_rule",)),
            Exhibit("loyalty_reasons", self.reasons),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Claim D31, and the share that has no type."""
        row = self.claim.iloc[0]
        shares = self.quadrants.set_index("loyalty_type")["share"]
        loose = [float(t.iloc[-1]["share"]) for t in (self.by_cause, self.by_need)]
        return (
            Finding(
                "loyalty_differs",
                {
                    "n": int(row["n"]),
                    "share": float(row["share"]),
                    "low": float(row["conf_low"]),
                    "high": float(row["conf_high"]),
                    "smallest": float(row["smallest_share"]),
                    "spurious": float(shares["spurious_loyalty"]),
                    "latent": float(shares["latent_loyalty"]),
                    "confidence": self.recipe.options["confidence"],
                },
                verdict=row["verdict"],
                claim="D31",
            ),
            Finding("types_unassigned", {"by_cause": loose[0], "by_need": loose[1], "n": len(self.customers)}),
        )


def type_loyalty(
    customers: pd.DataFrame,
    *,
    attitude: str,
    patronage: str,
    indicators: Mapping[str, str] | None = None,
    declared: Sequence[str] = (),
    scale: tuple[float, float],
    low_to: float = 0.5,
    high_from: float = 0.6,
    trend: tuple[str, str] | None = None,
    steady_within: float = 0.25,
    patronage_high: float | None = None,
    smallest_share: float = 0.1,
    confidence: float = 0.95,
) -> LoyaltyTypes:
    """Sort customers by attitude and behaviour, and into the two typologies where they fit.

    Parameters
    ----------
    customers : pd.DataFrame
        customer_id and numeric columns (``LinkedCustomers.customers``).
    attitude : str
        Column of attitudinal loyalty, on the answer scale.
    patronage : str
        Column of repeat purchase, e.g. purchase days after the survey.
    indicators : Mapping[str, str] | None
        Further indicators of the typologies → column on the answer scale: satisfaction, switching_cost,
        price_sensitivity, convenience, reward, alternatives. What is neither named nor declared is not
        known, and types that need it are given to nobody.
    declared : Sequence[str]
        Indicators that are low or high for every customer by what is known of the trade, each as
        ``indicator: level``: a supplier without a reward programme has ``reward: low``.
    scale : (float, float)
        Ends of the answer scale.
    low_to, high_from : float
        Cuts as shares of the way from the lowest to the highest answer: up to ``low_to`` is low, from
        ``high_from`` on high, between them neither.
    trend : (str, str) | None
        Columns of spend before and after, over windows of one length.
    steady_within : float
        Spend that changed by less than this share counts as steady.
    patronage_high : float | None
        Purchases from which patronage is high (below half of that, low); None takes the median of the
        customers with a purchase, which makes "high" a place in this sample.
    smallest_share : float
        Smallest share of mixed cases of interest, for D31.
    confidence : float

    Returns
    -------
    LoyaltyTypes

    Raises
    ------
    RefusedError
        A column is absent, an indicator is unknown, the cuts cross, or fewer than ten customers have
        both attitude and patronage.

    Notes
    -----
    Attitude × patronage after Dick & Basu (1994): true, latent, spurious, none; who lies between the cuts is
    ``in_between``. The rules of the typologies stand in ``typologies.yaml``: a type is given only if all its
    conditions hold, every indicator it needs is known and no other type fits. The rule of D31 (repeat buying is not
    loyalty), fixed before the data: *supported* if the interval of the share of latent and spurious cases among
    the four cells lies above ``smallest_share``, *contradicted* if below, else *inconclusive*. Intervals of shares
    by Wilson (1927).

    References
    ----------
    Dick, A. S. & Basu, K. (1994). Customer loyalty: toward an integrated conceptual framework. Journal of the
    Academy of Marketing Science 22, 99–113. https://doi.org/10.1177/0092070394222001
    """
    columns = {"attitude": attitude, "patronage": patronage, **(indicators or {})}
    known = {name for t in _rules().values() for r in (*t["types"].values(), *t["outside"].values()) for name in r}
    columns = {name: column for name, column in columns.items() if column}
    known_for_all = _read_declared(declared, columns)
    unknown = sorted((set(columns) | set(known_for_all)) - known - {"attitude", "patronage"})
    if unknown:
        raise RefusedError(
            f"no rule uses the indicator {unknown[0]!r}",
            where="loyalty types",
            repair=f"There are: {', '.join(sorted(known - {'trend'}))}.",
        )
    needed = ["customer_id", *columns.values(), *(trend or ())]
    absent = [c for c in needed if c not in customers]
    if absent:
        raise RefusedError(f"no column {absent[0]!r}", where="loyalty types")
    if not 0 <= low_to <= high_from <= 1 or scale[1] <= scale[0]:
        raise RefusedError(f"cuts {low_to!r} and {high_from!r} on the scale {scale!r}", where="loyalty types")
    values = {name: customers[c].astype("Float64").astype(float).to_numpy() for name, c in columns.items()}
    both = np.isfinite(values["attitude"]) & np.isfinite(values["patronage"])
    if both.sum() < _FEWEST:
        raise RefusedError(f"{int(both.sum())} customers have attitude and patronage", where="loyalty types")
    span = scale[1] - scale[0]
    edges = {name: (scale[0] + low_to * span, scale[0] + high_from * span) for name in columns if name != "patronage"}
    bought = values["patronage"]
    top = float(np.median(bought[bought > 0])) if patronage_high is None else patronage_high
    edges["patronage"] = (top / 2, top)
    levels = pd.DataFrame({"customer_id": customers["customer_id"].astype(str)})
    for name, v in values.items():
        low, high = edges[name]
        if name == "patronage":
            code = np.where(v >= high, 2, np.where(v < low, 0, 1))
        else:
            code = np.where(v >= high, 2, np.where(v <= low, 0, 1))
        levels[name] = pd.Series(np.array(LEVELS, dtype=object)[code]).where(np.isfinite(v))
    for name, level in known_for_all.items():
        levels[name] = level
    if trend is not None:
        levels["trend"] = _trend(customers, trend, steady_within)
    levels["quadrant"] = _quadrant(levels)
    reasons = []
    for typology, rules in _rules().items():
        levels[typology], why = _assign(levels, rules)
        reasons += [(typology, reason, n) for reason, n in why.items()]
    four = levels["quadrant"].isin(CELLS)
    mixed = levels["quadrant"].isin(["latent_loyalty", "spurious_loyalty"])
    share, low, high = wilson(mixed.sum(), four.sum(), confidence)
    return LoyaltyTypes(
        customers=levels,
        quadrants=_shares(levels["quadrant"].dropna(), [*CELLS, "in_between"], confidence),
        by_cause=_shares(levels["by_cause"], _order("by_cause"), confidence),
        by_need=_shares(levels["by_need"], _order("by_need"), confidence),
        reasons=pd.DataFrame(reasons, columns=["typology", "reason", "n"]),
        indicators=pd.DataFrame(
            [
                (
                    name,
                    columns[name],
                    *edges[name],
                    int(np.isfinite(v).sum()),
                    float((levels[name] == "low").sum() / max(np.isfinite(v).sum(), 1)),
                    float((levels[name] == "high").sum() / max(np.isfinite(v).sum(), 1)),
                )
                for name, v in values.items()
            ]
            + [
                (name, f"declared_{level}", np.nan, np.nan, len(levels), float(level == "low"), float(level == "high"))
                for name, level in known_for_all.items()
            ],
            columns=["indicator", "measured_by", "low_to", "high_from", "n", "share_at_low", "share_at_high"],
        ),
        claim=pd.DataFrame(
            {
                "n": [int(four.sum())],
                "share": [share],
                "conf_low": [low],
                "conf_high": [high],
                "smallest_share": [smallest_share],
                "verdict": [judge_interval(low, high, smallest_share)],
            }
        ),
        recipe=Recipe(
            "loyalty_types",
            {
                "attitude": attitude,
                "patronage": patronage,
                "low_to": low_to,
                "high_from": high_from,
                "patronage_high": "median_of_buyers" if patronage_high is None else patronage_high,
                "steady_within": steady_within,
                "smallest_mixed_share": smallest_share,
                "confidence": confidence,
            },
            "Dick & Basu (1994), https://doi.org/10.1177/0092070394222001",
        ),
    )


@cache
def _rules() -> dict[str, Any]:
    import yaml

    return yaml.safe_load(Path(__file__).with_name("typologies.yaml").read_text(encoding="utf-8"))


def _read_declared(declared: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    levels: dict[str, str] = {}
    for text in declared:
        name, _, level = (part.strip() for part in text.partition(":"))
        if level not in LEVELS or name in columns or name in levels:
            raise RefusedError(
                f"{text[:60]!r} is no new declaration",
                where="loyalty types",
                repair=f"Write it as 'indicator: level' with a level of {', '.join(LEVELS)}, for one not measured.",
            )
        levels[name] = level
    return levels


def _order(typology: str) -> list[str]:
    rules = _rules()[typology]
    return [*rules["types"], *rules["outside"], UNASSIGNABLE]


def _trend(customers: pd.DataFrame, trend: tuple[str, str], steady_within: float) -> pd.Series:
    before, after = (customers[c].astype("Float64").astype(float).to_numpy() for c in trend)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(before > 0, after / before - 1, np.nan)
    code = np.where(change > steady_within, 2, np.where(change < -steady_within, 0, 1))
    names = np.array(["falling", "steady", "rising"], dtype=object)
    return pd.Series(names[code]).where(np.isfinite(change))


def _quadrant(levels: pd.DataFrame) -> pd.Series:
    a, p = levels["attitude"], levels["patronage"]
    cells = {("high", "high"): 0, ("high", "low"): 1, ("low", "high"): 2, ("low", "low"): 3}
    named = [
        None if pd.isna(x) or pd.isna(y) else CELLS[cells[x, y]] if (x, y) in cells else "in_between"
        for x, y in zip(a, p, strict=True)
    ]
    return pd.Series(named, dtype=object)


def _assign(levels: pd.DataFrame, rules: Mapping[str, Any]) -> tuple[pd.Series, dict[str, int]]:
    """The one type that fits each customer, and why others have none."""
    everything = {**rules["types"], **rules["outside"]}
    fits = np.column_stack([_fits(levels, rule) for rule in everything.values()])
    n, names = fits.sum(axis=1), np.array(list(everything), dtype=object)
    could = np.column_stack([_fits(levels, rule, unknown=True) for rule in everything.values()])
    open_to_more = (could & ~fits).any(axis=1)
    lacks = ~np.logical_and.reduce([_has(levels, name) for name in rules["needs"]])
    alone = (n == 1) & ~open_to_more & ~lacks
    found = np.where(alone, names[fits.argmax(axis=1)], UNASSIGNABLE)
    missing = ~alone & (lacks | open_to_more)
    several, none = ~alone & ~missing & (n > 1), ~alone & ~missing & (n == 0)
    reasons = {
        "indicator_missing": int(missing.sum()),
        "several_types_fit": int(several.sum()),
        "no_type_fits": int(none.sum()),
    }
    return pd.Series(found, dtype=object), reasons


def _has(levels: pd.DataFrame, name: str) -> np.ndarray:
    return levels[name].notna().to_numpy() if name in levels else np.zeros(len(levels), dtype=bool)


def _fits(levels: pd.DataFrame, rule: Mapping[str, Sequence[str]], *, unknown: bool = False) -> np.ndarray:
    """Whether every condition holds; with ``unknown``, whether it could if what is missing were known."""
    met = np.ones(len(levels), dtype=bool)
    for name, wanted in rule.items():
        if name not in levels:
            met &= unknown
            continue
        column = levels[name]
        met &= (column.isin(wanted) | (column.isna() & unknown)).to_numpy()
    return met


def _shares(types: pd.Series, order: Sequence[str], confidence: float) -> pd.DataFrame:
    n = types.value_counts().reindex(order, fill_value=0).to_numpy()
    share, low, high = wilson(n, len(types), confidence)
    return pd.DataFrame({"loyalty_type": order, "n": n, "share": share, "conf_low": low, "conf_high": high})
