"""What several commands share: their common options, and how an error is said."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from crmresearch.errors import CrmresearchError


class Language(StrEnum):
    """Languages of the report pages."""

    en = "en"
    zh = "zh"
    hant = "zh-hant"
    both = "both"

    @property
    def names(self) -> tuple[str, ...]:
        """The languages that are meant."""
        return ("en", "zh") if self is Language.both else (self.value,)


Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def sentence(error: BaseException) -> str:
    """An error in one sentence; of an unexpected one, its beginning and what to do."""
    if isinstance(error, CrmresearchError):
        return str(error)
    what = " ".join(str(error).split())[:300]
    return f"Unexpected {type(error).__name__}: {what}. Run again with --debug to see where it came from."
