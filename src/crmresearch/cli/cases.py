"""``check``, ``new``, ``simulate``, ``studies``: cases, before any study is run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from crmresearch.cli.options import Debug
from crmresearch.errors import CrmresearchError, UsageError


def check(case: Annotated[str, typer.Argument(help="The case to check.")], debug: Debug = False) -> int:
    """Clean the raw files of a case and print what was mapped, kept, merged and set aside; write nothing."""
    from crmresearch.case import Project, load_case
    from crmresearch.cleaning import clean_files, receipt, review

    loaded = load_case(Project.find(), case)
    typer.echo(review(loaded))
    typer.echo(receipt(clean_files(loaded)))
    return 0


def new(
    name: Annotated[str, typer.Argument(help="Name of the new case.")],
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE…", help="Data files; they are copied.")] = None,
    database: Annotated[str, typer.Option(metavar="VARIABLE", help="Environment variable with a database's URL.")] = "",
    table: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A table of it; all by default.")] = None,
    debug: Debug = False,
) -> int:
    """Make a case from data files or a database, with a commented case.yaml whose mappings are guessed, and try it."""
    from crmresearch.case import Project, load_case
    from crmresearch.cleaning import clean_files, propose_case, receipt, review

    folder = Project.find().case_folder(name)
    if folder.exists():
        raise UsageError(f"there is a case {name!r} already", where="data/raw", repair="Choose another name.")
    files = files or []
    if not database and (table or not files):
        raise UsageError("no data were named", where="command line", repair="Name files, or --database VARIABLE.")
    if len({path.name for path in files}) < len(files):
        raise UsageError("two files have one name", where="command line", repair="Rename one of them.")
    for path in files:
        if not path.is_file():
            raise UsageError("no such file", where=str(path), repair="Mind the path.")
    text = propose_case(name, files, database=database, tables=table or (), folder=folder)
    folder.mkdir()
    for path in files:
        shutil.copy2(path, folder / path.name)
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    try:
        loaded = load_case(Project.find(), name)
        typer.echo(review(loaded))
        typer.echo(receipt(clean_files(loaded)))
    except CrmresearchError as question:
        typer.echo(f"To be answered first: {question}")
    asked = text.count("# ??") + text.count(" ?? ") - text.count("# ?? ")
    typer.echo(
        f"Wrote {folder / 'case.yaml'}; {asked} lines in it ask something (??). Mend it, then: crmresearch check {name}"
    )
    return 0


def simulate(
    name: Annotated[str, typer.Argument(help="Name of the new case.")] = "petrochemical",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 20260101,
    customers: Annotated[int, typer.Option(help="Firms in the world.")] = 500,
    debug: Debug = False,
) -> int:
    """Write a simulated petrochemical supplier's files as a new case, with what is true of them beside it."""
    from crmresearch.case import Project
    from crmresearch.simulation import simulate_case

    folder = simulate_case(Project.find().case_folder(name), seed=seed, n_customers=customers)
    typer.echo(f"Wrote {folder}; everything in it is simulated. Next: crmresearch check {name}")
    return 0


def studies(debug: Debug = False) -> int:
    """List the studies: what each needs, its parameters, and on which cases it can run."""
    from crmresearch.case import Project, load_case
    from crmresearch.running.notebooks import GIVEN_BY_RUNNER, find_studies
    from crmresearch.running.plan import missing_needs

    project = Project.find()
    cases = [load_case(project, name) for name in project.cases()]
    for study in find_studies(project).values():
        typer.echo(f"{study.name}: {study.title.en} / {study.title.zh}")
        typer.echo(f"  needs {', '.join(study.needs) or 'nothing'}")
        for parameter in study.parameters.values():
            if parameter.name not in GIVEN_BY_RUNNER:
                typer.echo(
                    f"  -p {parameter.name}: {parameter.kind} = {parameter.default!r}  {parameter.help}".rstrip()
                )
        for case in cases:
            lacks = missing_needs(study, case, [source.table for source in case.file.files])
            typer.echo(f"  {case.name}: {'lacks ' + ', '.join(lacks) if lacks else 'can run'}")
    return 0
