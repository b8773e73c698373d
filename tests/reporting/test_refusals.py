"""Every refusal a scorer can raise has its Chinese wording, with the same values in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

from crmresearch.case import read_yaml
from crmresearch.reporting.html import render_blocks
from crmresearch.reporting.refusals import WORDINGS, in_chinese

SOURCE = Path(__file__).resolve().parents[2] / "src" / "crmresearch"
HAN = re.compile(r"[\u4e00-\u9fff]")


def texts(node: ast.expr) -> list[str]:
    """The texts an expression can give, with ``{}`` for each value; of a name, none."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)]
        case ast.IfExp(body=one, orelse=other):
            return texts(one) + texts(other)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [a + b for a in texts(left) for b in texts(right)]
    return []


def raised() -> set[str]:
    found = set()
    for path in SOURCE.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "RefusedError":
                said = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "repair")]
                found.update(text for node in said for text in texts(node))
    return found


def test_every_refusal_has_its_wording_and_no_wording_is_left_over():
    wordings = read_yaml(WORDINGS)
    assert raised() - wordings.keys() == set(), "without a Chinese wording"
    assert wordings.keys() - raised() == set(), "said by no scorer"


def test_wordings_state_the_same_values():
    for text, wording in read_yaml(WORDINGS).items():
        assert HAN.search(wording), text
        values = [f"<{number}>" for number in range(text.count("{}"))]
        said = in_chinese(text.format(*values))
        assert sorted(re.findall(r"<\d>", said)) == values, (text, said)
        assert len([1 for _, name, _, _ in Formatter().parse(wording) if name is not None]) == len(values), text


def test_a_chinese_page_refuses_in_chinese():
    said = {"what": "3 customers cannot fill 5 bins", "repair": "Use fewer bins or a longer window.", "where": "RFM"}
    block = {"id": "refusal-1", "type": "refusal", "key": "x", "function": "scoring.score_rfm", **said}
    assert "RFM: 3 customers cannot fill 5 bins." in render_blocks((block,), "en")
    page = render_blocks((block,), "zh")
    assert "RFM：3 位客户分不成 5 档。" in page and "请减少档数，或选择更长的时间窗。" in page
    assert "customers" not in page
