"""Windows of time: up to a day a model may see, and after it a period kept to judge it by."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from crmresearch.errors import UsageError
from crmresearch.scoring.value.clv.histories import DAYS


@dataclass(frozen=True, slots=True)
class Split:
    """A day that parts what is known from what is to be foreseen.

    Attributes
    ----------
    calibration_end : datetime.date
        Last day a model, a score or a class may use.
    holdout_start, as_of : datetime.date
        First and last day of the period after it.
    """

    calibration_end: dt.date
    holdout_start: dt.date
    as_of: dt.date

    @property
    def days(self) -> int:
        """Length of the hold-out period."""
        return (self.as_of - self.calibration_end).days

    def length(self, unit: str) -> float:
        """Length of the hold-out period in days, weeks, months or years (of average length)."""
        if unit not in DAYS:
            raise UsageError(f"no time unit {unit!r}", where="Split.length", repair=f"Use {', '.join(DAYS)}.")
        return self.days / DAYS[unit]


def split_window(as_of: dt.date, *, holdout_days: int) -> Split:
    """Keep the last ``holdout_days`` up to ``as_of`` for judging what is made of the days before.

    Raises
    ------
    UsageError
        A hold-out period shorter than a day.

    Examples
    --------
    >>> import datetime as dt
    >>> split_window(dt.date(2024, 12, 31), holdout_days=366).calibration_end
    datetime.date(2023, 12, 31)
    """
    if holdout_days < 1:
        raise UsageError(f"holdout_days={holdout_days}", where="split_window", repair="Keep at least one day.")
    end = as_of - dt.timedelta(days=holdout_days)
    return Split(end, end + dt.timedelta(days=1), as_of)


def days_before(as_of: dt.date, *, days: int) -> dt.date:
    """First day of the window of ``days`` that ends with ``as_of``.

    Examples
    --------
    >>> import datetime as dt
    >>> days_before(dt.date(2024, 12, 31), days=366)
    datetime.date(2024, 1, 1)
    """
    if days < 1:
        raise UsageError(f"days={days}", where="days_before", repair="A window has at least one day.")
    return as_of - dt.timedelta(days=days - 1)


def months_in(days: int) -> int:
    """Whole months of average length in a number of days, at least 2.

    Examples
    --------
    >>> months_in(365), months_in(10)
    (12, 2)
    """
    return max(2, round(days / DAYS["month"]))
