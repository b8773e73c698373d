"""What is true in the world and cannot be read in the files: the answers every study is checked against."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.simulation.experts import CRITERIA_TITLE, RATED, life_cycle_stages
from crmresearch.simulation.naming import (
    DOCUMENT_NAMES,
    INDUSTRIES,
    OTHER_COAL_FIRM,
    REGIONS,
    branch_names,
    manager_names,
)
from crmresearch.simulation.population import Population
from crmresearch.simulation.questionnaire import INSTRUCTED_ANSWER, KANO, QUESTIONS
from crmresearch.simulation.records import Records
from crmresearch.simulation.trade import price_index
from crmresearch.simulation.world import DIMENSIONS, World

QUADRANTS = np.array([["lead", "iron"], ["gold", "platinum"]])
"""By current value (low, high) and future value (low, high)."""


def true_values(lines: pd.DataFrame, population: Population, world: World, seed: int) -> pd.DataFrame:
    """Each firm's value on the last day: profit of the last year and profit to come.

    Returns
    -------
    pd.DataFrame, shape (n, 11)
        n_orders, amount, profit (of all years, returns netted, yuan), current_value (profit of the
        last 365 days), monthly_profit (expected of an active month), future_value, value, value_rank
        (1 = highest), tier (A, B, C), quadrant; in order of entity.

    Notes
    -----
    Expected profit of a month is m = λ · median size · e^{g·t} · e^{σ²/2} · price · margin, with the
    basket's mean list price at the last month's level. A firm that stays leaves at rate h, grows at g
    and is discounted at δ, so its profit to come within H months is m · (1 − e^{−kH}) / k with
    k = h − g/12 + ln(1 + δ)/12; a firm that has left has none.
    """
    firms = population.firms
    firm = pd.Index(firms["entity"], name="entity")
    profit = lines["amount"] - lines["cost"]
    sales = lines[lines["kind"] == "sale"]
    recent = lines["day"] >= world.n_days - 365
    values = pd.DataFrame(index=firm)
    values["n_orders"] = sales.groupby("entity")["order_id"].nunique().reindex(firm, fill_value=0)
    values["amount"] = lines.groupby("entity")["amount"].sum().reindex(firm, fill_value=0.0)
    values["profit"] = profit.groupby(lines["entity"]).sum().reindex(firm, fill_value=0.0)
    values["current_value"] = profit[recent].groupby(lines["entity"]).sum().reindex(firm, fill_value=0.0)
    years = (world.n_days - firms["start_day"].to_numpy()) / 365.25
    tonnes = firms["tonnes_per_order"] * np.exp(firms["growth_per_year"] * years + world.size_sd_within**2 / 2)
    price = population.basket @ np.array([p.price for p in world.products]) * price_index(world, seed)[-1]
    price *= 1 - firms["discount"].to_numpy()
    monthly = firms["orders_per_month"] * tonnes * price * firms["margin"]
    k = firms["hazard_per_month"] - firms["growth_per_year"] / 12 + np.log1p(world.discount_per_year) / 12
    values["monthly_profit"] = monthly.to_numpy()
    values["future_value"] = np.where(firms["alive"], monthly * -np.expm1(-k * world.horizon_months) / k, 0.0)
    values["value"] = values["current_value"] + values["future_value"]
    values["value_rank"] = values["value"].rank(ascending=False, method="first").astype(int)
    before = values["value"].clip(lower=0).sort_values(ascending=False, kind="stable")
    before = (before.cumsum() - before) / before.sum()
    values["tier"] = np.array(["A", "B", "C"])[np.searchsorted(world.tier_shares, before[firm], side="right")]
    parts = values[["current_value", "future_value"]]
    high = (parts >= parts.median()).to_numpy().astype(int)
    values["quadrant"] = QUADRANTS[high[:, 0], high[:, 1]]
    return values.reset_index()


def firm_table(population: Population, records: Records, values: pd.DataFrame) -> pd.DataFrame:
    """One row per firm: everything drawn for it, its first record, its number of records, its value."""
    first = records.records.iloc[records.first].reset_index(drop=True)
    firms = population.firms.assign(first_record_id=first["record_id"], n_records=records.count, park=first["park"])
    firms["region"] = np.array([r.province for r in REGIONS])[firms["region"]]
    firms["manager"] = manager_names(firms["manager"].to_numpy())
    firms["branch"] = branch_names(firms["branch"].to_numpy())
    firms["industry"] = np.array([i.sector for i in INDUSTRIES])[firms["industry"]]
    return firms.merge(values, on="entity", validate="one_to_one")


_PATHS = (
    ("satisfaction", "trust"),
    ("satisfaction", "loyalty"),
    ("trust", "loyalty"),
    ("switching_cost", "loyalty"),
)


def structural_paths(firms: pd.DataFrame, world: World) -> pd.DataFrame:
    """Standardised coefficients between satisfaction, trust, switching cost and loyalty: as drawn by, and as it fell.

    Parameters
    ----------
    firms : pd.DataFrame
        The latent scores of every firm, as in ``Population.firms``.

    Returns
    -------
    pd.DataFrame, shape (4, 4)
        source, target, drawn_by (the coefficient of the equations times the ratio of the standard
        deviations that follow from them), among_customers (least squares on the firms' own scores).

    Notes
    -----
    Var S follows from P − E = (b − 1)E + c·q + s·u' (+ m·morale for staff), the types' expectations
    included; Var T = τ²·Var S + σ_T². At mean switching cost 0 the product term S·C is uncorrelated with
    S and T, adds λ_SC·E S to the slope on C, and λ_SC²·Var S to the variance of loyalty.
    """
    of_gap = np.array(world.satisfaction_on_gap)
    share, raised = (np.array([getattr(t, name) for t in world.types]) for name in ("share", "expectation"))
    mean_raised = share @ raised
    between = world.expectation_common**2 + share @ (raised - mean_raised) ** 2
    pull, total, own = world.performance_on_expectation - 1, of_gap.sum() ** 2, of_gap @ of_gap
    s = pull**2 * (between * total + (1 - world.expectation_common**2) * own)
    s += world.performance_common**2 * total + world.performance_own**2 * own + world.satisfaction_sd**2
    s += (world.staff_on_morale * world.morale_sd * of_gap[DIMENSIONS.index("staff")]) ** 2
    t = world.trust_on_satisfaction**2 * s + world.trust_sd**2
    on_s, on_t, product = world.loyalty_on_satisfaction, world.loyalty_on_trust, world.loyalty_interaction
    on_c = world.loyalty_on_switching + product * pull * mean_raised * of_gap.sum()
    by_both = on_s**2 * s + on_t**2 * t + 2 * on_s * on_t * world.trust_on_satisfaction * s
    loyal = by_both + on_c**2 + product**2 * s + world.loyalty_sd**2
    drawn = [
        world.trust_on_satisfaction * np.sqrt(s / t),
        on_s * np.sqrt(s / loyal),
        on_t * np.sqrt(t / loyal),
        on_c / np.sqrt(loyal),
    ]
    table = pd.DataFrame(_PATHS, columns=["source", "target"])
    table["drawn_by"] = drawn
    scores = firms[sorted({end for path in _PATHS for end in path})]
    z = (scores - scores.mean()) / scores.std()
    fell: dict[tuple[str, str], float] = {}
    for target in dict.fromkeys(b for _, b in _PATHS):
        before = [a for a, b in _PATHS if b == target]
        slopes = np.linalg.lstsq(z[before].to_numpy(), z[target].to_numpy(), rcond=None)[0]
        fell |= {(a, target): float(slope) for a, slope in zip(before, slopes, strict=True)}
    table["among_customers"] = [fell[path] for path in _PATHS]
    return table


def summary(
    population: Population, firms: pd.DataFrame, ledger: pd.DataFrame, world: World, seed: int
) -> dict[str, Any]:
    """What ``truth.yaml`` says: the world, what follows from it, and counts of what was put wrong."""
    shares = firms["type"].value_counts().sort_index() / len(firms)
    return {
        "simulated": True,
        "seed": seed,
        "n_customers": len(firms),
        "world": _plain(asdict(world)),
        "structural": {
            "satisfaction_on_gap": dict(zip(DIMENSIONS, world.satisfaction_on_gap, strict=True)),
            "trust_on_satisfaction": world.trust_on_satisfaction,
            "loyalty": {
                "satisfaction": world.loyalty_on_satisfaction,
                "trust": world.loyalty_on_trust,
                "switching_cost": world.loyalty_on_switching,
                "satisfaction_x_switching_cost": world.loyalty_interaction,
            },
            "loyalty_on_satisfaction_total": world.loyalty_total,
            "indirect_through_trust": world.trust_on_satisfaction * world.loyalty_on_trust,
            "log_hazard": {"satisfaction": world.hazard_on_satisfaction, "switching_cost": world.hazard_on_switching},
        },
        "segments": {name: float(share) for name, share in shares.items()},
        "tiers": {tier: int(n) for tier, n in firms["tier"].value_counts().sort_index().items()},
        "criteria": {
            "matrix": CRITERIA_TITLE,
            "weights": dict(zip(world.criteria, world.criteria_weights, strict=True)),
            "inconsistent_expert": f"专家{world.n_experts}",
        },
        "ratings": {zh: latent for latent, zh in RATED.items()},
        "industry_life_cycle": life_cycle_stages(),
        "branch_morale": dict(zip(branch_names(np.arange(world.n_branches)), population.morale, strict=True)),
        "win_back": {"lost": world.win_back_rate, "prospect": world.acquisition_rate},
        "kano": {name: category for name, (category, *_) in KANO.items()},
        "instrument": {
            "instructed_item": {"attention": INSTRUCTED_ANSWER},
            "expectation_pairs": {f"p_{d}1": f"e_{d}1" for d in DIMENSIONS},
            "importance_pairs": {f"p_{d}1": f"i_{d}1" for d in DIMENSIONS},
            "reverse": {n: "declared" if q.declared else "undeclared" for n, q in QUESTIONS.items() if q.reverse},
        },
        "document_example": {
            "one_firm": firms.loc[0, "first_record_id"],
            "names": list(DOCUMENT_NAMES),
            "another_firm": firms.loc[1, "first_record_id"],
            "other_name": OTHER_COAL_FIRM,
        },
        "injected": {kind: int(n) for kind, n in ledger["kind"].value_counts().sort_index().items()},
    }


def _plain(value: Any) -> Any:
    """Tuples as lists, dates as text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value
