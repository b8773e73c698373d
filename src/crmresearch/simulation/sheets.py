"""The form people keep such files in: title line, headings with units, mixed dates, total line, GB18030, workbooks."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.simulation.world import World

SUPPLIER = "星屿石化"
"""The invented supplier."""
MARK = "模拟数据"
"""Stands in the name and the title or source column of every file."""
TOTAL = "合计"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file of the case folder.

    Attributes
    ----------
    name : str
        What the sheet is; part of the file's name and of its title line.
    table : str
        Canonical table.
    frame : pd.DataFrame
        Text under the headings as people write them.
    columns : dict[str, Any]
        Canonical column → heading, or the mapping ``case.yaml`` gives for it.
    titled : bool
        The first line is a title, as in an export of a sheet with a merged cell above the headings.
    encoding : str
    workbook : bool
        An Excel workbook instead of a text file: dates are dates, decimal numbers are numbers.
    """

    name: str
    table: str
    frame: pd.DataFrame
    columns: dict[str, Any] = field(default_factory=dict)
    titled: bool = True
    encoding: str = "gb18030"
    workbook: bool = False

    @property
    def file(self) -> str:
        return f"{self.name}_{MARK}.{'xlsx' if self.workbook else 'csv'}"

    @property
    def title(self) -> str:
        return f"{SUPPLIER} {self.name}({MARK},非真实企业)" if self.titled else ""

    def to_bytes(self) -> bytes:
        """The file: a workbook, or comma-separated with the line ends of Windows."""
        if self.workbook:
            return _workbook(self)
        title = self.title + "," * (self.frame.shape[1] - 1) + "\r\n"
        text = (title if self.titled else "") + self.frame.to_csv(index=False, lineterminator="\r\n")
        return text.encode(self.encoding)


def _workbook(sheet: Sheet) -> bytes:
    """One sheet under a merged title, with the same bytes wherever it is written: nothing in it is compressed."""
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    book.set_properties({"created": dt.datetime(2024, 12, 31, tzinfo=dt.UTC), "author": f"{SUPPLIER}({MARK})"})
    page = book.add_worksheet(sheet.name)
    day, number = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "#,##0.00##"})
    if sheet.titled:
        page.merge_range(0, 0, 0, sheet.frame.shape[1] - 1, sheet.title)
    for j, heading in enumerate(sheet.frame):
        cells, first = sheet.frame[heading].tolist(), int(sheet.titled)
        page.write_string(first, j, heading)
        for i, cell in enumerate(cells, first + 1):
            if re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
                page.write_datetime(i, j, dt.date.fromisoformat(cell), day)
            elif re.fullmatch(r"-?\d+\.\d+", cell):
                page.write_number(i, j, float(cell), number)
            elif cell:
                page.write_string(i, j, cell)
    book.close()
    plain = io.BytesIO()
    with zipfile.ZipFile(stream) as packed, zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as stored:
        for part in packed.infolist():
            own = zipfile.ZipInfo(part.filename)  # of 1980, like every part
            own.create_system = 0
            stored.writestr(own, packed.read(part))
    return plain.getvalue()


def written_dates(days: pd.Series, world: World, style: str | np.ndarray = "iso") -> pd.Series:
    """Days from the world's first day as dates; '' where missing.

    Parameters
    ----------
    days : pd.Series
    style : str or np.ndarray of str
        ``iso`` 2023-05-01, ``slash`` 2023/5/1, ``dot`` 2023.5.1, ``zh`` 2023年5月1日; one for all or one a row.

    Examples
    --------
    >>> written_dates(pd.Series([0, np.nan]), World(), "zh").tolist()
    ['2021年1月4日', '']
    """
    moment = pd.Timestamp(world.first_day) + pd.to_timedelta(days, unit="D")
    year, month, day = (getattr(moment.dt, part).astype("Int64").astype("string") for part in ("year", "month", "day"))
    styles = np.broadcast_to(style, len(days))
    text = pd.Series(pd.NA, index=days.index, dtype="string")
    for name, (a, b, c) in {"slash": "// ", "dot": ".. ", "zh": "年月日"}.items():
        text = text.where(styles != name, year + a + month + b + day + c.strip())
    text = text.where(styles != "iso", year + "-" + month.str.zfill(2) + "-" + day.str.zfill(2))
    return text.fillna("").astype("str")


def ten_thousands(yuan: pd.Series) -> pd.Series:
    """Whole yuan in 万元, four decimals.

    Examples
    --------
    >>> ten_thousands(pd.Series([12345.0])).tolist()
    ['1.2345']
    """
    return pd.Series(np.char.mod("%.4f", yuan.to_numpy(dtype=float) / 10_000), index=yuan.index)


def thousands(yuan: pd.Series) -> pd.Series:
    """Yuan with two decimals and thousands separators; '' where missing.

    Examples
    --------
    >>> thousands(pd.Series([1234567.0, np.nan])).tolist()
    ['1,234,567.00', '']
    """
    text = pd.Series(np.char.mod("%.2f", yuan.fillna(0).to_numpy(dtype=float)), index=yuan.index)
    text = text.str.replace(re.compile(r"(?<=\d)(?=(?:\d{3})+\.)"), ",", regex=True)
    return text.where(yuan.notna(), "")


def yes_no(flags: pd.Series) -> pd.Series:
    """是 or 否."""
    return pd.Series(np.where(flags, "是", "否"), index=flags.index)


def injected(kind: str, sheet: Sheet, column: str, keys: pd.Series | list[str]) -> pd.DataFrame:
    """Lines of the ledger of errors put into a file: kind, file, column (heading), key of the row."""
    return pd.DataFrame({"kind": kind, "file": sheet.file, "column": column, "key": list(keys)}, dtype="str")
