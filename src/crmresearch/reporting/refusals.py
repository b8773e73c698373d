"""The text of a refusal in Chinese: wordings by the English sentence that the code raises."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from crmresearch.case import read_yaml

WORDINGS = Path(__file__).parent / "words" / "refusals" / "zh.yaml"


def in_chinese(text: str) -> str:
    """Say what a refusal says in Chinese; a text without a wording is handed back as it is.

    The English sentence of the code is the key, as it is with gettext, with ``{}`` where it states a
    value; a value that is itself a known text is worded too. A test holds that every refusal raised by
    a scorer has its wording.

    Parameters
    ----------
    text : str
        ``what`` or ``repair`` of a :class:`~crmresearch.errors.RefusedError`.

    Examples
    --------
    >>> in_chinese("3 customers cannot fill 5 bins")
    '3 位客户分不成 5 档'
    >>> in_chinese("A text nobody has worded.")
    'A text nobody has worded.'
    """
    for pattern, wording in _wordings():
        if found := pattern.fullmatch(text):
            return wording.format(*(in_chinese(value) if " " in value else value for value in found.groups()))
    return text


@cache
def _wordings() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The patterns with their wordings, those with most fixed text first."""
    wordings = read_yaml(WORDINGS)
    longest_first = sorted(wordings, key=lambda text: len(text.replace("{}", "")), reverse=True)
    return tuple(
        (re.compile("(.+?)".join(map(re.escape, key.split("{}"))), re.S), wordings[key]) for key in longest_first
    )
