"""The wordings of common answer scales, so that answers in words get the codes they stand for."""

from __future__ import annotations

from collections.abc import Collection

from crmresearch.cleaning.parsing.text import normal_form

_SCALES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("非常不满意", "很不满意", "十分不满意"), ("不满意", "比较不满意", "较不满意"), ("一般", "中立", "普通"),
     ("满意", "比较满意", "较满意"), ("非常满意", "很满意", "十分满意")),
    (("非常不同意", "完全不同意", "很不同意", "强烈反对"), ("不同意", "比较不同意", "较不同意"),
     ("一般", "中立", "不确定", "说不清"), ("同意", "比较同意", "较同意"), ("非常同意", "完全同意", "很同意")),
    (("非常不重要", "很不重要"), ("不重要", "比较不重要"), ("一般", "中立"),
     ("重要", "比较重要"), ("非常重要", "很重要")),
    (("非常不符合", "完全不符合", "很不符合"), ("不符合", "比较不符合", "不太符合"), ("一般", "不确定"),
     ("符合", "比较符合"), ("非常符合", "完全符合", "很符合")),
    (("从不",), ("很少", "偶尔"), ("有时",), ("经常",), ("总是",)),
    (("very dissatisfied",), ("dissatisfied",), ("neutral", "neither satisfied nor dissatisfied"), ("satisfied",),
     ("very satisfied",)),
    (("strongly disagree",), ("disagree",), ("neutral", "neither agree nor disagree", "undecided"), ("agree",),
     ("strongly agree",)),
)  # fmt: skip


def known_answers(words: Collection[str]) -> dict[str, int]:
    """Answer → code 1 to 5, if every word belongs to one known scale; otherwise nothing.

    Where a scale has 不满意 beside 比较不满意 the order is not known, and nothing is said.

    Examples
    --------
    >>> known_answers(["满意", "非常满意", "一般"])
    {'一般': 3, '满意': 4, '非常满意': 5}
    >>> known_answers(["满意", "比较满意"])
    {}
    """
    if not words:
        return {}
    for scale in _SCALES:
        codes = {word: code for code, same in enumerate(scale, 1) for word in same}
        found = {word: codes.get(normal_form(word)) for word in words}
        values = list(found.values())
        if None not in values and len(set(values)) == len(values):
            return dict(sorted(found.items(), key=lambda pair: pair[1]))
    return {}


def full_scale(answers: dict[str, int]) -> dict[str, int]:
    """Every usual wording of the scale that ``answers`` belong to, those first."""
    for scale in _SCALES:
        codes = {word: code for code, same in enumerate(scale, 1) for word in same}
        if all(codes.get(normal_form(word)) == code for word, code in answers.items()):
            used = set(answers.values())
            rest = {same[0]: code for code, same in enumerate(scale, 1) if code not in used}
            return dict(sorted({**answers, **rest}.items(), key=lambda pair: pair[1]))
    return answers
