"""``run``: the studies of cases, and what is told of each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from crmresearch.cli.options import Debug, Language, sentence
from crmresearch.errors import UsageError


def run(
    cases: Annotated[list[str] | None, typer.Argument(metavar="[CASE]…", help="Cases; all if none is named.")] = None,
    study: Annotated[list[str] | None, typer.Option("--study", "-s", help="Only this study (repeatable).")] = None,
    language: Annotated[Language, typer.Option(help="Of the report pages.")] = Language.both,
    format_: Annotated[str, typer.Option("--format", help="Of the report: docx, pdf, html.")] = "docx,pdf,html",
    profile: Annotated[str, typer.Option(help="Style of documents: business, gbt7713, apa7.")] = "",
    outline: Annotated[str, typer.Option(help="Order of documents: plain, thesis, report.")] = "",
    as_of: Annotated[
        dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Last observed day.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter (repeatable).")
    ] = None,
    unmerged: Annotated[
        bool, typer.Option("--unmerged", help="Leave records as they came: none is merged into another.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Studies computed at a time.")] = 2,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds a study may take.")] = 1800,
    memory: Annotated[float | None, typer.Option(min=0.5, help="Gigabytes a study's kernel may use.")] = None,
    debug: Debug = False,
) -> int:
    """Run the studies of cases and publish a report of each.

    Exit code: 0 all done, 1 failed, 2 wrong usage, 3 a part done, 4 another run is at work.
    """
    from crmresearch.case import Project
    from crmresearch.running.kernels import CAN_FORK
    from crmresearch.running.outcomes import exit_code
    from crmresearch.running.plan import Request
    from crmresearch.running.runner import run as run_studies

    if memory and not CAN_FORK:
        raise UsageError("--memory is not available on this system", repair="Leave it out.")
    project = Project.find()
    request = Request(
        cases=tuple(cases or ()),
        studies=tuple(study or ()),
        as_of=as_of.date() if as_of else None,
        parameters=_parameters(parameter or []),
        languages=language.names,
        unmerged=unmerged,
        formats=tuple(dict.fromkeys(word.strip().lower() for word in format_.split(",") if word.strip())),
        profile=profile,
        outline=outline,
    )
    outcomes = run_studies(
        project, request, at_once=jobs, timeout=timeout, memory_bytes=int(memory * 2**30) if memory else None
    )
    for outcome in outcomes:
        _tell(outcome, project.reports)
    if any(outcome.edition for outcome in outcomes):
        typer.echo(f"Reports: {project.reports / 'index.html'}")
    return exit_code(outcomes)


def _parameters(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(
                f"-p takes NAME=VALUE, got {text[:60]!r}", where="command line", repair="See `crmresearch studies`."
            )
        if name in pairs:
            raise UsageError(f"parameter {name!r} is given twice", where="command line", repair="Give it once.")
        pairs[name] = value
    return pairs


def _tell(outcome: Any, reports: Path) -> None:
    if outcome.error is not None:
        typer.echo(f"{outcome.case}: {sentence(outcome.error)}", err=True)
    for name, status in outcome.statuses.items():
        if status.state == "failed":
            notebook = reports / outcome.case / "failed" / f"{name}.ipynb"
            where = f" See {notebook}." if notebook.is_file() else ""
            typer.echo(f"{outcome.case}: {name} failed: {status.why}.{where}", err=True)
        elif status.state == "not run" and (status.wanted or status.why.startswith("needs")):
            typer.echo(f"{outcome.case}: {name} not run: {status.why}")
        elif status.refused:
            results = f"{status.refused} result{'s' if status.refused > 1 else ''}"
            typer.echo(f"{outcome.case}: {name} refused {results}; the report says which, why, and what would help")
    for name, why in outcome.unwritten.items():
        typer.echo(f"{outcome.case}: {name} not written: {why.rstrip('.')}.", err=True)
    if outcome.edition is not None:
        news = "published" if outcome.fresh else "nothing has changed since edition"
        typer.echo(f"{outcome.case}: {news} {outcome.edition.name}")
