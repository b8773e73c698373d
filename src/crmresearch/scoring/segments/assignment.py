"""A fitted segmentation as a file of numbers, and new customers placed by it: with distance, and "unlike any"."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.errors import InputError, RefusedError, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.clustering import Segmentation
from crmresearch.scoring.segments.medoids import gower_distances
from crmresearch.scoring.segments.mixed import MixedPreparer
from crmresearch.scoring.segments.preparation import FeaturePreparer
from crmresearch.scoring.segments.sweeping import squared_distances

FORMAT = "crmresearch segmentation 1"


@dataclass(frozen=True, slots=True)
class SavedSegmentation:
    """All that is needed to place further customers, as plain numbers and names.

    Attributes
    ----------
    method : str
        How the segments were found.
    metric : str
        ``euclidean`` or ``gower``.
    names : tuple[str, ...]
        Features, in order.
    preparer : FeaturePreparer or MixedPreparer
    categorical : tuple[int, ...]
    centres : np.ndarray, shape (k, n_features)
        In prepared features.
    limits : np.ndarray, shape (k,)
        Distance to the own centre that ``share_inside`` of the segment's customers do not exceed.
    share_inside : float
    given_back : float
        Share of the customers who made the segments that the nearest centre puts back into theirs.
    """

    method: str
    metric: str
    names: tuple[str, ...]
    preparer: FeaturePreparer | MixedPreparer
    categorical: tuple[int, ...]
    centres: np.ndarray
    limits: np.ndarray
    share_inside: float
    given_back: float

    def distances(self, x: np.ndarray) -> np.ndarray:
        """Distance of each prepared row to each centre, shape (n, k)."""
        if self.metric == "gower":
            return gower_distances(x, self.centres, self.categorical)
        return np.sqrt(squared_distances(x, self.centres))

    def to_json(self) -> str:
        """Return the segmentation as JSON text: nothing in it is run when it is read."""
        content = {
            "format": FORMAT,
            "method": self.method,
            "metric": self.metric,
            "names": list(self.names),
            "preparer": _written(self.preparer),
            "categorical": list(self.categorical),
            "centres": self.centres.tolist(),
            "limits": self.limits.tolist(),
            "share_inside": self.share_inside,
            "given_back": self.given_back,
        }
        return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, where: str = "saved segmentation") -> SavedSegmentation:
        """Read what ``to_json`` wrote.

        Raises
        ------
        InputError
            The text is no saved segmentation, or one of another format.
        """
        try:
            content = json.loads(text)
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise ValueError(f"format is not {FORMAT!r}")
            saved = cls(
                method=str(content["method"]),
                metric=str(content["metric"]),
                names=tuple(content["names"]),
                preparer=_read(content["preparer"], tuple(content["names"])),
                categorical=tuple(content["categorical"]),
                centres=np.array(content["centres"], dtype=float),
                limits=np.array(content["limits"], dtype=float),
                share_inside=float(content["share_inside"]),
                given_back=float(content["given_back"]),
            )
            if saved.centres.shape != (len(saved.limits), len(saved.names)):
                raise ValueError("the centres do not fit the features")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"no saved segmentation ({type(error).__name__}: {str(error)[:80]})",
                where=where,
                repair="Save it again with save_segmentation.",
            ) from None
        return saved


@dataclass(frozen=True, slots=True)
class Assignment:
    """Further customers in the segments of a saved segmentation.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n, 5)
        customer_id, segment, distance_to_centre, second_distance (to the next nearest centre), unlike_any
        (further from its centre than nearly all customers who made the segments).
    sizes : pd.DataFrame, shape (k, 4)
        segment, n_customers, share_of_customers, n_unlike.
    left_out : pd.DataFrame, shape (n_left_out, 2)
        customer_id, n_missing.
    recipe : Recipe
    """

    customers: pd.DataFrame
    sizes: pd.DataFrame
    left_out: pd.DataFrame
    recipe: Recipe

    @property
    def segments(self) -> pd.Series:
        """Segment of each customer, by customer_id."""
        return self.customers.set_index("customer_id")["segment"]

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Sizes of the segments among the customers placed."""
        return (Exhibit("assigned_sizes", self.sizes, notes=("unlike_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many were placed, and how many are unlike any segment."""
        n, unlike = len(self.customers), int(self.customers["unlike_any"].sum())
        values = {
            "n": n,
            "left_out": len(self.left_out),
            "unlike": unlike,
            "share": unlike / n,
            "expected": 1 - self.recipe.options["share_inside"],
        }
        return (Finding("customers_assigned", values),)


def freeze_segmentation(segmentation: Segmentation, *, share_inside: float = 0.99) -> SavedSegmentation:
    """Keep of a segmentation what places further customers: preparation, centres, how far members lie.

    Parameters
    ----------
    segmentation : Segmentation
    share_inside : float
        Share of a segment's customers within its limit; one beyond is "unlike any".

    Returns
    -------
    SavedSegmentation
        Further customers go to the nearest centre, whatever the method: for k-means and k-medoids that
        is the method's own rule, for the others ``given_back`` says how often it agrees.

    Raises
    ------
    RefusedError
        There are no segments, or the share is out of range.
    """
    if segmentation.k < 1:
        raise RefusedError("there are no segments to save", where="freeze_segmentation")
    if not 0.5 <= share_inside < 1:
        raise RefusedError(f"share_inside must lie in [0.5, 1), got {share_inside!r}", where="freeze_segmentation")
    features, labels = segmentation.features, segmentation.segments.reindex(segmentation.features.matrix.index)
    x, own = features.matrix.to_numpy(), labels.to_numpy() - 1
    saved = SavedSegmentation(
        method=str(segmentation.recipe.options["segmented_by"]),
        metric=features.metric,
        names=tuple(str(name) for name in features.matrix.columns),
        preparer=features.preparer,
        categorical=tuple(features.categorical),
        centres=segmentation.centres.drop(columns="segment").to_numpy(),
        limits=np.zeros(segmentation.k),
        share_inside=share_inside,
        given_back=0.0,
    )
    apart = saved.distances(x)
    inside = own >= 0
    limits = [np.quantile(apart[own == j, j], share_inside) for j in range(segmentation.k)]
    back = float((apart.argmin(axis=1)[inside] == own[inside]).mean())
    fields = {name: getattr(saved, name) for name in saved.__slots__}
    return SavedSegmentation(**{**fields, "limits": np.array(limits), "given_back": back})


def save_segmentation(saved: SavedSegmentation, path: Path) -> None:
    """Write a segmentation as JSON (UTF-8); an existing file is replaced."""
    Path(path).write_text(saved.to_json(), encoding="utf-8")


def load_segmentation(path: Path) -> SavedSegmentation:
    """Read a segmentation that :func:`save_segmentation` wrote; see :meth:`SavedSegmentation.from_json`."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({type(error).__name__})", where=Path(path).name) from None
    return SavedSegmentation.from_json(text, where=Path(path).name)


def assign_customers(saved: SavedSegmentation, features: pd.DataFrame) -> Assignment:
    """Place customers in the segments of a saved segmentation, by the nearest centre.

    Parameters
    ----------
    saved : SavedSegmentation
    features : pd.DataFrame
        Indexed by customer_id, with the saved features in original units; further columns are ignored.
        A customer with a missing feature is left out (by Gower's distance: with all missing).

    Returns
    -------
    Assignment

    Raises
    ------
    RefusedError
        A saved feature is not a column (named, with the nearest), holds another type, a customer stands
        twice, or none has the features.
    """
    table = _matching(saved, features)
    n_missing = table.isna().sum(axis=1)
    out = n_missing.eq(table.shape[1]) if saved.metric == "gower" else n_missing.gt(0)
    kept = table[~out]
    if kept.empty:
        raise RefusedError(f"none of {len(table)} customers has the features", where="assign_customers")
    apart = saved.distances(saved.preparer.transform(kept))
    own = apart.argmin(axis=1)
    rows = np.arange(len(own))
    distance = apart[rows, own]
    k = len(saved.limits)
    ranked = np.sort(apart, axis=1)
    unlike = distance > saved.limits[own] * (1 + 1e-9)
    sizes = np.bincount(own, minlength=k)
    return Assignment(
        customers=pd.DataFrame(
            {
                "customer_id": kept.index,
                "segment": own + 1,
                "distance_to_centre": distance,
                "second_distance": ranked[:, 1] if k > 1 else np.nan,
                "unlike_any": unlike,
            }
        ),
        sizes=pd.DataFrame(
            {
                "segment": np.arange(1, k + 1),
                "n_customers": sizes,
                "share_of_customers": sizes / len(own),
                "n_unlike": np.bincount(own[unlike], minlength=k),
            }
        ),
        left_out=n_missing[out].rename("n_missing").rename_axis("customer_id").reset_index(),
        recipe=Recipe(
            "nearest_centre",
            {
                "segmented_by": saved.method,
                "features": list(saved.names),
                "k": k,
                "share_inside": saved.share_inside,
                "given_back": saved.given_back,
            },
        ),
    )


def _matching(saved: SavedSegmentation, features: pd.DataFrame) -> pd.DataFrame:
    lacking = [name for name in saved.names if name not in features]
    if lacking:
        raise RefusedError(
            f"the table has no column {lacking[0]!r}{nearest(lacking[0], map(str, features.columns))}; the saved "
            f"segmentation stands on {', '.join(saved.names)}",
            where="assign_customers",
            repair="Give the same features, or fit segments anew on those there are.",
        )
    twice = features.index[features.index.duplicated()]
    if len(twice):
        raise RefusedError(f"customer {str(twice[0])[:40]!r} stands twice", where="assign_customers")
    table = features[list(saved.names)].rename_axis("customer_id").sort_index()
    worded = saved.preparer.levels if isinstance(saved.preparer, MixedPreparer) else {}
    for name in table:
        number = pd.api.types.is_numeric_dtype(table[name].dtype) or pd.api.types.is_bool_dtype(table[name].dtype)
        if name not in worded:
            if not number:
                raise RefusedError(f"feature {name!r} holds {table[name].dtype}, not numbers", where="assign_customers")
            table[name] = table[name].astype("Float64").astype(float)
            if np.isinf(table[name]).any():
                raise RefusedError(f"feature {name!r} is infinite", where="assign_customers")
    return table


def _written(preparer: FeaturePreparer | MixedPreparer) -> dict[str, Any]:
    if isinstance(preparer, MixedPreparer):
        return {
            "kind": "mixed",
            "numbers": {name: _written(one) for name, one in preparer.numbers.items()},
            "ranges": {name: list(pair) for name, pair in preparer.ranges.items()},
            "levels": {name: list(levels) for name, levels in preparer.levels.items()},
            "ordered": sorted(preparer.ordered),
        }
    return {"kind": "numbers", **preparer.state()}


def _read(content: dict[str, Any], names: tuple[str, ...]) -> FeaturePreparer | MixedPreparer:
    if content["kind"] == "mixed":
        return MixedPreparer(
            numbers={name: FeaturePreparer.of_state(one) for name, one in content["numbers"].items()},
            ranges={name: (float(low), float(high)) for name, (low, high) in content["ranges"].items()},
            levels={name: tuple(levels) for name, levels in content["levels"].items()},
            ordered=frozenset(content["ordered"]),
            names=names,
        )
    return FeaturePreparer.of_state(content)
