"""``open_study``: the case, its tables and its record, as a study notebook holds them."""

from __future__ import annotations

import datetime as dt
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, get_args

import ibis
import nbformat
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from IPython.display import HTML, Image, display

from crmresearch.case import Case, Instrument, Project, load_case
from crmresearch.cleaning import Processed, clean_case, open_processed
from crmresearch.errors import CaseError, RefusedError, UsageError, nearest
from crmresearch.reporting.document.voice import Voice, traditional
from crmresearch.reporting.html import render_blocks
from crmresearch.reporting.numbers import LANGUAGES, ReportLanguage
from crmresearch.reporting.record import Block, Record
from crmresearch.reporting.words import load_words
from crmresearch.running.casetables import LazyTables, plain_frame, read_truth
from crmresearch.running.engine import open_engine
from crmresearch.running.locks import case_lock
from crmresearch.running.notebooks import REPRODUCTIONS
from crmresearch.running.onewave import take_wave
from crmresearch.running.sentinel import CLOSED_MIME, FOLDER_VARIABLE, PROCESSED_VARIABLE
from crmresearch.scoring.value import summarise_customers

P = ParamSpec("P")
R = TypeVar("R")


class Refusal:
    """Stands where a result was refused; whatever stands on it is refused too, and the study goes on.

    Examples
    --------
    >>> refused = Refusal(RefusedError("all customers are equal"))
    >>> refused.curve["share"] is refused
    True
    >>> list(refused.table.itertuples()), 3 in refused
    ([], False)
    """

    def __init__(self, error: RefusedError) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Refusal:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> Refusal:
        return self

    def __iter__(self) -> Iterator[object]:
        return iter(())  # else Python would ask for item after item without end

    def __call__(self, *args: object, **options: object) -> Refusal:
        return self

    def __repr__(self) -> str:
        return f"Refusal: {self.error}"


