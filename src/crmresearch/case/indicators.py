"""Indicator systems as data: a tree of what is measured, which way is good, and from which table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from crmresearch.case.strict import Bilingual, Strict


class IndicatorNode(Strict):
    """One node of an indicator system: a group with children, or an indicator with a formula.

    Attributes
    ----------
    en, zh : str
        Name in each language.
    aliases : tuple[str, ...]
        Further names by which judgement matrices call it.
    children : dict[str, IndicatorNode]
        A group's members; an indicator has none.
    direction : {"benefit", "cost", "target", "ordinal"}
        More is better; less is better; best within ``target``; by the order that ``levels`` states.
    target : tuple[float, float] | None
        Lowest and highest best value, in the indicator's unit.
    levels : dict[str, float]
        Level → value, more is better. Levels are never ordered by their spelling.
    unit, table : str
        Unit of the values and the canonical table they come from.
    formula : str
        One of the formulas of ``scoring.value.indicators``, or ``column`` for a column of the customer summary.
    column : str
        What the formula reads, where it can read several: a column, or the criterion of a rating.
    window_days : int | None
        Days up to the last observed one that count; None counts all.
    shrink : bool
        Values that rest on little are drawn towards all customers' mean.
    role : {"weighed", "reported"}
        Whether it gets a weight, or stands beside another measure of the same thing.
    """

    en: str
    zh: str
    aliases: tuple[str, ...] = ()
    children: dict[str, IndicatorNode] = Field(default_factory=dict)
    direction: Literal["benefit", "cost", "target", "ordinal"] | None = None
    target: tuple[float, float] | None = None
    levels: dict[str, float] = Field(default_factory=dict)
    unit: str = ""
    table: str = ""
    formula: str = ""
    column: str = ""
    window_days: int | None = Field(default=None, gt=0)
    shrink: bool = False
    role: Literal["weighed", "reported"] = "weighed"

    @model_validator(mode="after")
    def _group_or_indicator(self) -> IndicatorNode:
        if self.children:
            if self.formula or self.direction:
                raise ValueError(
                    f"{self.en!r} has children and a formula or direction; it is either group or indicator"
                )
            return self
        if not self.formula or not self.table:
            raise ValueError(f"the indicator {self.en!r} needs a formula and a table, or children")
        if self.direction is None:
            raise ValueError(f"the indicator {self.en!r} has no direction; a wrong one reverses the ranking")
        if (self.direction == "target") != (self.target is not None):
            raise ValueError(f"{self.en!r}: direction target and the key target go together")
        if self.target and self.target[0] > self.target[1]:
            raise ValueError(f"{self.en!r}: target goes from low to high")
        if (self.direction == "ordinal") != bool(self.levels):
            raise ValueError(f"{self.en!r}: direction ordinal and the key levels go together")
        return self


class IndicatorSystem(Strict):
    """A system of indicators: its title, where it is stated, its tree.

    Attributes
    ----------
    title : Bilingual
    aliases : tuple[str, ...]
        Further names by which judgement matrices call the whole.
    source : str
        Where the system is stated.
    groups : dict[str, IndicatorNode]
    """

    title: Bilingual
    aliases: tuple[str, ...] = ()
    source: str = ""
    groups: dict[str, IndicatorNode] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_once(self) -> IndicatorSystem:
        names = [name for name, _, _ in self.walk()]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the indicator {twice[0]!r} stands twice")
        return self

    def walk(self) -> Iterator[tuple[str, IndicatorNode, tuple[str, ...]]]:
        """Every node with its key and the keys above it, parents first."""

        def below(nodes: dict[str, IndicatorNode], path: tuple[str, ...]) -> Iterator:
            for name, node in nodes.items():
                yield name, node, path
                yield from below(node.children, (*path, name))

        return below(self.groups, ())

    def indicators(self) -> dict[str, IndicatorNode]:
        """Key → node of every indicator, in order."""
        return {name: node for name, node, _ in self.walk() if not node.children}


class Valuation(Strict):
    """What a case says of the value of its customers.

    Attributes
    ----------
    indicators : IndicatorSystem | None
        A system of the case's own; studies call it ``case``.
    industry_stages : dict[str, str]
        Industry, as the customer table writes it → stage of its life cycle.
    margin_rate : float | None
        Share of an amount that is profit, where no line states cost or profit.
    """

    indicators: IndicatorSystem | None = None
    industry_stages: dict[str, str] = Field(default_factory=dict)
    margin_rate: float | None = Field(default=None, gt=0, lt=1)
