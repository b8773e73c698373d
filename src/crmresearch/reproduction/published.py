"""The table of published values, and how ours compare."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from crmresearch.case import Project
from crmresearch.errors import CrmresearchError, UsageError, nearest
from crmresearch.reproduction.recomputed import CASES

NOT_REACHED = "not reached yet"


def read_published() -> pd.DataFrame:
    """Published values that ship with the package: case, statistic, published, tolerance, source.

    Examples
    --------
    >>> read_published().columns.tolist()
    ['case', 'statistic', 'published', 'tolerance', 'source']
    """
    with (resources.files("crmresearch.reproduction") / "published.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype={"case": str, "statistic": str, "source": str})


def reproduce(pattern: str = "", *, project: Project | None = None) -> pd.DataFrame:
    """Recompute published values and set ours beside them.

    Parameters
    ----------
    pattern : str
        Only values whose case and statistic hold this text.
    project : Project | None
        Where the data of the built-in cases are; None looks from the working directory up.

    Returns
    -------
    pd.DataFrame
        case, statistic, published, ours, difference (ours - published), tolerance (printed precision
        of the source), inside (missing where there is nothing of ours), status ("inside", "outside",
        "not reached yet" where no scorer computes the value, or the reason why it could not be),
        source. In the order of the published table.

    Raises
    ------
    UsageError
        No published value holds ``pattern``.
    """
    table = read_published()
    names = table["case"] + " " + table["statistic"]
    rows = table[names.str.contains(pattern, case=False, regex=False)].reset_index(drop=True)
    if rows.empty:
        raise UsageError(
            f"no published value is called {pattern!r}{nearest(pattern, table['case'].unique())}",
            where="reproduce",
            repair=f"There are values of: {', '.join(table['case'].unique())}.",
        )
    ours: dict[tuple[str, str], float] = {}
    failures: dict[str, str] = {}
    for case in rows["case"].unique():
        if case not in CASES:
            continue
        try:
            ours |= {(case, statistic): value for statistic, value in CASES[case](project).items()}
        except CrmresearchError as error:
            failures[case] = str(error)
    rows["ours"] = [ours.get(key, float("nan")) for key in zip(rows["case"], rows["statistic"], strict=True)]
    rows["difference"] = rows["ours"] - rows["published"]
    inside = (rows["difference"].abs() <= rows["tolerance"]).astype("boolean")
    failed = rows["case"].isin(list(failures)).astype("boolean")
    rows["inside"] = inside.mask(rows["ours"].isna()).mask(failed, False)
    rows["status"] = rows["inside"].map({True: "inside", False: "outside"}).astype("str").fillna(NOT_REACHED)
    rows.loc[failed, "status"] = rows["case"].map(failures)
    order = ["case", "statistic", "published", "ours", "difference", "tolerance", "inside", "status", "source"]
    return rows[order]
