"""The firms as they truly are: type, wants, judgement, loyalty, and the day they leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.simulation.naming import COAL, INDUSTRIES, REGIONS, SHANXI
from crmresearch.simulation.world import DAYS_PER_MONTH, DIMENSIONS, World, stream


@dataclass(frozen=True, slots=True)
class Population:
    """The firms and their branches.

    Attributes
    ----------
    firms : pd.DataFrame, shape (n, 42)
        One row per firm in order of ``entity`` (0 … n − 1; 0 and 1 are the two coal firms of the
        source documents): type and type_index, region, branch, manager, industry (indices);
        sibling_of (the firm whose brand it bears, else itself); start_day, dropout_day (days from
        the world's first day); orders_per_month, tonnes_per_order, growth_per_year, margin, discount,
        hazard_per_month, payment_term_days, mean_delay_days, breach_rate, wallet_share, key_account;
        expectation_* and performance_* by dimension; satisfaction, trust, switching_cost, loyalty;
        condition and strategic (what expert ratings try to see); called_back, won_back_day and
        left_again_day (NaN: not won back); alive on the last day.
    basket : np.ndarray, shape (n, n_products)
        Chance of each product on an order line.
    morale : np.ndarray, shape (n_branches,)
        Mean satisfaction of the branch's employees.
    """

    firms: pd.DataFrame
    basket: np.ndarray
    morale: np.ndarray


def draw_population(world: World, n: int, seed: int) -> Population:
    """Draw ``n`` firms.

    Notes
    -----
    With e, q, u, ε standard normal, per firm and dimension d:
    E_d = a·e + √(1 − a²)·u_d + type; P_d = b·E_d + c·q + s·u'_d (+ m·morale for staff);
    satisfaction S = Σ β_d (P_d − E_d) + σ_S ε; trust T = τ·S + σ_T ε;
    loyalty L = λ_S·S + λ_T·T + λ_C·C + λ_SC·S·C + σ_L ε with switching cost C.
    Rate of leaving h = h_type · exp(γ_S·S + γ_C·C) · frailty, frailty gamma with mean 1;
    the time to leaving is exponential with rate h; order rates are gamma within the type.
    """
    rng = stream(seed, "population")
    kind = rng.choice(len(world.types), n, p=[t.share for t in world.types])
    kind[:2] = 0, 2
    firms = pd.DataFrame({"entity": np.arange(n), "type": np.array([t.name for t in world.types])[kind]})
    firms["type_index"] = kind
    firms["region"] = np.where(firms["entity"] < 2, SHANXI, rng.integers(len(REGIONS), size=n))
    firms["branch"] = firms["region"] % world.n_branches
    firms["manager"] = firms["branch"] * world.managers_per_branch + rng.integers(world.managers_per_branch, size=n)
    firms["industry"] = np.where(firms["entity"] < 2, COAL, rng.integers(len(INDUSTRIES), size=n))
    _make_siblings(firms, world, rng)
    firms["start_day"] = rng.integers(world.last_start_day, size=n)

    def of_type(attribute: str) -> np.ndarray:
        return np.array([getattr(t, attribute) for t in world.types])[kind]

    shape = world.rate_shape
    firms["orders_per_month"] = of_type("orders_per_month") * rng.gamma(shape, 1 / shape, n)
    firms["tonnes_per_order"] = of_type("tonnes_per_order") * np.exp(rng.normal(0, world.size_sd_between, n))
    firms["growth_per_year"] = rng.normal(of_type("growth_per_year"), world.growth_sd)
    firms["margin"] = np.clip(rng.normal(of_type("margin"), world.margin_sd), -0.02, 0.4)
    firms["discount"] = of_type("discount")
    firms["payment_term_days"] = of_type("payment_term_days")
    firms["mean_delay_days"] = of_type("mean_delay_days") * rng.gamma(3.0, 1 / 3.0, n)
    firms["breach_rate"] = rng.beta(2.0, 2.0 / of_type("breach_rate") - 2.0)
    firms["key_account"] = rng.random(n) < of_type("key_account")
    firms["condition"] = rng.standard_normal(n)
    firms["strategic"] = 0.6 * (of_type("key_account") - 0.2) / 0.3 + 0.8 * rng.standard_normal(n)

    morale = rng.normal(0, world.morale_sd, world.n_branches)
    _judge(firms, world, of_type("expectation"), morale, rng)

    loyalty_pull = of_type("wallet_logit") + world.wallet_on_loyalty * firms["loyalty"]
    firms["wallet_share"] = 1 / (1 + np.exp(-loyalty_pull - rng.normal(0, world.wallet_sd, n)))
    frailty = rng.gamma(world.frailty_shape, 1 / world.frailty_shape, n)
    leaning = world.hazard_on_satisfaction * firms["satisfaction"] + world.hazard_on_switching * firms["switching_cost"]
    firms["hazard_per_month"] = of_type("hazard_per_month") * np.exp(leaning) * frailty
    lifetime = rng.exponential(1 / firms["hazard_per_month"]) * DAYS_PER_MONTH
    firms["dropout_day"] = firms["start_day"] + lifetime
    _win_back(firms, world, rng)
    weights = rng.gamma(world.basket_concentration, 1.0, (n, len(world.products))) + 1e-9
    return Population(firms, weights / weights.sum(axis=1, keepdims=True), morale)


def _make_siblings(firms: pd.DataFrame, world: World, rng: np.random.Generator) -> None:
    """Let some firms bear the brand of another of their region, in another industry."""
    place = firms.groupby("region").cumcount().to_numpy()
    elder = firms.groupby("region")["entity"].shift(fill_value=0).to_numpy()
    young = (place % 2 == 1) & (rng.random(len(firms)) < 2 * world.sibling_share) & (firms["entity"].to_numpy() > 1)
    firms["sibling_of"] = np.where(young, elder, firms["entity"])
    industry = firms["industry"].to_numpy()
    firms["industry"] = np.where(young, (industry[elder] + 1) % len(INDUSTRIES), industry)


def _win_back(firms: pd.DataFrame, world: World, rng: np.random.Generator) -> None:
    """Call back most of those known to have left; some return and may leave again at the same rate."""
    n, day = len(firms), world.day(world.campaign_day)
    firms["called_back"] = (firms["dropout_day"] < day - world.known_lost_days) & (
        rng.random(n) < world.call_back_share
    )
    returned = firms["called_back"] & (rng.random(n) < world.win_back_rate)
    firms["won_back_day"] = np.where(returned, day + rng.integers(7, 29, n), np.nan)
    firms["left_again_day"] = firms["won_back_day"] + rng.exponential(1 / firms["hazard_per_month"]) * DAYS_PER_MONTH
    firms["alive"] = (firms["dropout_day"] >= world.n_days) | (firms["left_again_day"] >= world.n_days)


def _judge(firms: pd.DataFrame, world: World, raised: np.ndarray, morale: np.ndarray, rng: np.random.Generator) -> None:
    """Add expectation, performance, satisfaction, trust, switching cost and loyalty."""
    n, k = len(firms), len(DIMENSIONS)
    common = world.expectation_common
    expected = common * rng.standard_normal((n, 1)) + np.sqrt(1 - common**2) * rng.standard_normal((n, k))
    expected += raised[:, None]
    performed = world.performance_on_expectation * expected + world.performance_common * rng.standard_normal((n, 1))
    performed += world.performance_own * rng.standard_normal((n, k))
    performed[:, DIMENSIONS.index("staff")] += world.staff_on_morale * morale[firms["branch"]]
    firms[[f"expectation_{d}" for d in DIMENSIONS]] = expected
    firms[[f"performance_{d}" for d in DIMENSIONS]] = performed
    gap = performed - expected
    satisfaction = gap @ np.array(world.satisfaction_on_gap) + rng.normal(0, world.satisfaction_sd, n)
    trust = world.trust_on_satisfaction * satisfaction + rng.normal(0, world.trust_sd, n)
    switching = rng.standard_normal(n)
    firms["satisfaction"], firms["trust"], firms["switching_cost"] = satisfaction, trust, switching
    firms["loyalty"] = (
        world.loyalty_on_satisfaction * satisfaction
        + world.loyalty_on_trust * trust
        + world.loyalty_on_switching * switching
        + world.loyalty_interaction * satisfaction * switching
        + rng.normal(0, world.loyalty_sd, n)
    )
