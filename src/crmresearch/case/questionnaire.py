"""The questionnaire of a case: its scale, its items, the constructs they measure."""

from __future__ import annotations

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


class Instrument(Strict):
    """A questionnaire: its scale, its items, the constructs they measure."""

    scale: Scale
    constructs: dict[str, Construct]
    items: dict[str, Item]

    @model_validator(mode="after")
    def _items_agree(self) -> Instrument:
        for name, construct in self.constructs.items():
            for item in construct.items:
                if item not in self.items:
                    raise ValueError(
                        f"construct {name!r} uses item {item!r}, which 'items' lacks{nearest(item, self.items)}"
                    )
        return self