@dataclass(frozen=True, slots=True)
class Study:
    """One question put to one case; every result shown is recorded for the report.

    Attributes
    ----------
    case : Case
    language : str
        Language of what the notebook displays; the record holds all.
    """

    case: Case
    language: str
    seed: int
    _day: dt.date | None
    _processed: Processed
    _record: Record
    _voices: Mapping[str, Voice]
    _engine: ibis.BaseBackend = field(default_factory=open_engine)
    _as_recorded: bool = False
    _told: set[str] = field(default_factory=set)

    @property
    def as_of(self) -> dt.date:
        """Last observed day: the notebook's, or else the case's."""
        if self._day is None:
            raise UsageError("no last observed day", where=self.case.name, repair="Set as_of in case.yaml, or --as-of.")
        return self._day

    @property
    def last_day(self) -> dt.date | None:
        """Last observed day as :attr:`as_of` gives it; None where none is stated."""
        return self._day

    @property
    def orders(self) -> ibis.Table:
        """The canonical orders as an Ibis table."""
        orders = self._engine.read_parquet(self._path("orders"), table_name="orders")
        if self._as_recorded and "record_id" in orders.columns:
            orders = orders.mutate(customer_id=orders.record_id)
        return orders.drop("record_id") if "record_id" in orders.columns else orders

    @property
    def ledger(self) -> pd.DataFrame:
        """Where the rows of each raw file went."""
        return self._processed.ledger

    @property
    def quarantine(self) -> pd.DataFrame:
        """Rows and values set aside."""
        return self._processed.quarantine

    def as_recorded(self) -> Study:
        """The same study on the records as they were entered, before any were merged into one customer.

        Its results go into the same record, so any figure can be shown before and after merging.
        """
        return replace(self, _as_recorded=True)

    @property
    def instrument(self) -> Instrument:
        """The questionnaire as ``case.yaml`` declares it."""
        if self.case.file.instrument is None:
            raise CaseError(
                "no instrument", where=f"{self.case.name}/case.yaml", repair="Declare scale, items, constructs."
            )
        return self.case.file.instrument

    def table(self, name: str) -> pd.DataFrame:
        """A canonical table as a data frame: money as float, days as ``datetime64``, nothing guessed.

        Of several waves of a survey one is given, by :func:`~crmresearch.running.onewave.take_wave`, and said.
        """
        table = self.every_wave(name)
        one = take_wave(table, name, self.case, self._day)
        if one is None:
            return table
        if name not in self._told:
            self._told.add(name)
            self._show(self._record.note("wave_read", one.told(name)))
        return one.rows

    def every_wave(self, name: str) -> pd.DataFrame:
        """A canonical table with all its waves, to compare them; else as :meth:`table`."""
        recorded = self._as_recorded and "customer_records" in self._processed.tables
        content = pq.read_table(self._path("customer_records" if recorded and name == "customers" else name))
        if recorded and "record_id" in content.column_names:
            at = content.column_names.index("customer_id")
            content = content.set_column(at, "customer_id", content["record_id"]).drop_columns(["record_id"])
        return plain_frame(content)

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every canonical table of the case but the orders, by name, as :meth:`table` gives it when it is asked for."""
        return LazyTables([name for name in self._processed.tables if name != "orders"], self.table)

    def table_if_any(self, name: str) -> pd.DataFrame | None:
        """The table where the case has it, else None: for scorers that say what is not observed without it."""
        return self.table(name) if name in self._processed.tables else None

    def truth(self, column: str) -> pd.Series | None:
        """What is true of each customer of a simulated case, to judge a result by; None where no column is named.

        Parameters
        ----------
        column : str
            Column of the truth's table of firms, e.g. ``type``; empty for none.

        Raises
        ------
        UsageError
            The case is not simulated, or its truth has no such column.
        """
        if not column:
            return None
        firms = read_truth(self.case, "firms").set_index("entity")
        if column not in firms:
            raise UsageError(f"no column {column!r}{nearest(column, firms.columns)}", where="parameter truth")
        records = read_truth(self.case, "records")
        return records.set_index("record_id")["entity"].map(firms[column]).rename(column)

    def true_table(self, name: str) -> pd.DataFrame | None:
        """A whole table of the truth of a simulated case, e.g. ``paths``; None where none is named.

        Raises
        ------
        UsageError
            The case is not simulated, or its truth has no such table.
        """
        return read_truth(self.case, name) if name else None

    def customers(self, columns: Sequence[str]) -> pd.DataFrame:
        """One row a customer with the named columns: of the table ``customers``, and of the order summary.

        Parameters
        ----------
        columns : Sequence[str]
            Columns of ``customers`` or of :func:`~crmresearch.scoring.value.summarise_orders`.

        Returns
        -------
        pd.DataFrame, shape (n_customers, n_columns)
            Indexed by customer_id; missing where a customer has no order up to ``as_of``.

        Raises
        ------
        UsageError
            No such column; the message names the nearest.
        """
        known = self.table("customers").set_index("customer_id") if "customers" in self._processed.tables else None
        if "orders" in self._processed.tables:
            orders = summarise_customers(self.orders, as_of=self.as_of).customers.set_index("customer_id")
            known = orders if known is None else known.join(orders, how="left")
        if known is None:
            known = pd.DataFrame(index=pd.Index([], name="customer_id", dtype="str"))
        for column in columns:
            if column not in known:
                near = nearest(column, known.columns)
                raise UsageError(f"no column {column!r}{near}", where=f"customers of {self.case.name}")
        return known[list(dict.fromkeys(columns))]

    def rng(self, name: str) -> np.random.Generator:
        """The random stream of one step: the same for the same seed and name, whatever ran before."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def section(self, key: str) -> None:
        """Begin a section of the report."""
        self._record.section(key)

    def score(self, scorer: Callable[P, R], *args: P.args, **options: P.kwargs) -> R | Refusal:
        """Call a scorer; record and display its findings, tables and recipe.

        A ``RefusedError`` is recorded with its cause and way out, and a ``Refusal`` is returned.
        """
        result = self.prepare(scorer, *args, **options)
        if not isinstance(result, Refusal):
            self._show(*self._record.result(result, f"{scorer.__module__}.{scorer.__qualname__}"))
        return result

    def prepare(self, scorer: Callable[P, R], *args: P.args, **options: P.kwargs) -> R | Refusal:
        """Call a scorer for what a later step needs; only a refusal is recorded and displayed, as by `score`."""
        try:
            for given in (*args, *options.values()):
                if isinstance(given, Refusal):
                    raise given.error
            return scorer(*args, **options)
        except RefusedError as error:
            self._show(self._record.refusal(error, f"{scorer.__module__}.{scorer.__qualname__}"))
            return Refusal(error)

    def draw(self, plot: Callable[..., Any], data: Any, *, key: str, **options: Any) -> None:
        """Draw a figure in every language, record it, display it in the study's own."""
        if isinstance(data, Refusal):
            return
        from matplotlib import pyplot

        from crmresearch.reporting.figures.theme import theme

        with theme():
            figures = {
                name: plot(data, voice.words.of("figures", key).say(voice.language), **options)
                for name, voice in self._voices.items()
            }
            block = self._record.figure(key, figures)
        for figure in figures.values():
            pyplot.close(figure)
        shown, voice = block["files"][self.language], self._voices[self.language]
        alt = voice.words.alt(key, voice.language)
        display(Image(filename=self._record.folder / shown["file"], width=shown["width"], alt=alt))

    def close(self) -> None:
        """Write the record and display the mark that says the study finished."""
        digest = self._record.close()
        display(
            {CLOSED_MIME: {"record_sha256": digest}, "text/plain": f"Recorded in {self._record.folder.name}"}, raw=True
        )

    def _path(self, table: str) -> Path:
        if table not in self._processed.tables:
            raise UsageError(
                f"case {self.case.name!r} has no table {table!r}", repair=f"It has {', '.join(self._processed.tables)}."
            )
        return self._processed.path(table)

    def _show(self, *blocks: Block) -> None:
        display(HTML(render_blocks(blocks, self.language)))


