"""The ECSI and ACSI models: published paths, put on a case's own instrument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from crmresearch.case import Instrument, read_yaml
from crmresearch.errors import UsageError, nearest
from crmresearch.scoring.satisfaction.paths.model import Mode, PathModel


@cache
def _presets() -> Mapping[str, Any]:
    return read_yaml(Path(__file__).with_name("presets.yaml"))


def preset_names() -> tuple[str, ...]:
    """Names of the presets.

    Examples
    --------
    >>> preset_names()
    ('ecsi', 'acsi')
    """
    return tuple(_presets())


def preset_model(
    name: str,
    instrument: Instrument,
    *,
    constructs: Mapping[str, str] | None = None,
    modes: Mapping[str, Mode] | None = None,
    common_factors: Iterable[str] = (),
) -> PathModel:
    """Put a published model on a case's instrument.

    Parameters
    ----------
    name : {"ecsi", "acsi"}
    instrument : Instrument
        ``case.yaml``'s ``instrument``.
    constructs : mapping, optional
        Preset's construct → the instrument's, where the names differ by more than their case.
    modes, common_factors
        See ``PathModel.from_instrument``; by the instrument's names.

    Raises
    ------
    UsageError
        There is no such preset, or the instrument lacks one of its constructs.
    """
    presets = _presets()
    if name not in presets:
        raise UsageError(
            f"no preset {name!r}{nearest(name, presets)}", where="path model", repair=f"Use {', '.join(presets)}."
        )
    own = dict(constructs or {})
    unknown = sorted(own.keys() - set(presets[name]["constructs"]))
    if unknown:
        raise UsageError(
            f"preset {name} has no construct {unknown[0]!r}{nearest(unknown[0], presets[name]['constructs'])}",
            where="constructs",
            repair=f"It has {', '.join(presets[name]['constructs'])}.",
        )
    names = {c.casefold(): c for c in instrument.constructs} | own
    paths = [(names.get(a, a), names.get(b, b)) for a, b in presets[name]["paths"]]
    return PathModel.from_instrument(instrument, paths, modes=modes, common_factors=common_factors)


def choose_model(
    instrument: Instrument, *, preset: str = "", paths: Iterable[str] = (), composites: Iterable[str] = ()
) -> PathModel:
    """Take a preset, or the paths given as text, each ``source > target``.

    Parameters
    ----------
    instrument : Instrument
    preset : str
        Name of a preset; empty where ``paths`` are given.
    paths : iterable of str
    composites : iterable of str
        Constructs of mode B.

    Raises
    ------
    UsageError
        Both or neither are given, a path is not of that form, or the instrument lacks a construct.
    """
    paths, modes = list(paths), dict.fromkeys(composites, "B")
    if bool(preset) == bool(paths):
        raise UsageError("give a preset or paths, one of the two", where="path model", repair="Leave the other empty.")
    if preset:
        return preset_model(preset, instrument, modes=modes)
    ends = [tuple(end.strip() for end in path.split(">")) for path in paths]
    wrong = [path for path, pair in zip(paths, ends, strict=True) if len(pair) != 2 or not all(pair)]
    if wrong:
        raise UsageError(f"no path {wrong[0][:60]!r}", where="path model", repair="Write it as source > target.")
    return PathModel.from_instrument(instrument, ends, modes=modes)
