"""Answers and behaviour: customers by what they did afterwards, branches by their employees, waves by time."""

from crmresearch.scoring.satisfaction.linking.accounts import KeyAccounts, judge_key_accounts
from crmresearch.scoring.satisfaction.linking.behaviour import LinkedCustomers, link_behaviour, service_gap
from crmresearch.scoring.satisfaction.linking.branches import BranchLink, link_employees
from crmresearch.scoring.satisfaction.linking.leaving import LeavingFit, fit_leaving
from crmresearch.scoring.satisfaction.linking.returning import (
    Returning,
    WaveSheets,
    WaveTruth,
    compare_changes_with_truth,
    compare_returning,
    screen_waves,
)
from crmresearch.scoring.satisfaction.linking.waves import WaveComparison, compare_waves, order_waves

__all__ = [
    "BranchLink",
    "KeyAccounts",
    "LeavingFit",
    "LinkedCustomers",
    "Returning",
    "WaveComparison",
    "WaveSheets",
    "WaveTruth",
    "compare_changes_with_truth",
    "compare_returning",
    "compare_waves",
    "fit_leaving",
    "judge_key_accounts",
    "link_behaviour",
    "link_employees",
    "order_waves",
    "screen_waves",
    "service_gap",
]
