"""Properties that hold for every file: the ledger adds up, and neither order nor encoding shows."""

from __future__ import annotations

import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmresearch.case import Project, load_case
from crmresearch.cleaning import Cleaned, clean_files
from crmresearch.cleaning.parsing.numbers import parse_number
from crmresearch.errors import CrmresearchError

COLUMNS = {"order_id": "no", "customer_id": "客户", "date": "日期", "amount": "金额"}
HEADINGS = list(COLUMNS.values())
LINEAGE = ["source_file", "source_row"]

ids = st.one_of(st.just(""), st.sampled_from(["1", "2", "007", "张三", "NA"]))
dates = st.sampled_from(["2023-01-02", "2023/1/3", "20230104", "2023年1月5日", "2023-02-30", "", "soon"])
amounts = st.one_of(
    st.decimals(-1000, 1000, places=2).map(str), st.sampled_from(["", "1.2万", "¥3", "x", "1e400", "(5)", "１０"])
)
records = st.lists(st.tuples(ids, ids, dates, amounts), min_size=1, max_size=12)
order = st.randoms(use_true_random=False)
FEW, MANY = (settings(max_examples=n, deadline=None) for n in (20, 60))


def clean(files: dict[str, bytes], columns: dict[str, str] = COLUMNS) -> Cleaned:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "data" / "raw" / "sample"
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        content = {
            "title": {"en": "", "zh": ""},
            "description": {"en": "", "zh": ""},
            "provenance": {"origin": "", "copy_from": "", "terms": ""},
            "max_quarantined_share": 1,
            "files": [{"file": name, "table": "orders", "columns": columns} for name in files],
        }
        (folder / "case.yaml").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return clean_files(load_case(Project(Path(root)), "sample"))


def csv(rows: list[tuple[str, ...]], headings: list[str] = HEADINGS) -> bytes:
    return "".join(",".join(row) + "\n" for row in [tuple(headings), *rows]).encode()


def values(cleaned: Cleaned) -> list[dict]:
    return cleaned.tables["orders"].drop_columns(LINEAGE).to_pylist()


def fates(cleaned: Cleaned) -> dict[str, object]:
    ledger = cleaned.ledger
    return {name: pc.sum(ledger[name]).as_py() for name in ledger.column_names if name.startswith(("rows", "amount"))}


def reasons(cleaned: Cleaned) -> list[tuple[str, str, str]]:
    return sorted((e["column"], e["reason"], e["raw_value"]) for e in cleaned.quarantine.to_pylist())


@FEW
@given(records)
def test_every_row_and_amount_has_one_fate(rows: list[tuple[str, ...]]) -> None:
    cleaned = clean({"o.csv": csv(rows)})
    [line] = cleaned.ledger.to_pylist()
    content = [row for row in rows if any(cell.strip() for cell in row)]
    assert line["rows_in"] == len(content)
    assert line["rows_in"] == line["rows_kept"] + line["rows_quarantined"] + line["rows_merged"]
    assert line["amount_in"] == line["amount_kept"] + line["amount_quarantined"] + line["amount_merged"]
    assert line["rows_kept"] == cleaned.tables["orders"].num_rows
    whole = {(e["source_file"], e["source_row"]) for e in cleaned.quarantine.to_pylist()}
    kept = {(r["source_file"], r["source_row"]) for r in cleaned.tables["orders"].select(LINEAGE).to_pylist()}
    assert len(whole) == line["rows_quarantined"] and not whole & kept


@FEW
@given(records, order)
def test_the_order_of_rows_and_columns_does_not_show(rows: list[tuple[str, ...]], random) -> None:
    first = clean({"o.csv": csv(rows)})
    shuffled = random.sample(rows, len(rows))
    columns = random.sample(range(4), 4)
    turned = [tuple(row[i] for i in columns) for row in shuffled]
    second = clean({"o.csv": csv(turned, [HEADINGS[i] for i in columns])})
    assert values(first) == values(second)
    assert fates(first) == fates(second)
    assert reasons(first) == reasons(second)


@FEW
@given(records, records, order)
def test_the_order_and_number_of_files_does_not_show(one: list, two: list, random) -> None:
    files = {"a.csv": csv(one), "b.csv": csv(two)}
    forward, backward = clean(files), clean(dict(reversed(files.items())))
    assert forward.tables["orders"].equals(backward.tables["orders"])
    assert forward.quarantine.equals(backward.quarantine) and forward.ledger.equals(backward.ledger)
    joined = clean({"a.csv": csv(one + two)})
    assert values(joined) == values(forward)


def parquet(text: str) -> bytes:
    rows = [line.split(",") for line in text.splitlines()]
    columns = [pa.array(cells) for cells in zip(*rows[1:], strict=True)]
    stream = io.BytesIO()
    pq.write_table(pa.table(columns, names=rows[0]), stream)
    return stream.getvalue()


def table_bytes(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


@FEW
@given(records.filter(lambda rows: all(any(row) for row in rows)))
def test_the_same_table_in_any_form_gives_the_same_bytes(rows: list[tuple[str, ...]]) -> None:
    text = csv(rows).decode()
    plain = clean({"o.csv": text.encode()})
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        other = clean({"o.csv": text.encode(encoding)})
        assert table_bytes(other.tables["orders"]) == table_bytes(plain.tables["orders"])
        assert other.quarantine.equals(plain.quarantine)
    tabs = clean({"o.csv": text.replace(",", "\t").encode()})
    assert table_bytes(tabs.tables["orders"]) == table_bytes(plain.tables["orders"])
    other = clean({"o.parquet": parquet(text)})
    assert other.tables["orders"].drop_columns(["source_file"]).equals(
        plain.tables["orders"].drop_columns(["source_file"])
    )


@MANY
@given(st.binary(max_size=200) | st.text(st.characters(codec="utf-8"), max_size=80).map(lambda t: b"no,id\n" + t.encode()))
def test_any_bytes_end_in_a_ledger_or_a_named_error(content: bytes) -> None:
    try:
        cleaned = clean({"o.csv": content}, {"customer_id": "id", "date": "no", "amount": "no"})
    except CrmresearchError as error:
        assert "o.csv" in str(error) and error.repair
    else:
        assert fates(cleaned)["rows_in"] > 0


@FEW
@given(st.decimals(-(10**15), 10**15, places=6, allow_nan=False))
def test_money_agrees_with_the_decimal_module(number: Decimal) -> None:
    parsed = parse_number(pa.array([f"{number:f}"], pa.large_string()), kind="money", dimension="money")
    assert parsed.values[0].as_py() == number.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")


@FEW
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_agree_with_python_s_float(number: float) -> None:
    parsed = parse_number(pa.array([repr(number)], pa.large_string()), kind="number", dimension="number")
    assert parsed.values[0].as_py() == number


@pytest.mark.parametrize("rows", [[("1", "a", "2023-01-02", "1"), ("1", "a", "2023-01-02", "1")]])
def test_one_customer_never_changes_another(rows: list) -> None:
    alone = values(clean({"o.csv": csv([("9", "b", "2023-01-05", "3")])}))
    together = values(clean({"o.csv": csv([*rows, ("9", "b", "2023-01-05", "3")])}))
    assert [row for row in together if row["customer_id"] == "b"] == alone
