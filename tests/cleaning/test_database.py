"""Databases for real: SQLite, and a PostgreSQL server of the test's own; reading only, no secret ever shown."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from crmresearch.case import Project, SourceFile, load_case
from crmresearch.cleaning import clean_files, propose_case
from crmresearch.cleaning.readers import database, read_file
from crmresearch.errors import CaseError, CrmresearchError, InputError

VARIABLE = "CRM_TEST_DATABASE"
SECRET = "kanarien!@1"
ROWS = [("007", "2023-01-02", "12.50", 3.0), ("8%", None, "1.00", 0.1)]


def asking(query: str) -> SourceFile:
    return SourceFile(file="sales", table="orders", connection=VARIABLE, query=query)


def cells(query: str, folder: Path) -> dict[str, list[str | None]]:
    frame, _ = read_file(folder / "sales", asking(query))
    return {heading: column.to_pylist() for heading, column in zip(frame.headings, frame.cells, strict=True)}


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch) -> Path:
    link = sqlite3.connect(tmp_path / "s.db")
    link.execute("CREATE TABLE sales (id TEXT, day TEXT, amount NUMERIC, n REAL)")
    link.executemany("INSERT INTO sales VALUES (?, ?, ?, ?)", ROWS)
    link.commit()
    link.close()
    monkeypatch.setenv(VARIABLE, "sqlite:///s.db")
    return tmp_path


def _as_postgres(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        if os.getuid() == 0
        else [*command]
    )


def _binary(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[str, int]]:
    """A PostgreSQL server on a free loopback port, with a table and a role that may read it."""
    initdb, control = _binary("initdb"), _binary("pg_ctl")
    if not initdb or not control:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("PostgreSQL does not run as root, and setpriv is absent")
    folder = Path(tempfile.gettempdir()) / f"crm-pg-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    try:
        made = subprocess.run(
            _as_postgres(initdb, "-D", data, "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"),
            capture_output=True,
            cwd=folder,
        )
        if made.returncode:
            pytest.skip(f"initdb failed: {made.stderr.decode()[-200:]}")
        options = f"-p {port} -h 127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        started = _as_postgres(control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        subprocess.run(started, check=True, capture_output=True, cwd=folder)
        import pg8000.native

        with pg8000.native.Connection("owner", host="127.0.0.1", port=port, database="postgres") as link:
            link.run(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'")
            link.run("CREATE TABLE sales (id text, day date, amount numeric(12, 2), n double precision)")
            for id_, day, amount, n in ROWS:
                link.run("INSERT INTO sales VALUES (:i, :d, :a, :n)", i=id_, d=day, a=amount, n=n)
            link.run("GRANT SELECT, INSERT, DELETE ON sales TO reader")
            link.run("CREATE TABLE hidden (id text)")
            link.run("CREATE SEQUENCE counter")
            link.run("GRANT USAGE ON SEQUENCE counter TO reader")
            link.run("CREATE FUNCTION sneak() RETURNS text LANGUAGE sql AS $$ DELETE FROM sales RETURNING id $$")
        yield "127.0.0.1", port
    finally:
        stop = _as_postgres(control, "-D", data, "-m", "immediate", "stop")
        subprocess.run(stop, capture_output=True, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(server: tuple[str, int], monkeypatch, tmp_path: Path) -> Path:
    from urllib.parse import quote

    host, port = server
    monkeypatch.setenv(VARIABLE, f"postgresql://reader:{quote(SECRET, safe='')}@{host}:{port}/postgres")
    return tmp_path


EXPECTED = {"id": ["007", "8%"], "day": ["2023-01-02", None], "n": ["3", "0.1"]}


def test_sqlite_answers_as_text(sqlite: Path) -> None:
    assert cells("SELECT id, day, n FROM sales ORDER BY id", sqlite) == EXPECTED
    assert cells("SELECT id FROM sales WHERE id LIKE '8%';", sqlite) == {"id": ["8%"]}


def test_postgresql_answers_as_text(postgres: Path) -> None:
    assert cells("SELECT id, day, n FROM sales ORDER BY id", postgres) == EXPECTED
    assert cells("SELECT amount FROM sales WHERE id LIKE '8%' ORDER BY 1", postgres) == {"amount": ["1.00"]}


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM sales",
        "SELECT 1; DELETE FROM sales",
        "WITH gone AS (DELETE FROM sales RETURNING id) SELECT * FROM gone",
        "SELECT * INTO copy FROM sales",
        "CREATE TABLE x AS SELECT 1",
        "PRAGMA query_only = OFF",
        "ATTACH DATABASE 'x' AS y",
        "COPY sales TO 'x'",
        "",
        "SELECT * FRM sales",
        "'; --",
    ],
)
def test_nothing_but_one_select_is_sent(sqlite: Path, query: str) -> None:
    """Catalogue 169."""
    try:
        source = asking(query)
    except ValueError:
        assert not query
        return
    with pytest.raises(CaseError, match=r"case\.yaml, sales: the query"):
        read_file(sqlite / "sales", source)
    assert cells("SELECT id FROM sales ORDER BY id", sqlite)["id"] == ["007", "8%"]


@pytest.mark.parametrize("query", ["SELECT sneak()", "SELECT nextval('counter')"])
def test_a_function_that_writes_is_stopped_by_the_transaction(postgres: Path, query: str) -> None:
    with pytest.raises(InputError, match="read-only transaction"):
        cells(query, postgres)
    assert cells("SELECT id FROM sales ORDER BY id", postgres)["id"] == ["007", "8%"]


@pytest.mark.parametrize("system", ["sqlite", "postgres"])
def test_a_missing_table_is_named_with_the_nearest(request, system: str) -> None:
    """Catalogue 67."""
    folder = request.getfixturevalue(system)
    with pytest.raises(InputError, match=r"sales, database .*sale.*nearest: sales"):
        cells("SELECT * FROM sale", folder)


def test_a_missing_right_is_named_without_the_password(postgres: Path) -> None:
    """Catalogue 67."""
    with pytest.raises(InputError, match="permission denied for table hidden") as caught:
        cells("SELECT * FROM hidden", postgres)
    assert SECRET not in str(caught.value) and "reader:***@" in str(caught.value)


def test_the_secret_stands_nowhere(postgres: Path, monkeypatch, make) -> None:
    """Catalogue 168: not in a message, its context, the tables, the log or case.yaml."""
    entry = {**{"connection": VARIABLE, "query": "SELECT id, day AS date, amount FROM sales"}, "table": "orders"}
    entry["columns"] = {"customer_id": "id", "date": "date", "amount": "amount"}
    case = make({"sales": b""}, {"sales": entry})
    cleaned = clean_files(case)
    assert cleaned.ledger["rows_in"].to_pylist() == [2]
    said = repr([table.to_pylist() for table in (cleaned.quarantine, cleaned.ledger, cleaned.log)]) + repr(cleaned)
    monkeypatch.setenv(VARIABLE, os.environ[VARIABLE].replace("127.0.0.1", "127.0.0.1").replace("kanarien", "falsch"))
    for query in ("SELECT * FROM nothing", "SELECT 1/0 AS a", "SELECT id FROM sales"):
        try:
            cells(query, postgres)
        except CrmresearchError as error:
            said += repr(error) + repr(error.__context__) + str(error)
    assert SECRET not in said and "kanarien" not in said and "kanarien" not in (case.folder / "case.yaml").read_text()


def test_a_url_in_the_case_file_is_refused() -> None:
    with pytest.raises(ValueError, match="never the URL itself"):
        SourceFile(file="sales", table="orders", connection="postgresql://a:b@c/d", query="SELECT 1")
    with pytest.raises(ValueError, match="both connection and query"):
        SourceFile(file="sales", table="orders", connection="DB")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is not set"),
        ("nonsense", "does not hold a database URL"),
        ("mysql://a:b@c/d", "of the kind 'mysql' are not read"),
        ("sqlite:///../../etc/none.db", "no such database file"),
    ],
)
def test_a_url_that_leads_nowhere_is_said_so(tmp_path: Path, monkeypatch, url: str, words: str) -> None:
    monkeypatch.setenv(VARIABLE, url)
    with pytest.raises(CrmresearchError, match=words) as caught:
        cells("SELECT 1 AS a", tmp_path)
    assert "a:b" not in str(caught.value)


def test_a_connection_that_breaks_is_tried_three_times(tmp_path: Path, monkeypatch) -> None:
    """Catalogue 68."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pauses = []
    monkeypatch.setattr(database.time, "sleep", pauses.append)
    monkeypatch.setenv(VARIABLE, f"postgresql://reader:{'x' * 9}@127.0.0.1:{port}/postgres")
    with pytest.raises(InputError, match="the connection failed 3 times") as caught:
        cells("SELECT 1 AS a", tmp_path)
    assert pauses == [1.0, 2.0] and "xxxxxxxxx" not in str(caught.value)


