"""A small result with everything a record can hold, and words for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from crmresearch.errors import RefusedError
from crmresearch.reporting.record import Record
from crmresearch.reporting.words import Words
from crmresearch.results import Exhibit, Finding, Recipe

WORDS = """
columns:
  tier: {en: Tier, zh: 等级, kind: text}
  spend: {en: Spend, zh: 消费额, kind: money}
  gini: {en: Gini coefficient, zh: 基尼系数, kind: score}
  top_share: {en: Share of the top customers, zh: 头部客户占比, kind: share}
exhibits:
  tiers: {en: Customers by tier, zh: 各等级客户}
  summary: {en: Summary, zh: 汇总}
figures:
  curve: {en: Lorenz curve, zh: 洛伦兹曲线, alt: {en: A curve below the diagonal, zh: 对角线下方的曲线}}
labels:
  gold: {en: gold, zh: 金牌}
findings:
  top:
    en: "The top {share:share} of {n:count} customers are {tier}."
    zh: "{n:count}名客户中前{share:share}为{tier}。"
  slope:
    supported: {en: "Loyalty rises by {b:number}.", zh: "忠诚度提高{b:number}。"}
notes:
  spend_note: {en: Spend of the whole period., zh: 全期消费额。}
methods:
  tiering: {en: Tiers by spend, zh: 按消费额分级}
options:
  cut: {en: Cut point, zh: 切分点}
  by: {en: Ranked by, zh: 排序依据}
sections:
  concentration: {en: How concentrated is spend?, zh: 消费有多集中？}
"""


@dataclass(frozen=True)
class Tiers:
    """A scorer's result, with customers named ``names``; with ``aside``, a further finding after the first."""

    names: tuple[str, ...] = ("Ann", "柳州", "C")
    aside: float = 0.0
    main: bool = False
    recipe: Recipe = field(
        default_factory=lambda: Recipe("tiering", {"cut": 0.2, "by": "spend"}, "Doe (2001), doi:10.1/x")
    )

    def exhibits(self) -> tuple[Exhibit, ...]:
        spend = [1234.5, float("nan"), np.inf]
        tiers = pd.DataFrame({"customer_id": list(self.names), "tier": ["gold", "gold", None], "spend": spend})
        summary = pd.DataFrame({"measure": ["n_customers", "gini", "top_share"], "value": [3.0, 0.61234, 0.5]})
        return Exhibit("tiers", tiers, ("spend_note",), rows_shown=2), Exhibit("summary", summary)

    def findings(self) -> tuple[Finding, ...]:
        return (
            Finding("top", {"share": np.float64(0.2), "n": 3, "tier": "gold"}),
            Finding("slope", {"b": 0.25}, "supported", "D03"),
            *((Finding("top", {"share": self.aside, "n": 7, "tier": "gold"}, main=self.main),) if self.aside else ()),
        )


def draw() -> Figure:
    figure = Figure(figsize=(1, 0.6))
    figure.text(0.5, 0.5, "x")
    return figure


def write_study(
    folder: Path, words: Words, *, study: str = "tiers", result: Tiers | None = None, languages: str = "en zh"
) -> str:
    """A whole study in a folder, its figure drawn in some languages; returns the digest of its record."""
    record = Record(
        folder,
        study=study,
        case="demo",
        title={"en": "Tiers of customers", "zh": "客户分级"},
        as_of="1998-06-30",
        parameters={"cut": 0.2},
        inputs={"orders": "0" * 64},
        words=words,
    )
    record.section("concentration")
    record.result(result or Tiers(), "crmresearch.scoring.value.score_tiers")
    record.figure("curve", {language: draw() for language in languages.split()})
    record.refusal(RefusedError("all customers spend the same", repair="Use another window."), "x.score_abc")
    return record.close()
