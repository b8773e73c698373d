"""The questionnaire of a case: its scale, items and constructs, and which questions are asked as pairs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from crmresearch.case.strict import Bilingual, Strict
from crmresearch.errors import nearest


class Item(Strict):
    """One questionnaire item: its heading in the file, its wording, its direction."""

    en: str
    zh: str = ""
    heading: str = ""
    reverse: bool = False


class Construct(Strict):
    """A latent construct and the items that measure it."""

    title: Bilingual
    items: tuple[str, ...] = Field(min_length=1)


class Scale(Strict):
    """The answer scale all items share, both ends included, and the wording of its answers where files hold it."""

    low: int
    high: int
    missing: tuple[str, ...] = ()
    answers: dict[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        if self.high <= self.low:
            raise ValueError("scale: high must be above low")
        outside = next((word for word, code in self.answers.items() if not self.low <= code <= self.high), None)
        if outside is not None:
            raise ValueError(f"scale: the code of the answer {outside!r} lies outside the scale")
        return self


class Attribute(Strict):
    """One thing customers judge, with its twin questions: what was expected of it, how much it matters.

    Attributes
    ----------
    performance : str
        Item that rates what was received.
    expectation : str
        Its twin on what was expected; empty where nobody was asked.
    importance : str
        Its twin on how much it matters; empty where nobody was asked.
    """

    title: Bilingual
    performance: str
    expectation: str = ""
    importance: str = ""


class KanoPair(Strict):
    """Kano's two questions on one feature: how it would be to have it, and to lack it.

    Attributes
    ----------
    present, absent : str
        Columns of the survey with the answers to the two questions.
    """

    title: Bilingual
    present: str
    absent: str


class Kano(Strict):
    """The features asked in Kano's form, and which end of their five answers is "I like it".

    Attributes
    ----------
    like : {"lowest", "highest"}
        Whether 1 or 5 is coded for "I like it that way"; the other is "I dislike it that way".
    """

    like: Literal["lowest", "highest"] = "lowest"
    features: dict[str, KanoPair] = Field(min_length=1)


class Screening(Strict):
    """Which answer sheets are set aside as careless; declared here, that is before the answers are read.

    A rule that the survey has no column for is skipped and said so; 0 seconds, a run of 1, a
    spread of 9 or a p of 0 set nobody aside.

    Attributes
    ----------
    min_seconds_per_item : float
        A sheet answered faster than this, for each item answered, is too fast (2 s: Huang et al. 2012).
    longest_run : float
        Longest run of one answer allowed, as a share of the items in the order of the form (half: Curran 2016).
    max_item_spread : float
        Variance of a respondent's answers within constructs, as a share of that of random ticks; above it a
        sheet is inconsistent (after Marjanovic et al. 2015).
    outlier_p : float
        Sheets whose Mahalanobis distance has a smaller p value are outliers. Answers that crowd at one end of
        the scale have longer tails than the rule knows; 0 then spares respondents who are merely unusual.
    """

    min_seconds_per_item: float = Field(default=2.0, ge=0)
    longest_run: float = Field(default=0.5, ge=0, le=1)
    max_item_spread: float = Field(default=0.75, gt=0)
    outlier_p: float = Field(default=0.001, ge=0, lt=0.5)


class Instrument(Strict):
    """A questionnaire: its scale, its items, the constructs they measure, and what else it asks.

    Attributes
    ----------
    attributes : dict[str, Attribute]
        What is rated, with the twins on expectation and importance; all of them items.
    kano : Kano | None
        Features asked in Kano's two-question form; columns of the survey, on a scale of their own.
    instructed : dict[str, int]
        Column → the answer it tells respondents to give.
    recommend : str
        Column with the likelihood to recommend, 0 to 10; empty where nobody was asked.
    screening : Screening
    wave : str
        Wave of the survey that studies read; empty for the latest that had begun by the last observed day.
    """

    scale: Scale
    constructs: dict[str, Construct]
    items: dict[str, Item]
    attributes: dict[str, Attribute] = Field(default_factory=dict)
    kano: Kano | None = None
    instructed: dict[str, int] = Field(default_factory=dict)
    recommend: str = ""
    screening: Screening = Screening()
    wave: str = ""

    @model_validator(mode="after")
    def _items_agree(self) -> Instrument:
        for name, construct in self.constructs.items():
            for item in construct.items:
                self._known(item, f"construct {name!r}")
        for name, attribute in self.attributes.items():
            twins = [attribute.performance, attribute.expectation, attribute.importance]
            for item in filter(None, twins):
                self._known(item, f"attribute {name!r}")
            if len(set(filter(None, twins))) < len(list(filter(None, twins))):
                raise ValueError(f"attribute {name!r} names one item twice")
        return self

    def _known(self, item: str, where: str) -> None:
        if item not in self.items:
            raise ValueError(f"{where} uses item {item!r}, which 'items' lacks{nearest(item, self.items)}")

    @property
    def further_columns(self) -> tuple[str, ...]:
        """Columns of the survey that the instrument names beside its items."""
        pairs = self.kano.features.values() if self.kano else ()
        named = [*self.instructed, *(c for pair in pairs for c in (pair.present, pair.absent)), self.recommend]
        return tuple(column for column in named if column)
