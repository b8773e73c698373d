"""``identity``, ``unmerge``: which records are one customer, decided by people."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crmresearch.cli.options import Debug
from crmresearch.errors import UsageError

Pairs = Annotated[list[str] | None, typer.Option(metavar="ID ID", help="Two records, e.g. --accept '17 42'.")]
By = Annotated[str, typer.Option(help="Who decides; kept with the decision.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]


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