def test_an_answer_that_lacks_rows_is_asked_for_again(sqlite: Path, monkeypatch) -> None:
    """Catalogue 68: count(*) and rows are compared within one transaction."""
    from sqlalchemy.engine import CursorResult

    whole, answers = CursorResult.fetchall, []

    def cut(self):
        rows = whole(self)
        answers.append(len(rows))
        return rows[:1] if len(answers) == 1 else rows

    monkeypatch.setattr(CursorResult, "fetchall", cut)
    monkeypatch.setattr(database.time, "sleep", lambda _: None)
    assert len(cells("SELECT id FROM sales ORDER BY id", sqlite)["id"]) == 2 and len(answers) == 2


def test_bytes_and_repeated_headings_are_refused(sqlite: Path) -> None:
    with pytest.raises(InputError, match="column 'a' holds values of the type bytes"):
        cells("SELECT x'00' AS a", sqlite)
    with pytest.raises(InputError, match="the heading 'id' stands twice"):
        cells('SELECT id, n AS "ID" FROM sales', sqlite)


def test_the_digest_follows_the_answer(sqlite: Path) -> None:
    source = asking("SELECT * FROM sales")
    first = read_file(sqlite / "sales", source)[1]
    assert read_file(sqlite / "sales", source)[1] == first
    link = sqlite3.connect(sqlite / "s.db")
    link.execute("UPDATE sales SET n = 4 WHERE id = '007'")
    link.commit()
    link.close()
    assert read_file(sqlite / "sales", source)[1] != first
    with pytest.raises(InputError, match="differs from its declared sha256"):
        read_file(sqlite / "sales", source.model_copy(update={"sha256": first}))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch) -> Path:
    link = sqlite3.connect(tmp_path / "shop.db")
    link.execute('CREATE TABLE "order lines" ("order id" TEXT PRIMARY KEY, "customer id" TEXT, date TEXT, amount REAL)')
    rows = [(f"o{n:02d}", f"c{n % 5}", f"2026-01-{n % 28 + 1:02d}", n + 0.5) for n in range(40)]
    link.executemany('INSERT INTO "order lines" VALUES (?, ?, ?, ?)', rows[::-1])
    link.execute("CREATE TABLE nothing_yet (a TEXT)")
    link.execute('CREATE VIEW customers AS SELECT DISTINCT "customer id", \'Acme\' AS name FROM "order lines"')
    link.commit()
    link.close()
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path / 'shop.db'}")
    return tmp_path


