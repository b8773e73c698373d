"""Values against their ranges, by one lazy pandera schema: every offender is named at once.

Runs after parsing, on typed values only: a value that is no number is never asked for its size.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from crmresearch.case import CaseFile
from crmresearch.cleaning.parsing.dates import EARLIEST, LATEST
from crmresearch.cleaning.plan import ColumnPlan


def out_of_range(table: pa.Table, plans: Iterable[ColumnPlan], case: CaseFile) -> dict[str, pa.Array]:
    """Reason per row and column for values outside their range.

    Every date lies between ``starts`` (or 1900) and 2100. A date of something that has happened
    lies no later than the case's ``as_of``, its last observed day: what was not yet observed is a
    typing error. Due dates and ends of contracts (``planned``) may be later. A study's own
    ``as_of`` is another matter: it selects among sound rows and quarantines none.

    Returns
    -------
    dict[str, pa.Array]
        Column → reason codes, null where the value is in range; columns without offenders are absent.
    """
    bounded = {plan.name: list(_bounds(plan, case)) for plan in plans}
    bounded = {name: bounds for name, bounds in bounded.items() if bounds}
    if not bounded or not table.num_rows:
        return {}
    import pandera.errors
    import pandera.pandas as pandera

    def check(lowest: bool, bound: object, reason: str) -> pandera.Check:
        return (pandera.Check.ge if lowest else pandera.Check.le)(bound, error=reason)

    columns = {
        name: pandera.Column(checks=[check(*bound) for bound in bounds], nullable=True)
        for name, bounds in bounded.items()
    }
    frame = table.select(list(bounded)).to_pandas(types_mapper=pd.ArrowDtype)
    try:
        pandera.DataFrameSchema(columns).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        return dict(_reasons(errors.failure_cases, table.num_rows))
    return {}


def _bounds(plan: ColumnPlan, case: CaseFile) -> Iterator[tuple[bool, object, str]]:
    """(lowest?, bound, reason) for each end of a column's range."""
    if plan.kind == "date":
        yield True, max(case.starts or EARLIEST, EARLIEST), "BEFORE_START"
        yield False, LATEST if plan.planned else min(case.as_of or LATEST, LATEST), "AFTER_AS_OF"
        return
    for lowest, bound in ((True, plan.low), (False, plan.high)):
        if bound is not None:
            reason = "OFF_SCALE" if plan.item else "BELOW_RANGE" if lowest else "ABOVE_RANGE"
            yield lowest, _typed(bound, plan.kind), reason


def _typed(bound: float, kind: str) -> float | int | Decimal | dt.date:
    return Decimal(str(bound)) if kind == "money" else int(bound) if kind == "integer" else bound


def _reasons(failures: pd.DataFrame, n_rows: int) -> Iterator[tuple[str, pa.Array]]:
    for column, found in failures.groupby("column", sort=True):
        reasons = pd.Series(None, index=range(n_rows), dtype=object)
        reasons.loc[found["index"].astype("int64")] = found["check"].to_numpy()
        yield str(column), pa.array(reasons, pa.large_string())
