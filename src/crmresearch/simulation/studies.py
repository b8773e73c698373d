"""The studies of the simulated case, with the parameters that fit its files."""

from __future__ import annotations

from typing import Any

from crmresearch.simulation.questionnaire import CONSTRUCTS
from crmresearch.simulation.world import DIMENSIONS, World


def studies(world: World) -> dict[str, dict[str, Any]]:
    """Study → parameters, as ``case.yaml`` lists them."""
    return {
        "customer_file": {"source": "branch", "updated": "updated", "tier": "key_account"},
        "value_indicators": {"system": "logistics", "weighting": "ahp", "wider_rfm": "lrfmc"},
        "value_clv": {"holdout_days": 364, "horizon": 156.0, "annual_discount_rate": world.discount_per_year},
        # Rates as a sales office would state them: clerk and lorry hours, and the cost of money.
        "profitability": {
            "cost_per_order": 600.0,
            "cost_per_line": 300.0,
            "cost_per_return": 2000.0,
            "cost_per_complaint": 1500.0,
            "annual_rate": 0.06,
            "penetration_target": 0.5,
            "peers": "industry",
        },
        "key_accounts": {"flag": "key_account", "strategic": "战略合作能力", "steady_rule": "k5"},
        "satisfaction_loyalty": {
            "satisfaction": "satisfaction",
            "loyalty": "loyalty",
            "controls": ["performance_cost", "performance_promise", "performance_staff"],
            "last_block": ["trust", "switching_cost"],
            "ordered_item": "loy1",
            "cluster": "customer_id",
        },
        "satisfaction_groups": {
            "outcomes": ["satisfaction", "loyalty"],
            "backgrounds": ["branch", "industry"],
            "categories": ["key_account"],
            "customer_columns": ["branch", "industry", "key_account"],
        },
        "satisfaction_change": {"turned": ["swi3"], "truth": "waves"},
        "satisfaction_mediation": {
            "predictor": "satisfaction",
            "mediators": ["trust"],
            "outcome": "loyalty",
            "moderator": "switching_cost",
            "expected": -1,
            "covariates": [],
        },
        # The paths the world is made of. swi3 runs against its construct, as its wording says it must.
        "satisfaction_paths": {
            "preset": "",
            "paths": [
                "satisfaction > trust",
                "satisfaction > loyalty",
                "trust > loyalty",
                "switching_cost > loyalty",
            ],
            "target": "loyalty",
            "turned": ["swi3"],
            "careful_only": True,
            "grouping": "key_account",
            "customer_columns": ["key_account"],
            "truth": "paths",
        },
        "satisfaction_behaviour": {},
        "loyalty_types": {},
        # What the files can show of the types of customers that the world is made of.
        "segment_profile": {
            "features": ["orders_per_month", "order_amount", "margin", "payment_term_days", "days_to_payment"],
            "description": ["recency_days", "growth_per_year", "price_to_market", "n_products_bought"],
            "transformation": ["log1p", "log1p", "none", "none", "none"],
            "winsorise": 0.01,
            "method": "mixture",
            "truth": "type",
        },
        "segment_migration": {},
        "needs_segments": {},
        # Complaint handling is judged by the few who complained; expectation is asked by one item each.
        "measurement_quality": {
            "constructs": [name for name in CONSTRUCTS if name not in {"performance_complaint", "expectation"}],
            "n_factors": len(CONSTRUCTS) - 2,
        },
        "importance_performance": {
            "outcome": "satisfaction",
            "importance": "stated",
            "drivers": [f"rated_{name}" for name in DIMENSIONS if name != "complaint"],
        },
        "received_expected": {"outcome": "satisfaction"},
        "kano_recommendation": {},
    }
