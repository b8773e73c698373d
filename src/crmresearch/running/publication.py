"""``crmresearch publish``: the newest edition of a case, its key, its canaries and its twin, brought together."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd

from crmresearch.case import Project, load_case
from crmresearch.cleaning import Processed, open_processed
from crmresearch.errors import StorageError, UsageError
from crmresearch.publishing import Release, publish_edition
from crmresearch.publishing.pseudonyms import key_of
from crmresearch.publishing.scanning import is_telling, scan_folder
from crmresearch.publishing.twin import write_twin
from crmresearch.running.editions import editions
from crmresearch.running.layout import render_report
from crmresearch.running.notebooks import IDENTITY, WAVES, find_studies
from crmresearch.tables import TABLES

FOLDER = "published"
_README = """Every row in here is synthetic: drawn by a program, nobody's.

With the package crmresearch installed, in this folder: crmresearch run {}

此处数据均为程序生成的合成数据，不属于任何人。安装 crmresearch 后，在本文件夹运行上述命令即可。
"""


def publish(
    project: Project,
    case: str,
    *,
    edition: str = "",
    k: int = 10,
    round_to: int = 0,
    customers: bool = False,
    canaries: tuple[str, ...] = (),
    formats: tuple[str, ...] = ("html", "docx", "pdf"),
    twin: bool = True,
) -> Release:
    """Make the shareable form of an edition, and a synthetic twin of the case beside it.

    Parameters
    ----------
    edition : str
        Name of the edition; empty takes the newest with records merged as ``case.yaml`` says.
    k, round_to, customers, formats
        See :func:`~crmresearch.publishing.publish_edition`.
    canaries : tuple[str, ...]
        Further texts that may not appear anywhere.

    Raises
    ------
    UsageError
        The case has no such edition, or k is below 5.
    StorageError
        A personal value of the case would be published.
    """
    if k < 5:
        raise UsageError(f"k is at least 5, got {k}", where="-k", repair="Leave it out for 10.")
    unmerged = load_case(project, case).unmerged
    chosen = next(
        (e for e in editions(project, case) if e.folder.name == edition or (not edition and e.unmerged == unmerged)),
        None,
    )
    if chosen is None:
        raise UsageError(
            f"no edition {edition[:40]!r}" if edition else "no edition yet",
            where=case,
            repair=f"Run it: crmresearch run {case}.",
        )
    if damage := chosen.damage():
        raise StorageError(
            "differs from its manifest", where=str(chosen.folder / damage[0]), repair="Run the case again."
        )
    processed = open_processed(project, case, chosen.content["intake"]["processed"])
    forbidden = {*canaries, *personal_values(processed)}
    home = project.root / FOLDER / case
    earlier = max((p for p in home.glob("*-*") if p.name < chosen.folder.name and p.is_dir()), default=None)
    release = publish_edition(
        chosen.folder,
        home / chosen.folder.name,
        key=key_of(case, project.root),
        render=render_report,
        canaries=forbidden,
        k=k,
        round_to=round_to,
        customers=customers,
        earlier=earlier,
        formats=formats,
    )
    if twin:
        publish_twin(project, case, home / "twin", k=k, forbidden=forbidden)
    return release


def publish_twin(project: Project, case: str, root: Path, *, k: int = 10, forbidden: Collection[str] = ()) -> Path:
    """Make a project of its own with the synthetic twin of a case and the notebooks, so that they run where it lies.

    Parameters
    ----------
    root : Path
        Made anew.
    forbidden : Collection[str]
        What may not stand in it.

    Returns
    -------
    Path
        The folder of the twin's case.

    Raises
    ------
    StorageError
        A forbidden text would stand in the twin; it is not made then.
    """
    processed = open_processed(project, case)
    tables = {name: _frame(processed.path(name)) for name in processed.tables}
    missing = {IDENTITY: "it asks who is who, and a twin has no names"}
    survey = tables.get("survey", pd.DataFrame())
    if "wave" not in survey or (survey["wave"].value_counts() >= k).sum() < 2:
        missing[WAVES] = f"it compares waves, and fewer than two have {k} answer sheets"
    needed = {name: study.needs for name, study in find_studies(project).items()}
    without = {name: missing[need] for name, needs in needed.items() for need in needs if need in missing}
    shutil.rmtree(root, ignore_errors=True)
    folder = root / "data" / "raw" / f"{case[:50]}-twin"
    write_twin(load_case(project, case), tables, folder, k=k, without=without)
    if hits := scan_folder(folder, forbidden):
        shutil.rmtree(root)
        file, canary = hits[0]
        raise StorageError(
            f"a personal value would stand in the twin: {canary[:2]}… ({len(canary)} characters)",
            where=file,
            repair="Take it out of case.yaml; the report is published, the twin is not.",
        )
    for name in ("data/processed", "reports"):
        (root / name).mkdir(parents=True)
    shutil.copytree(project.notebooks, root / "notebooks", ignore=shutil.ignore_patterns(".*"))
    (root / "README.md").write_text(_README.format(folder.name), encoding="utf-8", newline="\n")
    return folder


def personal_values(processed: Processed) -> Iterator[str]:
    """Every value of a personal column of a case's tables that could give somebody away."""
    for name in processed.tables:
        table = pd.read_parquet(processed.path(name))
        for column in _personal_columns(name) & set(table.columns):
            yield from (value for value in table[column].dropna().astype(str).unique() if is_telling(value))


def _personal_columns(table: str) -> set[str]:
    """Personal columns of a table; of those that merging makes, the ones that hold values, not how alike they are."""
    if table in {"identity_pairs", "identity_decisions"}:
        return {"record_a", "record_b", "decided_by"}
    known = TABLES["customers" if table in {"customer_records", "customer_sources"} else table]
    return {"record_id"} | {column.name for column in known.columns if column.personal}


def _frame(path: Path) -> pd.DataFrame:
    """A table with money as numbers and days as dates."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = pq.read_table(path)
    for number, field in enumerate(content.schema):
        kind = pa.float64() if pa.types.is_decimal(field.type) else None
        kind = pa.timestamp("s") if pa.types.is_date(field.type) else kind
        if kind is not None:
            content = content.set_column(number, field.name, content.column(number).cast(kind))
    return content.to_pandas()
