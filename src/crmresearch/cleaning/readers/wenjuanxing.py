"""Exports of the survey platform Wenjuanxing (问卷星): short names for its long headings."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping

from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.readers.frame import TextFrame

NOT_ANSWERED = ("-3", "-2", "(跳过)", "(空)")
"""What the platform writes where a question was skipped (−3), an option not ranked (−2), or nothing said."""

_FRONT = ("序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自ip")
_QUESTION = re.compile(r"^(?P<number>\d{1,3})\s*[、.．:：]?\s*(?P<wording>.*)$", re.DOTALL)
_OPTION = re.compile(r"^(?P<number>\d{1,3})\s*[((](?P<wording>.+)[))]$", re.DOTALL)


def is_wenjuanxing(headings: tuple[str, ...]) -> bool:
    """Whether the headings are the platform's: its own columns first, then numbered questions.

    Examples
    --------
    >>> is_wenjuanxing(("序号", "提交答卷时间", "所用时间", "来源", "1、您的性别"))
    True
    """
    front = {normal_form(heading) for heading in headings[:8]}
    numbered = sum(bool(_QUESTION.match(heading)) for heading in headings)
    return sum(name in front for name in _FRONT) >= 3 and "序号" in front and numbered > 0


def is_platform_column(heading: str) -> bool:
    """Whether the platform wrote the column itself: number, time, duration, source, address."""
    return normal_form(heading) in _FRONT


def as_wenjuanxing(frame: TextFrame) -> TextFrame:
    """The frame with a short name for each question and its wording without the number.

    Question 3 becomes ``q3``; where several columns carry one number (a matrix, a multiple choice, a
    ranking) they are ``q4_1``, ``q4_2`` in the order of the file.
    """
    names, wordings = {}, {}
    for name, (position, wording) in short_names(frame.headings).items():
        names[name] = position
        wordings[frame.headings[position]] = wording
    taken = {normal_form(heading) for heading in frame.headings}
    names = {name: position for name, position in names.items() if name not in taken}
    return dataclasses.replace(frame, names=names, wordings={**frame.wordings, **wordings})


def short_names(headings: tuple[str, ...]) -> Mapping[str, tuple[int, str]]:
    """Short name → position of the column and wording of the question.

    Examples
    --------
    >>> short_names(("序号", "1、您满意吗?", "2、看重什么(价格)", "2、看重什么(服务)"))
    {'q1': (1, '您满意吗?'), 'q2_1': (2, '看重什么(价格)'), 'q2_2': (3, '看重什么(服务)')}
    """
    found = []
    for position, heading in enumerate(headings):
        match = None if is_platform_column(heading) else (_OPTION.match(heading) or _QUESTION.match(heading))
        if match:
            found.append((int(match["number"]), position, match["wording"].strip() or heading))
    many = Counter(number for number, _, _ in found)
    seen: Counter[int] = Counter()
    names = {}
    for number, position, wording in found:
        seen[number] += 1
        names[f"q{number}_{seen[number]}" if many[number] > 1 else f"q{number}"] = (position, wording)
    return names
