"""Latent classes and profiles: groups behind answers, from one class up, the number by BIC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.latent import ClassModel, ProfileModel, climb, x_filled
from crmresearch.scoring.segments.mixture import entropy
from crmresearch.scoring.segments.threads import one_thread
from crmresearch.scoring.shares import wilson

Kind = Literal["categorical", "continuous"]
_UNSURE = 0.7  # posterior from which a membership is called sure
_FEWEST = 30


@dataclass(frozen=True, slots=True)
class LatentClasses:
    """Classes of respondents, and what each class answers.

    Attributes
    ----------
    members : pd.DataFrame, shape (n, 3)
        respondent_id, latent_class (1 is the largest), class_chance (probability of that class).
    sizes : pd.DataFrame, shape (k, 6)
        latent_class, share (estimated), n_assigned, share_low, share_high (Wilson, of those assigned),
        class_chance (mean of those assigned).
    sweep : pd.DataFrame, shape (n_swept, 8)
        k (from 1), log_likelihood, n_parameters, degrees_left (answer patterns less parameters; missing for
        continuous answers), bic, aic, entropy_share (1: memberships are certain), chosen.
    answers : pd.DataFrame, shape (n_rows, 5)
        latent_class, item, answer_level (category, or "mean"), class_probability (of the answer, or the mean), base.
    memberships : np.ndarray, shape (n, k)
        Probability of each class for each respondent, in the order of ``members``.
    recipe : Recipe
    """

    members: pd.DataFrame
    sizes: pd.DataFrame
    sweep: pd.DataFrame
    answers: pd.DataFrame
    memberships: np.ndarray
    recipe: Recipe

    @property
    def k(self) -> int:
        """Number of classes; 1 is a possible answer."""
        return len(self.sizes)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The numbers compared, the classes, what they answer (of yes and no, yes: the other follows)."""
        answers = self.answers[self.answers["answer_level"] != "answered_no"].reset_index(drop=True)
        return (
            Exhibit("class_sweep", self.sweep, notes=("class_sweep_reading",)),
            Exhibit("class_sizes", self.sizes, notes=("class_sizes_reading",)),
            Exhibit("class_answers", answers, notes=("class_answers_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """One class or several, and how surely respondents belong to them."""
        options = self.recipe.options
        chosen = self.sweep[self.sweep["chosen"]].iloc[0]
        values = {
            "k": self.k,
            "n": len(self.members),
            "bic": float(chosen["bic"]),
            "bic_one": float(self.sweep["bic"].iloc[0]),
            "n_starts": options["n_starts"],
        }
        if self.k == 1:
            return (Finding("classes_one", values),)
        unsure = float((self.members["class_chance"] < _UNSURE).mean())
        found = [Finding("classes_several", values)]
        found.append(
            Finding("classes_sure", {"entropy": float(chosen["entropy_share"]), "unsure": unsure, "limit": _UNSURE})
        )
        if options["stated_each"] is not None:
            found.append(Finding("classes_forced", {"n": options["stated_each"]}, main=True))
        return tuple(found)


def fit_classes(
    answers: pd.DataFrame,
    *,
    rng: np.random.Generator,
    kind: Kind = "categorical",
    k: int | None = None,
    k_range: Sequence[int] = (1, 2, 3, 4, 5),
    n_starts: int = 20,
    max_rounds: int = 2_000,
) -> LatentClasses:
    """Fit latent classes (categories) or latent profiles (numbers), the number of them by BIC.

    Parameters
    ----------
    answers : pd.DataFrame, shape (n_respondents, n_items)
        Indexed by respondent_id; missing answers take no part. One row a respondent.
    rng : np.random.Generator
    kind : {"categorical", "continuous"}
        Latent classes of categories, or profiles of numbers with a variance of each item and class.
    k : int, optional
        Number of classes; without it the smallest BIC decides among those the answers can identify.
    k_range : Sequence[int]
        Numbers compared; 1 is always among them.
    n_starts : int
        EM starts for each number.
    max_rounds : int

    Returns
    -------
    LatentClasses

    Raises
    ------
    RefusedError
        Fewer than 30 respondents with an answer, an item that everyone answers alike, fewer than two
        items, or more classes asked for than the answers can identify.

    Notes
    -----
    Within a class, answers are taken as independent. For categories, classes with more parameters than
    there are answer patterns (less one) are not compared: no data could tell them apart.
    Relative entropy is 1 − E / (n ln k) with E the entropy of the memberships.

    References
    ----------
    Goodman, L. A. (1974). Exploratory latent structure analysis using both identifiable and unidentifiable
    models. Biometrika 61, 215–231. https://doi.org/10.1093/biomet/61.2.215

    McLachlan, G. & Peel, D. (2000). Finite mixture models. Wiley. https://doi.org/10.1002/0471721182
    """
    coded, levels = _coded(answers, kind)
    ks = _numbers(coded, levels, kind, k, k_range, n_starts)
    x = coded.to_numpy()
    missing = bool(np.isnan(x).any())
    seed = int(rng.integers(2**31))
    random = np.random.default_rng(seed)
    model = ClassModel.of(x, levels) if kind == "categorical" else ProfileModel.of(x)
    with one_thread():
        fits = [climb(model, one, n_starts=n_starts, max_rounds=max_rounds, rng=random) for one in ks]
    n, logs = len(x), [fit.log_likelihood for fit in fits]
    counts = [_parameters(one, levels, kind) for one in ks]
    chances = [fit.chance for fit in fits]
    bic = [-2 * log + count * np.log(n) for log, count in zip(logs, counts, strict=True)]
    chosen = ks.index(k) if k is not None else int(np.argmin(bic))
    patterns = int(np.prod([float(len(one)) for one in levels])) if kind == "categorical" else np.nan
    sweep = pd.DataFrame(
        {
            "k": ks,
            "log_likelihood": logs,
            "n_parameters": counts,
            "degrees_left": [patterns - 1 - count for count in counts],
            "bic": bic,
            "aic": [-2 * log + 2 * count for log, count in zip(logs, counts, strict=True)],
            "entropy_share": [
                1 - entropy(chance) / (n * np.log(one)) if one > 1 else np.nan
                for one, chance in zip(ks, chances, strict=True)
            ],
            "chosen": np.arange(len(ks)) == chosen,
        }
    )
    chance = chances[chosen]
    place = np.lexsort([*(x_filled(x).T @ chance)[::-1], -chance.sum(axis=0).round(6)])
    chance = chance[:, place]
    own = chance.argmax(axis=1)
    return LatentClasses(
        members=pd.DataFrame(
            {"respondent_id": coded.index, "latent_class": own + 1, "class_chance": chance[np.arange(n), own]}
        ),
        sizes=_sizes(chance, own),
        sweep=sweep,
        answers=_answers(coded, levels, chance, kind),
        memberships=chance,
        recipe=Recipe(
            "latent_classes" if kind == "categorical" else "latent_profiles",
            {
                "features": [str(name) for name in coded.columns],
                "k": ks[chosen],
                "k_chosen_by": "researcher" if k is not None else "smallest_bic",
                "k_high": max(ks),
                "n_starts": n_starts,
                "missing": "full_information" if missing else "none_missing",
                "stated_each": _stated_each(x, kind),
                "numbering": "by_size",
                "seed": seed,
            },
            "Goodman (1974), https://doi.org/10.1093/biomet/61.2.215",
        ),
    )


def _coded(answers: pd.DataFrame, kind: Kind) -> tuple[pd.DataFrame, list[list[Any]]]:
    """Codes from 0 for categories (numbers as they are), and each item's levels."""
    check_choice("kind", kind, get_args(Kind), where="fit_classes")
    whole = answers.rename_axis("respondent_id").sort_index()
    twice = whole.index[whole.index.duplicated()]
    if len(twice):
        raise RefusedError(f"respondent {str(twice[0])[:40]!r} stands twice", where="fit_classes")
    whole = whole[whole.notna().any(axis=1)]
    if whole.shape[1] < 2 or len(whole) < _FEWEST:
        raise RefusedError(
            f"{whole.shape[1]} items answered by {len(whole)} respondents",
            where="fit_classes",
            repair=f"Latent classes need two items and {_FEWEST} respondents at the least.",
        )
    levels = [sorted(whole[name].dropna().unique().tolist()) for name in whole]
    for name, found in zip(whole, levels, strict=True):
        if len(found) < 2:
            raise RefusedError(
                f"item {name!r} is answered {found[0] if found else 'by nobody'} throughout",
                where="fit_classes",
                repair="Leave it out: it cannot tell respondents apart.",
            )
    if kind == "continuous":
        return whole.astype("Float64").astype(float), levels
    coded = {
        name: whole[name].map({level: float(i) for i, level in enumerate(found)}).astype(float)
        for name, found in zip(whole, levels, strict=True)
    }
    return pd.DataFrame(coded, index=whole.index), levels


def _numbers(
    coded: pd.DataFrame, levels: list[list[Any]], kind: Kind, k: int | None, k_range: Sequence[int], n_starts: int
) -> list[int]:
    wanted = sorted({1, *k_range, *([k] if k is not None else [])})
    if wanted[0] < 1 or n_starts < 1:
        raise RefusedError(
            f"numbers of classes and of starts are 1 or more; got {wanted[0]}, {n_starts}", where="fit_classes"
        )
    if kind == "categorical":
        room = float(np.prod([float(len(found)) for found in levels])) - 1
        able = [one for one in wanted if _parameters(one, levels, kind) <= room]
    else:
        able = [one for one in wanted if one * 5 <= len(coded)]
    if k is not None and k not in able:
        raise RefusedError(
            f"{k} classes have {_parameters(k, levels, kind)} parameters, more than the answers can identify",
            where="fit_classes",
            repair=f"Ask for {max(able)} or fewer, or add items.",
        )
    return able


def _parameters(k: int, levels: list[list[Any]], kind: Kind) -> int:
    each = sum(len(found) - 1 for found in levels) if kind == "categorical" else 2 * len(levels)
    return k - 1 + k * each


def _stated_each(x: np.ndarray, kind: Kind) -> int | None:
    """How many of the yes/no items everyone states, where that is the same for all: answers then exclude each other."""
    if kind == "continuous" or np.isnan(x).any() or x.max() > 1:
        return None
    sums = x.sum(axis=1)
    return int(sums[0]) if (sums == sums[0]).all() else None


def _sizes(chance: np.ndarray, own: np.ndarray) -> pd.DataFrame:
    k = chance.shape[1]
    n = np.bincount(own, minlength=k)
    _, low, high = wilson(n, n.sum())
    sure = chance[np.arange(len(own)), own]
    return pd.DataFrame(
        {
            "latent_class": np.arange(1, k + 1),
            "share": chance.mean(axis=0),
            "n_assigned": n,
            "share_low": low,
            "share_high": high,
            "class_chance": [sure[own == j].mean() if n[j] else np.nan for j in range(k)],
        }
    )


def _told(level: Any, found: list[Any]) -> str:
    """An answer as a table names it: yes or no where there are but these, whole numbers without a point."""
    if found == [0, 1]:
        return "answered_yes" if level else "answered_no"
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def _answers(coded: pd.DataFrame, levels: list[list[Any]], chance: np.ndarray, kind: Kind) -> pd.DataFrame:
    """Answer probabilities (or means) of each class, from the memberships of those who answered."""
    rows = []
    for name, found in zip(coded, levels, strict=True):
        values = coded[name].to_numpy()
        given = ~np.isnan(values)
        weight = chance[given] / chance[given].sum(axis=0)
        if kind == "continuous":
            rows += [
                (j + 1, name, "mean_answer", m, values[given].mean()) for j, m in enumerate(values[given] @ weight)
            ]
            continue
        for code, level in enumerate(found):
            hit = (values[given] == code).astype(float)
            told = _told(level, found)
            rows += [(j + 1, name, told, p, hit.mean()) for j, p in enumerate(hit @ weight)]
    table = pd.DataFrame(rows, columns=["latent_class", "item", "answer_level", "class_probability", "base"])
    return table.sort_values("latent_class", kind="stable", ignore_index=True)
