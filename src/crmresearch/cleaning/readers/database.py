"""A database's answer to one SELECT → text frame, through one read-only connection."""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from crmresearch.case import SourceFile
from crmresearch.cleaning.notes import Note
from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.readers.frame import BROKEN, TextFrame
from crmresearch.errors import CaseError, InputError, nearest

TRIES = 3
SECONDS = 120
MAX_ROWS = 5_000_000
_PAUSE = 0.5
_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgresql+pg8000"}
_EXACT = 2**53


def read_database(source: SourceFile, folder: Path) -> tuple[TextFrame, str]:
    """Ask one SELECT within one read-only transaction; nothing can be changed by it.

    The URL (``sqlite:///sales.db``, ``postgresql://reader:secret@host/sales``) stands in the environment
    variable that the declaration names, never in ``case.yaml``; no message shows its password. Rows are
    numbered from 2 in the order of the query, or in sorted order where it has none.

    Returns
    -------
    frame : TextFrame
    sha256 : str
        Digest of the answer.

    Raises
    ------
    CaseError
        The variable is not set, or the query is not one SELECT.
    InputError
        The database cannot be reached, lacks a table or a right, or broke off three times.
    """
    url = _url(source, folder)
    _one_select(source, url.get_backend_name())
    shown = url.render_as_string(hide_password=True)
    where = f"{source.file}, database {shown}"
    for attempt in range(1, TRIES + 1):
        try:
            headings, rows = _fetch(url, source.query, where)
            break
        except _BrokenOffError as error:
            if attempt == TRIES:
                raise InputError(
                    f"the connection failed {TRIES} times ({_scrubbed(error.cause, url)})",
                    where=where,
                    repair="Check that the database runs and can be reached, then run again.",
                ) from None
            time.sleep(_PAUSE * 2**attempt)
    return _frame(source, headings, rows, where)


def table_queries(connection: str, folder: Path) -> dict[str, str]:
    """Every table and view of a database → a SELECT of all its columns, by its primary key where it has one.

    Parameters
    ----------
    connection : str
        Name of the environment variable that holds the URL.
    folder : Path
        Where a relative path of SQLite starts.

    Raises
    ------
    CaseError, InputError
        As :func:`read_database`.
    """
    import sqlalchemy
    from sqlalchemy import exc

    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", connection):  # it may be the URL itself, and hold a password
        raise CaseError(
            "this is not the name of an environment variable",
            where="database",
            repair="Put the URL into one, export CRM_DATABASE=…, and give its name: CRM_DATABASE.",
        )
    source = SourceFile(file="database", table="orders", connection=connection, query="SELECT 1")
    url = _url(source, folder)
    where = f"database {url.render_as_string(hide_password=True)}"
    try:
        with _read_only(url, where) as link:
            looked, quoted = sqlalchemy.inspect(link), link.dialect.identifier_preparer.quote
            queries = {}
            for name in sorted([*looked.get_table_names(), *looked.get_view_names()]):
                key = ", ".join(map(quoted, looked.get_pk_constraint(name)["constrained_columns"]))
                queries[name] = f"SELECT * FROM {quoted(name)}" + (f" ORDER BY {key}" if key else "")
            return queries
    except (exc.DBAPIError, exc.DisconnectionError, OSError) as error:
        raise InputError(
            f"the database cannot be read ({_scrubbed(getattr(error, 'orig', None) or error, url)})",
            where=where,
            repair="Check that it runs and can be reached, then run again.",
        ) from None


class _BrokenOffError(Exception):
    def __init__(self, cause: BaseException) -> None:
        self.cause = cause
        super().__init__()


def _one_select(source: SourceFile, backend: str) -> None:
    import sqlglot
    from sqlglot import expressions

    try:
        statements = [
            s
            for s in sqlglot.parse(source.query, read={"postgresql": "postgres"}.get(backend, backend))
            if s is not None
        ]
    except sqlglot.errors.SqlglotError as error:
        problem = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()[0][:120]
        raise CaseError(
            f"the query cannot be read ({problem})", where=f"case.yaml, {source.file}", repair="Mend the SQL."
        ) from None
    changing = (expressions.Insert, expressions.Update, expressions.Delete, expressions.DDL, expressions.Into)
    one = len(statements) == 1 and isinstance(statements[0], expressions.Query)
    if not one or statements[0].find(*changing) is not None:
        raise CaseError(
            "the query is not one SELECT",
            where=f"case.yaml, {source.file}",
            repair="Write one SELECT … FROM … ORDER BY …; nothing else is sent.",
        )


def _url(source: SourceFile, folder: Path) -> Any:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    text = os.environ.get(source.connection, "")
    if not text:
        raise CaseError(
            f"the environment variable {source.connection} is not set",
            where=f"case.yaml, {source.file}",
            repair=f"Set it to the database's URL, such as postgresql://user:password@host/database: "
            f"export {source.connection}=…",
        )
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        raise CaseError(
            f"the environment variable {source.connection} does not hold a database URL",
            where=f"case.yaml, {source.file}",
            repair="Its form is dialect://user:password@host:port/database; write special characters as %40.",
        ) from None
    if backend not in _DIALECTS:
        raise CaseError(
            f"databases of the kind {backend!r} are not read{nearest(backend, _DIALECTS)}",
            where=f"case.yaml, {source.file}",
            repair=f"Read are: {', '.join(_DIALECTS)}. Export the table as CSV UTF-8.",
        )
    if backend == "sqlite":
        path = folder / (url.database or "")
        if not path.is_file():
            raise InputError(
                f"no such database file {str(url.database)[:80]!r}",
                where=source.file,
                repair="Mind the path; a relative one starts in the case folder.",
            )
        return url.set(database=str(path.resolve()), query={})
    return url.set(drivername=_DIALECTS[backend])


