"""What a scorer hands over: a result that carries its recipe, its tables and its findings.

Scorers state numbers and name things by key; the wording of each key, in every language, is data
of the reporting floor. So a number is computed once and a sentence is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:  # slow to load, and who sets a document needs none
    import pandas as pd

Verdict = Literal["supported", "contradicted", "inconclusive", "not testable with these data"]


def judge_interval(low: float, high: float, limit: float = 0.0) -> Verdict:
    """Judge "more than ``limit``" by an interval: supported above it, contradicted below, inconclusive across.

    Examples
    --------
    >>> judge_interval(0.12, 0.4, 0.1), judge_interval(-0.2, 0.09, 0.1), judge_interval(0.05, 0.3, 0.1)
    ('supported', 'contradicted', 'inconclusive')
    """
    return "supported" if low > limit else "contradicted" if high < limit else "inconclusive"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The options that change an answer; printed with every result.

    Attributes
    ----------
    method : str
        Key of the method's name, e.g. ``"entropy_weights"``.
    options : Mapping[str, str | int | float | bool | None]
        Option key → value that was used, in reading order.
    source : str
        Publication the method follows, with its DOI where it has one.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence bound to the numbers it states.

    Attributes
    ----------
    key : str
        Names the sentence in the words files; its placeholders are the keys of ``values``.
    values : Mapping[str, Any]
        Every number and name that the sentence states, unrounded.
    verdict : Verdict | None
        Outcome of a claim that was declared before the data were read.
    claim : str
        The claim's identifier, e.g. ``"D03"``; empty where the finding judges none.
    main : bool
        Belongs into a summary though it is not the first answer of its section: it says what that answer is worth.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    verdict: Verdict | None = None
    claim: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A table as a report shows it.

    Attributes
    ----------
    key : str
        Names the caption in the words files. Column labels and formats go by column name.
    data : pd.DataFrame
        The whole table, unrounded, with a plain index that is not shown.
    notes : tuple[str, ...]
        Keys of the notes under the table.
    rows_shown : int | None
        A report prints this many first rows and says how many more the file holds; None prints all.
    """

    key: str
    data: pd.DataFrame
    notes: tuple[str, ...] = ()
    rows_shown: int | None = None


@runtime_checkable
class Result(Protocol):
    """What ``study.score`` can show: every frozen result dataclass of ``scoring`` is one."""

    @property
    def recipe(self) -> Recipe: ...

    def exhibits(self) -> tuple[Exhibit, ...]: ...

    def findings(self) -> tuple[Finding, ...]: ...
