"""``compare``, ``trace``, ``publish``: what is done with published editions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmresearch.cli.options import Debug, Language


def compare(
    case: Annotated[str, typer.Argument(help="The case whose editions are compared.")],
    editions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EDITION EDITION]", help="Two of its editions; the latest if left out."),
    ] = None,
    unmerged: Annotated[
        bool,
        typer.Option("--unmerged", help="The latest with records as they came, beside the latest as case.yaml has it."),
    ] = False,
    language: Annotated[Language, typer.Option(help="Of the page, and of what is printed.")] = Language.both,
    debug: Debug = False,
) -> int:
    """Put two editions side by side: verdicts that changed, every number, and why numbers may differ."""
    from crmresearch.case import Project
    from crmresearch.running.comparing import compare as compare_latest

    compared = compare_latest(Project.find(), case, tuple(editions or ()), unmerged=unmerged, languages=language.names)
    typer.echo(compared.text)
    for path in compared.files:
        typer.echo(f"Wrote {path}")
    return 0


def trace(
    edition: Annotated[Path, typer.Argument(help="Folder of the edition: reports/CASE/EDITION.")],
    address: Annotated[str, typer.Argument(help="T4-2:r3c2, S1-3:share, or study/block:place.")],
    rows: Annotated[Path | None, typer.Option(help="Write every source row to this CSV file.")] = None,
    debug: Debug = False,
) -> int:
    """Print what a number of a report rests on: study, cell, function, parameters, inputs, source rows."""
    from crmresearch.case import Project
    from crmresearch.running.tracing import describe
    from crmresearch.running.tracing import trace as follow

    found = follow(Project.find(), edition, address)
    typer.echo(describe(found))
    if rows:
        found.rows.to_csv(rows, index=False, encoding="utf-8-sig")
        typer.echo(f"Wrote {len(found.rows)} rows to {rows}")
    return 0


def publish(
    case: Annotated[str, typer.Argument(help="The case whose newest edition is to be shared.")],
    edition: Annotated[str, typer.Option(help="Another edition than the newest.")] = "",
    k: Annotated[int, typer.Option("-k", help="Cells that count fewer people are hidden; at least 5.")] = 10,
    round_to: Annotated[int, typer.Option("--round", min=0, help="Round counts of people to a multiple of this.")] = 0,
    customers: Annotated[
        bool, typer.Option("--customers", help="Keep tables of single customers, under pseudonyms.")
    ] = False,
    canaries: Annotated[
        Path | None, typer.Option(help="File of further texts that may not appear, one a line.")
    ] = None,
    debug: Debug = False,
) -> int:
    """Make the shareable form of a report: small cells hidden, people pseudonymous, scanned; and a synthetic twin."""
    from crmresearch.case import Project
    from crmresearch.running.publication import publish as release_case

    texts = tuple(canaries.read_text(encoding="utf-8").splitlines()) if canaries else ()
    release = release_case(
        Project.find(), case, edition=edition, k=k, round_to=round_to, customers=customers, canaries=texts
    )
    for where, rows in release.hidden.items():
        typer.echo(f"{where}: the numbers of {rows} rows are hidden")
    for where in release.withheld:
        typer.echo(f"{where}: withheld")
    typer.echo(f"Published {release.folder}")
    return 0
