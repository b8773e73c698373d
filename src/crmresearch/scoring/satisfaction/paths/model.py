"""What a path model says before any data are read: constructs, items, modes, paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from crmresearch.case import Instrument
from crmresearch.errors import UsageError, nearest

Mode = Literal["A", "B"]
"""How items are weighted: ``A`` by their covariance with the inner proxy, ``B`` by regression on it."""


@dataclass(frozen=True, slots=True)
class Construct:
    """One construct of a path model.

    Attributes
    ----------
    name : str
    items : tuple[str, ...]
        Columns of the data that measure it; empty for a higher-order construct.
    mode : {"A", "B"}
        Mode of its outer weights.
    common_factor : bool
        The items are taken as effects of a common factor: correlations with the construct are
        corrected for attenuation (PLSc). Needs mode A and at least two items.
    dimensions : tuple[str, ...]
        Names of the lower-order constructs that form it; empty for a first-order construct.
    """

    name: str
    items: tuple[str, ...] = ()
    mode: Mode = "A"
    common_factor: bool = False
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class PathModel:
    """Constructs and the directed, acyclic paths between them.

    Parameters
    ----------
    constructs : tuple[Construct, ...]
        In the order in which tables show them.
    paths : tuple[tuple[str, str], ...]
        ``(source, target)`` pairs. Lower-order constructs of a higher-order one take part in none.

    Raises
    ------
    UsageError
        A name stands twice or is unknown, an item measures two constructs, a construct is on no
        path, the paths run in a circle, or a correction is asked for where it is not defined.

    Examples
    --------
    >>> model = PathModel((Construct("trust", ("t1", "t2")), Construct("loyalty", ("l1",))), (("trust", "loyalty"),))
    >>> model.endogenous
    ('loyalty',)
    """

    constructs: tuple[Construct, ...]
    paths: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        names = [c.name for c in self.constructs]
        _no_repeat(names, "construct")
        _no_repeat([i for c in self.constructs for i in c.items], "item")
        _no_repeat([f"{a} → {b}" for a, b in self.paths], "path")
        for name in (end for path in self.paths for end in path):
            if name not in names:
                raise _problem(f"a path names {name!r}, which is no construct{nearest(name, names)}")
        lower = [d for c in self.constructs for d in c.dimensions]
        _no_repeat(lower, "dimension")
        for c in self.constructs:
            self._check_construct(c, names, lower)
        if len(self.order) < len(names) - len(lower):
            circle = sorted(set(names) - set(lower) - set(self.order))
            raise _problem(f"the paths run in a circle through {', '.join(circle)}", "Leave one of these paths out.")

    def _check_construct(self, c: Construct, names: Sequence[str], lower: Sequence[str]) -> None:
        if c.mode not in get_args(Mode):
            raise _problem(f"construct {c.name!r} has mode {c.mode!r}", "Use 'A' or 'B'.")
        if bool(c.items) == bool(c.dimensions):
            raise _problem(f"construct {c.name!r} needs either items or dimensions")
        for d in c.dimensions:
            if d not in names:
                raise _problem(f"construct {c.name!r} has dimension {d!r}, which is no construct{nearest(d, names)}")
            if self[d].dimensions:
                raise _problem(f"dimension {d!r} of {c.name!r} has dimensions itself", "Two orders are supported.")
        if c.common_factor and (c.mode == "B" or len(c.items) + len(c.dimensions) < 2):
            raise _problem(
                f"construct {c.name!r} cannot be a common factor", "That needs mode A and at least two items."
            )
        on_path = any(c.name in path for path in self.paths)
        if c.name in lower and on_path:
            raise _problem(f"dimension {c.name!r} is on a path", "Draw the path to its higher-order construct.")
        if c.name not in lower and not on_path:
            raise _problem(f"construct {c.name!r} is on no path", "Add a path or leave it out.")

    def __getitem__(self, name: str) -> Construct:
        return next(c for c in self.constructs if c.name == name)

    @property
    def items(self) -> tuple[str, ...]:
        """Every item, construct by construct."""
        return tuple(i for c in self.constructs for i in c.items)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Constructs on paths, every source before its targets."""
        lower = {d for c in self.constructs for d in c.dimensions}
        waiting = [c.name for c in self.constructs if c.name not in lower]
        done: list[str] = []
        while ready := [n for n in waiting if all(a in done for a, b in self.paths if b == n)]:
            done += ready
            waiting = [n for n in waiting if n not in ready]
        return tuple(done)

    def predecessors(self, name: str) -> tuple[str, ...]:
        """Sources of the paths into ``name``, in construct order."""
        return tuple(c.name for c in self.constructs if (c.name, name) in self.paths)

    @property
    def endogenous(self) -> tuple[str, ...]:
        """Constructs that a path points to, in construct order."""
        return tuple(c.name for c in self.constructs if any(b == c.name for _, b in self.paths))

    def routes(self) -> tuple[tuple[str, ...], ...]:
        """Every directed route of two or more paths, by start and length."""
        found: list[tuple[str, ...]] = []
        front: list[tuple[str, ...]] = list(self.paths)
        while front:
            front = [(*r, b) for r in front for a, b in self.paths if a == r[-1]]
            found += front
        place = {n: i for i, n in enumerate(self.order)}
        return tuple(sorted(found, key=lambda r: (place[r[0]], place[r[-1]], len(r), [place[n] for n in r])))

    @classmethod
    def from_instrument(
        cls,
        instrument: Instrument,
        paths: Iterable[tuple[str, str]],
        *,
        modes: Mapping[str, Mode] | None = None,
        common_factors: Iterable[str] = (),
    ) -> PathModel:
        """Build the model of those constructs of a case's instrument that ``paths`` name.

        Parameters
        ----------
        instrument : Instrument
            ``case.yaml``'s ``instrument``.
        paths : iterable of (source, target)
            Construct names.
        modes : mapping, optional
            Construct → mode, for those that are not mode A.
        common_factors : iterable of str, optional
            Constructs to be corrected for attenuation (PLSc).

        Examples
        --------
        >>> import yaml
        >>> from crmresearch.case import Instrument
        >>> text = "{scale: {low: 1, high: 5}, items: {t1: {en: a}, l1: {en: b}}, constructs: {"
        >>> text += "trust: {title: {en: Trust, zh: 信任}, items: [t1]},"
        >>> text += "loyalty: {title: {en: Loyalty, zh: 忠诚}, items: [l1]}}}"
        >>> instrument = Instrument.model_validate(yaml.safe_load(text))
        >>> PathModel.from_instrument(instrument, [("trust", "loyalty")]).items
        ('t1', 'l1')
        """
        paths = tuple((a, b) for a, b in paths)
        modes, factors = dict(modes or {}), set(common_factors)
        used = {end for path in paths for end in path}
        for name in sorted(used | modes.keys() | factors):
            if name not in instrument.constructs:
                raise _problem(f"the instrument has no construct {name!r}{nearest(name, instrument.constructs)}")
        constructs = tuple(
            Construct(name, c.items, modes.get(name, "A"), name in factors)
            for name, c in instrument.constructs.items()
            if name in used
        )
        return cls(constructs, paths)