def test_a_case_is_proposed_from_the_tables_of_a_database(shop: Path) -> None:
    text = propose_case("shop", [], database=VARIABLE, folder=shop)
    assert "sqlite" not in text and "sha256" not in text and "nothing_yet" not in text
    proposed = yaml.safe_load(text)
    assert {file["file"]: (file["table"], file["query"]) for file in proposed["files"]} == {
        "customers": ("customers", "SELECT * FROM customers"),
        "order_lines": ("orders", 'SELECT * FROM "order lines" ORDER BY "order id"'),
    }
    folder = Project(shop).raw / "shop"
    folder.mkdir(parents=True)
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    cleaned = clean_files(load_case(Project(shop), "shop"))
    assert {line["source_file"]: line["rows_kept"] for line in cleaned.ledger.to_pylist()} == {
        "customers": 5,
        "order_lines": 40,
    }
    one = propose_case("shop", [], database=VARIABLE, tables=["order lines"], folder=shop)
    assert [file["file"] for file in yaml.safe_load(one)["files"]] == ["order_lines"]


def test_what_cannot_be_proposed_from_a_database_is_said(shop: Path) -> None:
    with pytest.raises(InputError, match=r"no table 'order line'.*order lines"):
        propose_case("shop", [], database=VARIABLE, tables=["order line"], folder=shop)
    with pytest.raises(InputError, match="the database has no rows"):
        propose_case("shop", [], database=VARIABLE, tables=["nothing_yet"], folder=shop)
    with pytest.raises(CaseError, match="not the name of an environment variable") as refusal:
        propose_case("shop", [], database=f"postgresql://a:{SECRET}@h/d", folder=shop)
    assert SECRET not in str(refusal.value)


def test_the_tables_of_postgresql_are_listed(postgres: Path) -> None:
    assert "sales" in database.table_queries(VARIABLE, postgres)
