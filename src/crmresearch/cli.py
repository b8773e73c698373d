"""The command ``crmresearch``: reads the command line, calls one function, prints what came of it."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from crmresearch.errors import CrmresearchError, UsageError

app = typer.Typer(
    help="Customer research in notebooks: from a company's raw files to a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Language(StrEnum):
    """Languages of the report pages."""

    en = "en"
    zh = "zh"
    hant = "zh-hant"
    both = "both"


Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@app.command()
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
        languages=("en", "zh") if language is Language.both else (language.value,),
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
        typer.echo(f"{outcome.case}: {_sentence(outcome.error)}", err=True)
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


@app.command()
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


@app.command()
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


@app.command()
def check(case: Annotated[str, typer.Argument(help="The case to check.")], debug: Debug = False) -> int:
    """Clean the raw files of a case and print what was mapped, kept, merged and set aside; write nothing."""
    from crmresearch.case import Project, load_case
    from crmresearch.cleaning import clean_files, receipt, review

    loaded = load_case(Project.find(), case)
    typer.echo(review(loaded))
    typer.echo(receipt(clean_files(loaded)))
    return 0


@app.command()
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


Pairs = Annotated[list[str] | None, typer.Option(metavar="ID ID", help="Two records, e.g. --accept '17 42'.")]
By = Annotated[str, typer.Option(help="Who decides; kept with the decision.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]


@app.command()
def identity(
    case: Annotated[str, typer.Argument(help="A case whose case.yaml has an identity part.")],
    accept: Pairs = None,
    reject: Pairs = None,
    by: By = "",
    reason: Reason = "",
    limit: Annotated[int, typer.Option(min=1, help="Pairs listed at most.")] = 20,
    debug: Debug = False,
) -> int:
    """List pairs of records that may be one customer, or decide them; decisions are kept in the case folder."""
    from crmresearch.case import Project, load_case
    from crmresearch.cleaning.identity import reviewing

    loaded = load_case(Project.find(), case)
    cleaned = _unified(loaded)
    wanted = [(pair, decision) for pairs, decision in ((accept, "accept"), (reject, "reject")) for pair in pairs or ()]
    if wanted:
        made = []
        for pair, decision in wanted:
            records = pair.replace(",", " ").split()
            if len(records) != 2:
                raise UsageError(f"--{decision} takes two records, got {pair[:60]!r}", where="command line")
            made.append(reviewing.decide(cleaned, *records, decision, by=by, reason=reason))
        return _decided(loaded, made)
    pairs = reviewing.waiting_pairs(cleaned)
    for text in reviewing.describe_pairs(cleaned, pairs.head(limit)):
        typer.echo(text)
    typer.echo(
        f"{cleaned.tables['customer_records'].num_rows:,} records, {cleaned.tables['customers'].num_rows:,} customers, "
        f"{len(pairs):,} pairs to decide. Decide with: crmresearch identity {case} --accept 'ID ID' --reject 'ID ID'"
    )
    return 0


@app.command()
def unmerge(
    case: Annotated[str, typer.Argument(help="A case whose case.yaml has an identity part.")],
    customer: Annotated[str, typer.Argument(help="The customer to take apart.")],
    records: Annotated[list[str] | None, typer.Argument(help="Records to take out; all if none is named.")] = None,
    by: By = "",
    reason: Reason = "",
    debug: Debug = False,
) -> int:
    """Take records out of a customer again; they stay apart until someone accepts them."""
    from crmresearch.case import Project, load_case
    from crmresearch.cleaning.identity import reviewing

    loaded = load_case(Project.find(), case)
    made = reviewing.unmerge(_unified(loaded), customer, records or [], by=by, reason=reason)
    return _decided(loaded, made)


def _unified(case: Any) -> Any:
    from crmresearch.cleaning import clean_files
    from crmresearch.errors import CaseError

    if case.file.identity is None:
        raise CaseError(
            "no identity part", where=f"{case.name}/case.yaml", repair="Add `identity: {}` to look for duplicates."
        )
    return clean_files(case)


def _decided(case: Any, decisions: list[Any]) -> int:
    from crmresearch.cleaning.identity.decisions import add_decisions

    path = add_decisions(case.folder, decisions)
    typer.echo(f"{len(decisions)} decisions written to {path}. Next: crmresearch run {case.name}")
    return 0


@app.command()
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


@app.command()
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


@app.command()
def reproduce(
    pattern: Annotated[str, typer.Argument(help="Only values whose name holds this text.")] = "", debug: Debug = False
) -> int:
    """Recompute published values and print published | ours | difference | inside."""
    from crmresearch.reproduction import reproduce as recompute

    values = recompute(pattern)
    shown = values[["case", "statistic", "published", "ours", "difference", "status"]]
    typer.echo(shown.rename(columns={"status": "inside"}).to_string(index=False, na_rep="", justify="left"))
    return 1 if values["inside"].eq(False).any() else 0


@app.command()
def lab(debug: Debug = False) -> int:
    """Open the study notebooks in JupyterLab."""
    from crmresearch.case import Project
    from crmresearch.running.kernels import KERNEL_ENVIRONMENT

    project = Project.find()
    environment = {**os.environ, **KERNEL_ENVIRONMENT, "CRMRESEARCH_HOME": str(project.root)}
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(project.notebooks)], env=environment)


def _sentence(error: BaseException) -> str:
    if isinstance(error, CrmresearchError):
        return str(error)
    what = " ".join(str(error).split())[:300]
    return f"Unexpected {type(error).__name__}: {what}. Run again with --debug to see where it came from."


def main() -> None:
    """Run the command line; end the process with its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was finished is kept for the next run.", err=True)
        code = 1
    except Exception as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        if hasattr(error, "format_message"):  # typer's own: a misspelt option, a missing argument
            if message := error.format_message():
                typer.echo(f"{message.rstrip('.')}. See `crmresearch --help`.", err=True)
        else:
            typer.echo(_sentence(error), err=True)
        code = getattr(error, "exit_code", 1)
    sys.exit(code)


if __name__ == "__main__":
    main()
