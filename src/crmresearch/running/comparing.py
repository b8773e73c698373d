"""``crmresearch compare``: which two editions of a case, and the files that put them side by side."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from crmresearch.case import Case, Project, load_case
from crmresearch.errors import StorageError, UsageError, nearest
from crmresearch.reporting.comparison import Comparison, compare_editions, comparison_frame, describe
from crmresearch.reporting.html import COMPARED, render_comparison, render_index
from crmresearch.reporting.numbers import ReportLanguage
from crmresearch.reporting.record import write_csv
from crmresearch.running.editions import Edition, editions

_WIDEST = 160


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison, the lines to print of it, and the files that hold it."""

    comparison: Comparison
    text: str
    files: tuple[Path, ...]


def compare(
    project: Project,
    case: str,
    names: tuple[str, ...] = (),
    *,
    unmerged: bool = False,
    languages: tuple[ReportLanguage, ...] = ("en", "zh"),
) -> Compared:
    """Put two editions of a case side by side, in ``reports/<case>/compared/``.

    Parameters
    ----------
    names : tuple[str, ...]
        Two names (or folders) of editions, the first and the second. Empty: the two latest that are as
        ``case.yaml`` says, the older first; or, where there is but one, it beside the latest of the other
        kind (records merged, records as they came).
    unmerged : bool
        Without names: the latest with records as they came, beside the latest with them merged.
    languages : tuple[ReportLanguage, ...]
        Of the pages; the text is in the first.

    Raises
    ------
    UsageError
        No such case or edition, fewer than two editions, or editions of different cases.
    StorageError
        An edition or a record is damaged, or nothing can be written.
    """
    loaded = load_case(project, case)
    known = editions(project, loaded.name)
    if names:
        first, second = _named(project, loaded, known, names, unmerged)
    else:
        first, second = _latest(loaded, known, unmerged)
    stem = f"{first.name}--{second.name}"
    home = project.reports / case / COMPARED
    found = {language: compare_editions(first, second, language) for language in dict.fromkeys(languages)}
    shown = next(iter(found.values()))
    try:
        home.mkdir(exist_ok=True)
        files = [render_comparison(each, home / f"{stem}.{language}.html") for language, each in found.items()]
        files.append(home / f"{stem}.csv")
        write_csv(comparison_frame(shown), files[-1])
        render_index(project.reports)
    except OSError as error:
        raise StorageError(
            f"cannot be written ({error.strerror or error})", where=str(home), repair="Check its rights and free space."
        ) from None
    width = min(shutil.get_terminal_size((100, 24)).columns, _WIDEST)
    return Compared(shown, describe(shown, width), tuple(files))


def _named(
    project: Project, case: Case, known: list[Edition], names: tuple[str, ...], unmerged: bool
) -> tuple[Path, Path]:
    if len(names) != 2 or unmerged:
        raise UsageError(
            "--unmerged chooses the editions itself" if unmerged else f"two editions are compared, got {len(names)}",
            where="command line",
            repair="Name two editions, or none for the latest.",
        )
    folders = {edition.folder.name: edition.folder for edition in known}
    found = []
    for name in names:
        named = folders.get(name)
        if named is None and len(Path(name).parts) > 1 and (Path(name) / "edition.json").is_file():
            named = Path(name).resolve()
        if named is None:
            raise UsageError(
                f"no edition {name[:60]!r}{nearest(name, folders)}",
                where=f"reports/{case.name}",
                repair=f"It has: {', '.join(sorted(folders)) or 'none'}.",
            )
        if named.parent != project.reports / case.name:
            raise UsageError(
                f"{name[-60:]!r} is an edition of another case, {named.parent.name}",
                where="command line",
                repair=f"Compare two editions of {case.name}.",
            )
        found.append(named)
    return found[0], found[1]


def _latest(case: Case, known: list[Edition], unmerged: bool) -> tuple[Path, Path]:
    """The newest two of the kind ``case.yaml`` asks for; where that is one edition only, one of each kind."""
    own = [edition.folder for edition in known if edition.unmerged == case.unmerged]
    other = [edition.folder for edition in known if edition.unmerged != case.unmerged]
    if not unmerged and max(len(own), len(other) * (not own)) > 1:
        two = own or other
        return two[1], two[0]
    if own and other:
        return (own[0], other[0]) if case.unmerged else (other[0], own[0])
    if unmerged:
        wanted = "with records merged" if other or case.unmerged else "with records as they came"
        wanted = "yet" if not known else wanted
        repair = f"Run both: crmresearch run {case.name}, and crmresearch run {case.name} --unmerged."
        raise UsageError(f"no edition {wanted}", where=f"reports/{case.name}", repair=repair)
    raise UsageError(
        f"two editions are needed, there {'is one' if known else 'is none'}",
        where=f"reports/{case.name}",
        repair=f"Run the case again when its data have changed: crmresearch run {case.name}.",
    )