def open_study(
    name: str,
    *,
    case: str,
    as_of: str = "",
    language: str = "en",
    seed: int = 1,
    parameters: dict[str, Any] | None = None,
) -> Study:
    """Open a study of a case: clean the case if its files changed, and begin a record.

    Parameters
    ----------
    name : str
        The notebook's name, without its suffix.
    case : str
        Name of a folder of ``data/raw``.
    as_of : str
        Last observed day, ISO; empty takes the case's.
    language : {"en", "zh", "zh-hant"}
        Language of the notebook's displays. For Traditional Chinese pictures are drawn once more.
    seed : int
        Seed of every random draw of the study.
    parameters : dict
        Further parameters of the notebook, for the record.

    Raises
    ------
    UsageError
        An unknown case or language, or an ``as_of`` that is no date.
    CaseError, InputError
        The case file or a data file breaks a rule.
    """
    known = get_args(ReportLanguage)
    if language not in known:
        raise UsageError(f"no language {language!r}", where="parameter language", repair=f"Choose {', '.join(known)}.")
    project = Project.find()
    loaded = load_case(project, case)
    folder = os.environ.get(FOLDER_VARIABLE)
    digest = os.environ.get(PROCESSED_VARIABLE, "")
    processed = open_processed(project, case, digest) if folder else _clean(project, loaded)
    day = _day(as_of) or loaded.file.as_of
    words = load_words().with_terms(_terms(loaded))
    record = Record(
        Path(folder) if folder else project.reports / case / "by-hand" / name,
        study=name.rsplit("/", 1)[-1],
        case=case,
        title=_title(project, name),
        as_of=day.isoformat() if day else "",
        parameters={"seed": seed, **(parameters or {})},
        inputs={table: processed.manifest["files"][f"{table}.parquet"] for table in processed.tables},
        unmerged=processed.unmerged,
        words=words,
    )
    voices = {name: Voice(name, words) for name in LANGUAGES}
    if language not in voices:
        voices[language] = Voice(language, traditional(words))
    return Study(loaded, language, seed, day, processed, record, voices)


def _clean(project: Project, case: Case) -> Processed:
    """By hand, raw files may have changed since the last run; the runner has cleaned them already."""
    with case_lock(project, case.name):
        return clean_case(project, case)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(
            f"{text[:40]!r} is no date", where="parameter as_of", repair="Write it as 1998-06-30."
        ) from None


def _title(project: Project, name: str) -> dict[str, str]:
    folders = (project.notebooks, project.notebooks / REPRODUCTIONS)
    path = next((f / f"{name}.ipynb" for f in folders if (f / f"{name}.ipynb").exists()), folders[0] / f"{name}.ipynb")
    notebook = nbformat.read(path, as_version=4)
    return dict(notebook.metadata["crmresearch"]["title"])


def _terms(case: Case) -> dict[str, dict[str, str]]:
    """The names a case brings along: its own columns, constructs and items; a name alone stands for itself."""
    terms = {}
    for source in case.file.files:
        for name, column in source.columns.items():
            if column.kind:
                label = column.label.model_dump() if column.label else {"en": name, "zh": name}
                terms[name] = {**label, "kind": "name" if column.kind == "text" else "number"}
    if case.file.value and case.file.value.indicators:
        nodes = case.file.value.indicators.walk()
        terms |= {name: {"en": node.en, "zh": node.zh, "kind": "number"} for name, node, _ in nodes}
    if case.file.instrument:
        instrument = case.file.instrument
        features = instrument.kano.features if instrument.kano else {}
        for titled in (instrument.attributes, features, instrument.constructs):
            terms |= {key: named.title.model_dump() for key, named in titled.items()}
        terms |= {key: {"en": key, "zh": key} for key in case.file.instrument.items}
    return terms