@contextmanager
def _read_only(url: Any, where: str) -> Iterator[Any]:
    """One connection, one transaction, nothing but reading."""
    import sqlite3

    import sqlalchemy
    from sqlalchemy.pool import NullPool

    if url.get_backend_name() == "sqlite":

        def connect() -> sqlite3.Connection:
            link = sqlite3.connect(f"{Path(url.database).as_uri()}?mode=ro", uri=True, timeout=10)
            link.execute("PRAGMA query_only = ON")
            end = time.monotonic() + SECONDS
            link.set_progress_handler(lambda: int(time.monotonic() > end), 100_000)
            return link

        engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=NullPool)
        options: dict[str, Any] = {}
    else:
        engine = sqlalchemy.create_engine(url, poolclass=NullPool, connect_args={"timeout": SECONDS + 10})
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with engine.connect() as plain, plain.execution_options(**options) as link, link.begin() as transaction:
            if options:
                link.exec_driver_sql(f"SET LOCAL statement_timeout = {SECONDS * 1000}")
            else:
                link.exec_driver_sql("BEGIN")
            yield link
            transaction.rollback()
    finally:
        engine.dispose()


def _fetch(url: Any, query: str, where: str) -> tuple[list[str], list[Sequence[Any]]]:
    """Headings and rows, whose number is what ``count(*)`` says in the same transaction."""
    from sqlalchemy import exc

    bare = query.strip().rstrip(";")
    try:
        with _read_only(url, where) as link:
            expected = link.exec_driver_sql(f"SELECT count(*) FROM ({bare}\n) AS answer").scalar()
            if expected > MAX_ROWS:
                raise InputError(
                    f"{expected:,} rows, above the limit of {MAX_ROWS:,}", where=where, repair="Narrow the query."
                )
            answer = link.exec_driver_sql(bare)
            headings, rows = list(answer.keys()), answer.fetchall()
    except (exc.InterfaceError, exc.DisconnectionError, ConnectionError, TimeoutError) as error:
        raise _BrokenOffError(error) from None
    except exc.DBAPIError as error:
        message = _scrubbed(error.orig or error, url)
        if error.connection_invalidated or _is_connection_trouble(message):
            raise _BrokenOffError(error.orig or error) from None
        raise InputError(
            f"the query was refused ({message}){_tables(url, where, message)}",
            where=where,
            repair="Mend the query in case.yaml, or ask for the right to read the table.",
        ) from None
    if len(rows) != expected:
        raise _BrokenOffError(RuntimeError(f"{len(rows):,} of {expected:,} rows arrived"))
    return headings, rows


def _is_connection_trouble(message: str) -> bool:
    return bool(re.search(r"connect|network|terminat|closed|reset|broken pipe|starting up|locked", message, re.I))


def _scrubbed(error: BaseException, url: Any) -> str:
    """The driver's message on one line, without the password, cut to 160 characters."""
    arguments = error.args[0] if error.args else str(error)
    text = arguments.get("M", str(arguments)) if isinstance(arguments, dict) else str(error)
    if url.password:
        text = text.replace(str(url.password), "***")
    return " ".join(text.split())[:160]


def _tables(url: Any, where: str, message: str) -> str:
    """Names of tables like the one that is missing."""
    import sqlalchemy

    missing = re.search(r"no such table: (\S+)|relation \"([^\"]+)\" does not exist", message)
    if not missing:
        return ""
    try:
        with _read_only(url, where) as link:
            names = sqlalchemy.inspect(link).get_table_names()
    except Exception:
        return ""
    wanted = next(filter(None, missing.groups()))
    return nearest(wanted, names) or (f"; the database has: {', '.join(sorted(names)[:10])}" if names else "")


def _frame(source: SourceFile, headings: list[str], rows: list[Sequence[Any]], where: str) -> tuple[TextFrame, str]:
    names = [normal_form(heading) for heading in headings]
    twice = next((h for h, name in zip(headings, names, strict=True) if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"the heading {twice[:40]!r} stands twice", where=where, repair="Name each column of the query with AS."
        )
    table = [tuple(_text(value, where, heading) for value, heading in zip(row, headings, strict=True)) for row in rows]
    notes: tuple[Note, ...] = ()
    if not re.search(r"\border\s+by\b", source.query, re.IGNORECASE):
        table.sort(key=lambda row: tuple(cell or "" for cell in row))
        notes = (Note("NO_ORDER", "normalised", count=len(table)),)
    columns = zip(*table, strict=True) if table else [()] * len(headings)
    cells = tuple(pa.array(column, pa.large_string()) for column in columns)
    digest = hashlib.sha256(repr((headings, table)).encode()).hexdigest()
    numbers = pa.array(range(2, len(table) + 2), pa.int64())
    return TextFrame(tuple(headings), cells, numbers, BROKEN.empty_table(), notes=notes), digest


def _text(value: Any, where: str, heading: str) -> str | None:
    """A value as a text export would hold it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    raise InputError(
        f"column {heading!r} holds values of the type {type(value).__name__}",
        where=where,
        repair="Select it as text, number or date (CAST … AS TEXT).",
    )
