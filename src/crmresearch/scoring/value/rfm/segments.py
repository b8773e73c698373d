"""Named RFM segments: every code belongs to exactly one, and reading the scheme proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from crmresearch.case import read_yaml
from crmresearch.case.strict import Strict
from crmresearch.errors import RefusedError, UsageError, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.rfm.scoring import RfmScores

LETTERS = ("r", "f", "m")


class SegmentScheme(Strict):
    """A scheme of named segments.

    Attributes
    ----------
    bins : int
        Scores per measure that the scheme speaks of.
    split : {"none", "mean_score"}
        The scores themselves; or 2 where a score is above the mean of all customers, 1 otherwise.
    segments : dict[str, dict[str, tuple[int, ...]]]
        Segment → letter (r, f, m) → its scores; a letter left out means any.
    source : str
    """

    bins: int = Field(ge=2, le=9)
    split: Literal["none", "mean_score"] = "none"
    segments: dict[str, dict[Literal["r", "f", "m"], tuple[int, ...]]] = Field(min_length=1)
    source: str = ""

    @model_validator(mode="after")
    def _every_code_once(self) -> SegmentScheme:
        every = set(range(1, self.bins + 1))
        for code in product(sorted(every), repeat=3):
            holders = [name for name, cells in self.segments.items() if self._holds(cells, code)]
            if len(holders) != 1:
                which = f"in {' and '.join(holders)}" if holders else "in no segment"
                raise ValueError(f"the code {''.join(map(str, code))} is {which}; every code belongs to exactly one")
        return self

    @staticmethod
    def _holds(cells: Mapping[str, tuple[int, ...]], code: tuple[int, ...]) -> bool:
        return all(score in cells.get(letter, (score,)) for letter, score in zip(LETTERS, code, strict=True))

    def segment_of(self, scores: np.ndarray) -> np.ndarray:
        """Place of each customer's segment, scores of shape (n_customers, 3)."""
        codes = np.array(list(product(range(1, self.bins + 1), repeat=3)))
        place = [
            next(i for i, cells in enumerate(self.segments.values()) if self._holds(cells, tuple(code)))
            for code in codes
        ]
        index = ((scores[:, 0] - 1) * self.bins + scores[:, 1] - 1) * self.bins + scores[:, 2] - 1
        return np.array(place)[index]


@dataclass(frozen=True, slots=True)
class RfmSegments:
    """Customers by named segment.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_scored, 4)
        customer_id, code, rfm_segment, spend; customers without a score are not here.
    table : pd.DataFrame, shape (n_segments, 8)
        rfm_segment, n_customers, share_customers, spend, share_spend, and the mean of the three measures.
    recipe : Recipe
    """

    customers: pd.DataFrame
    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The segments."""
        return (Exhibit("rfm_segments", self.table, notes=("rfm_segments",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The segment with most customers and the one with most spend."""
        most, richest = self.table["n_customers"].idxmax(), self.table["spend"].idxmax()
        values = {"scheme": self.recipe.options["rfm_scheme"], "n": len(self.table)}
        values |= {"most": self.table["rfm_segment"][most], "share_most": float(self.table["share_customers"][most])}
        values |= {
            "richest": self.table["rfm_segment"][richest],
            "share_spend": float(self.table["share_spend"][richest]),
        }
        values["share_richest"] = float(self.table["share_customers"][richest])
        return (Finding("rfm_segments", values),)


@cache
def load_schemes() -> dict[str, SegmentScheme]:
    """The schemes that come with the package, by name."""
    folder = resources.files("crmresearch.scoring.value.rfm") / "presets"
    with resources.as_file(folder / "segments.yaml") as path:
        return {name: SegmentScheme.model_validate(scheme) for name, scheme in read_yaml(path).items()}


def name_segments(scores: RfmScores, *, scheme: str | SegmentScheme = "ten_segments") -> RfmSegments:
    """Give every scored customer the name of its segment.

    Parameters
    ----------
    scores : RfmScores
    scheme : str | SegmentScheme
        "ten_segments", "eight_types", or a scheme of one's own.

    Returns
    -------
    RfmSegments
        Every segment of the scheme, empty ones too.

    Raises
    ------
    UsageError
        No such scheme.
    RefusedError
        Scores in other bins than the scheme speaks of.
    """
    name = scheme if isinstance(scheme, str) else "own_scheme"
    if isinstance(scheme, str):
        if scheme not in load_schemes():
            raise UsageError(
                f"no scheme of segments {scheme!r}{nearest(scheme, load_schemes())}",
                where="name_segments",
                repair=f"Choose from: {', '.join(load_schemes())}.",
            )
        scheme = load_schemes()[scheme]
    bins = scores.recipe.options["bins"]
    if scheme.split == "none" and bins != scheme.bins:
        raise RefusedError(
            f"the scheme {name!r} speaks of {scheme.bins} scores, the customers have {bins}",
            where="RFM segments",
            repair=f"Score with bins={scheme.bins}, or use the scheme 'eight_types'.",
        )
    scored = scores.customers.dropna(subset="code")
    values = scored[list(LETTERS)].to_numpy(dtype=int)
    if scheme.split == "mean_score":
        values = 1 + (values > values.mean(axis=0)).astype(int)
    names = list(scheme.segments)
    place = scheme.segment_of(values)
    segment = pd.array(np.array(names, dtype=object)[place], dtype="str")
    customers = scored[["customer_id", "code", "spend"]].assign(rfm_segment=segment).reset_index(drop=True)
    measures = [c for c in scores.customers.columns if c not in {"customer_id", *LETTERS, "code"}]
    groups = scored.groupby(place)
    table = pd.DataFrame({"n_customers": groups.size(), "total": groups["spend"].sum()}).join(groups[measures].mean())
    table = table.rename(columns={m: f"mean_of_{m}" for m in measures})
    table = table.reindex(range(len(names))).fillna({"n_customers": 0, "total": 0.0}).astype({"n_customers": int})
    table.insert(0, "rfm_segment", names)
    table.insert(2, "share_customers", table["n_customers"] / len(scored))
    table.insert(4, "share_spend", table["total"] / scored["spend"].sum())
    table = table.rename(columns={"total": "spend"})
    options = {"rfm_scheme": name, "split": f"split_{scheme.split}", "bins": bins}
    recipe = Recipe("rfm_segments", options, scheme.source)
    return RfmSegments(customers[["customer_id", "code", "rfm_segment", "spend"]], table, recipe)