@dataclass(frozen=True, slots=True)
class Layout:
    """A model of first-order constructs as index arrays.

    Attributes
    ----------
    items, constructs : tuple[str, ...]
    block : int array, shape (p,)
        Construct of each item.
    membership : float array, shape (p, J)
        1 where the item measures the construct.
    mode_b : tuple of int arrays
        Item positions of each mode B block with more than one item.
    common_factor : bool array, shape (J,)
    predecessors : tuple of int arrays, length J
    arrows : bool array, shape (J, J)
        True at ``[source, target]``.
    order : int array
        Endogenous constructs, sources first.
    """

    items: tuple[str, ...]
    constructs: tuple[str, ...]
    block: np.ndarray
    membership: np.ndarray
    mode_b: tuple[np.ndarray, ...]
    common_factor: np.ndarray
    predecessors: tuple[np.ndarray, ...]
    arrows: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, model: PathModel) -> Layout:
        """Index arrays of a model without higher-order constructs."""
        names = tuple(c.name for c in model.constructs)
        place = {n: i for i, n in enumerate(names)}
        block = np.repeat(np.arange(len(names)), [len(c.items) for c in model.constructs])
        arrows = np.zeros((len(names), len(names)), dtype=bool)
        for a, b in model.paths:
            arrows[place[a], place[b]] = True
        blocks = [np.flatnonzero(block == j) for j in range(len(names))]
        return cls(
            items=model.items,
            constructs=names,
            block=block,
            membership=(block[:, None] == np.arange(len(names))).astype(float),
            mode_b=tuple(
                b for b, c in zip(blocks, model.constructs, strict=True) if c.mode == "B" and len(c.items) > 1
            ),
            common_factor=np.array([c.common_factor for c in model.constructs]),
            predecessors=tuple(np.flatnonzero(arrows[:, j]) for j in range(len(names))),
            arrows=arrows,
            order=np.array([place[n] for n in model.order if arrows[:, place[n]].any()]),
        )

    def position(self, name: str) -> int:
        """Index of a construct."""
        return self.constructs.index(name)


def stages(model: PathModel) -> tuple[PathModel, PathModel | None]:
    """The model of each stage of estimation; the second is None without higher-order constructs.

    Stage one puts, in the place of each higher-order construct, its dimensions on all its paths.
    Stage two measures it by the dimensions' scores. All other constructs keep their items.
    """
    higher = {c.name: c for c in model.constructs if c.dimensions}
    if not higher:
        return model, None
    lower = {d for c in higher.values() for d in c.dimensions}

    def ends(name: str) -> tuple[str, ...]:
        return higher[name].dimensions if name in higher else (name,)

    first = PathModel(
        tuple(c for c in model.constructs if c.name not in higher),
        tuple((a, b) for s, t in model.paths for a in ends(s) for b in ends(t)),
    )
    second = PathModel(
        tuple(
            replace(c, items=c.dimensions, dimensions=()) if c.name in higher else c
            for c in model.constructs
            if c.name not in lower
        ),
        model.paths,
    )
    return first, second


def _no_repeat(names: Sequence[str], kind: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise _problem(f"the {kind} {name!r} stands twice", "Keep one.")


def _problem(what: str, repair: str = "Mend the model.") -> UsageError:
    return UsageError(what, where="path model", repair=repair)
