"""The few named errors. Each message says what is wrong, where, and how to repair it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CrmresearchError(Exception):
    """Base of every error a user can meet.

    Parameters
    ----------
    what : str
        What is wrong, in one clause, naming the thing, the rule and what was got.
    where : str
        The file, sheet, row, column, notebook cell or parameter, most general first.
    repair : str
        What the reader can do about it.

    Examples
    --------
    >>> print(InputError("no column 'amount'", where="orders.csv, header", repair="Did you mean 'amout'?"))
    orders.csv, header: no column 'amount'. Did you mean 'amout'?
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", repair: str = "") -> None:
        self.what, self.where, self.repair = what, where, repair
        super().__init__(what, where, repair)

    def __str__(self) -> str:
        sentence = f"{self.where}: {self.what}" if self.where else self.what
        sentence = sentence.rstrip(".") + "."
        return f"{sentence} {self.repair}" if self.repair else sentence


class UsageError(CrmresearchError):
    """A command, study or parameter that does not exist or is badly typed."""

    exit_code = 2


class CaseError(CrmresearchError):
    """A case folder or its ``case.yaml`` breaks a rule."""

    exit_code = 2


class InputError(CrmresearchError):
    """A data file cannot be read, or breaks a rule that the whole file must keep."""


class RefusedError(CrmresearchError, ValueError):
    """One result cannot be given for these data; the rest of the study goes on.

    A ``ValueError`` too, so that estimators behave as scikit-learn expects.
    """


class StudyError(CrmresearchError):
    """A study notebook failed, hung, or did not finish."""


class StorageError(CrmresearchError):
    """A folder cannot be written, or a published file does not match its manifest."""


class BusyError(CrmresearchError):
    """Another process works on the same case."""

    exit_code = 4


def nearest(word: str, choices: Iterable[str]) -> str:
    """``"; nearest: a, b"`` for the choices that look like ``word``; the empty string if none does."""
    near = difflib.get_close_matches(word, list(choices), n=3, cutoff=0.5)
    return f"; nearest: {', '.join(near)}" if near else ""


def check_choice(name: str, value: object, choices: Iterable[str], *, where: str) -> None:
    """Raise a UsageError for an option that is not offered.

    >>> check_choice("ties", "max", ("min", "average"), where="rank_topsis")
    Traceback (most recent call last):
    crmresearch.errors.UsageError: rank_topsis: ties='max' is unknown. Choose from: min, average.
    """
    if value not in (offered := tuple(choices)):
        raise UsageError(f"{name}={value!r} is unknown", where=where, repair=f"Choose from: {', '.join(offered)}.")
