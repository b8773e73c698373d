"""Questionnaires as the survey platform exports them: customers, and employees by branch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmresearch.simulation.experts import EMPLOYEE_ITEMS
from crmresearch.simulation.naming import branch_names
from crmresearch.simulation.office import Written
from crmresearch.simulation.questionnaire import (
    CONSTRUCTS,
    HIGH,
    INSTRUCTED_ANSWER,
    KANO,
    LOW,
    NEEDS,
    QUESTIONS,
    SKIPPED,
    UNSELECTED,
    Survey,
)
from crmresearch.simulation.sheets import MARK, Sheet, injected, written_dates
from crmresearch.simulation.world import DIMENSIONS, World

_SIDES = {"with": ("如果", "If offered"), "without": ("如果没有", "If not offered")}


def item_headings() -> dict[str, str]:
    """Item → the long heading the platform gives it: the question's number, then its wording."""
    return {name: f"{i}、{question.zh}" for i, (name, question) in enumerate(QUESTIONS.items(), 2)}


def _further_headings() -> dict[str, tuple[str, str, str, dict[str, Any]]]:
    """Further column → heading, English label, Chinese label, and what ``case.yaml`` says of it."""
    number = len(QUESTIONS) + 2
    headings = {
        "attention": (
            f"{number}、本题请选择“{INSTRUCTED_ANSWER}”",
            "Instructed item",
            "指定作答题",
            {"low": LOW, "high": HIGH},
        )
    }
    for name, (_, _, wording) in KANO.items():
        for side, (zh, en) in _SIDES.items():
            number += 1
            label = f"{zh}{wording},贵单位感觉如何"
            headings[f"kano_{name}_{side}"] = (f"{number}、{label}", f"{en}: {name}", label, {"low": 1, "high": 5})
    number += 1
    for name, (en, zh) in NEEDS.items():
        told = {"low": 1, "high": len(NEEDS), "missing": [UNSELECTED]}
        headings[f"need_{name}"] = (f"{number}、贵单位最看重哪两项(排序)({zh})", en, zh, told)
    heading = f"{number + 1}、贵单位有多大可能向同行推荐我公司(0-10)"
    headings["recommend"] = (heading, "Likelihood to recommend", "推荐意愿", {"low": 0, "high": 10})
    return headings


def survey_sheet(survey: Survey, world: World, *, wave: str, earlier: bool = False) -> Written:
    """The customer survey in the platform's layout, with the ledger of careless answers.

    Every export numbers its sheets from 1, so those of an earlier wave get the wave before their number.
    """
    answers = survey.answers
    second = answers["second"]
    clock = (second // 3600).astype(str) + ":" + (second // 60 % 60).astype(str).str.zfill(2)
    clock += ":" + (second % 60).astype(str).str.zfill(2)
    items, further = item_headings(), _further_headings()
    frame = pd.DataFrame(
        {
            "序号": answers["respondent_id"],
            "提交答卷时间": written_dates(answers["day"], world, "slash") + " " + clock,
            "所用时间": answers["seconds"].astype(str) + "秒",
            "来源": np.where(second % 3 == 0, "链接", "微信"),
            "来源详情": MARK,
            "来自IP": answers["ip"],
            "1、贵单位的客户编码": answers["record_id"],
        }
    )
    labels = {**items, **{name: heading for name, (heading, *_) in further.items()}}
    frame = pd.concat([frame, answers[list(labels)].rename(columns=labels)], axis=1)
    columns: dict[str, Any] = {
        "respondent_id": {"heading": "序号", "prefix": f"{wave}-"} if earlier else "序号",
        "customer_id": "1、贵单位的客户编码",
        "wave": {"value": wave},
        "submitted": "提交答卷时间",
        "duration_seconds": {"heading": "所用时间", "unit": "秒"},
        **{
            name: {"heading": heading, "kind": "integer", **told, "label": {"en": en, "zh": zh}}
            for name, (heading, en, zh, told) in further.items()
        },
    }
    name = f"客户满意度问卷{wave}" if earlier else "客户满意度问卷"
    sheet = Sheet(name, "survey", frame, columns, titled=False, encoding="utf-8-sig")
    told = survey.respondents
    person = told["respondent_id"]
    ledger = [
        injected("speeder", sheet, "所用时间", person[told["speeder"]]),
        injected("straight_liner", sheet, "", person[told["straight_liner"]]),
        injected("failed_attention", sheet, labels["attention"], person[told["failed_attention"]]),
        injected("repeated_answers", sheet, "序号", person[told["repeat_of"].ne("")]),
        injected("undeclared_reverse", sheet, "", [n for n, q in QUESTIONS.items() if q.reverse and not q.declared]),
    ]
    for code, kind in ((SKIPPED, "skipped"), (UNSELECTED, "unselected")):
        ledger += [injected(kind, sheet, labels[name], person[answers[name] == code]) for name in labels]
    return sheet, pd.concat(ledger, ignore_index=True)


def instrument() -> dict[str, Any]:
    """The questionnaire as ``case.yaml`` declares it: one of its two reverse items is not declared."""
    headings = item_headings()
    items = {
        name: {
            "en": q.en,
            "zh": q.zh,
            "heading": headings[name],
            **({"reverse": True} if q.reverse and q.declared else {}),
        }
        for name, q in QUESTIONS.items()
    }
    constructs = {
        name: {"title": {"en": en, "zh": zh}, "items": [item for item, q in QUESTIONS.items() if q.construct == name]}
        for name, (en, zh) in CONSTRUCTS.items()
    }
    return {
        "scale": {"low": LOW, "high": HIGH, "missing": [SKIPPED]},
        "constructs": constructs,
        "items": items,
        "attributes": {
            f"rated_{d}": {
                "title": dict(zip(("en", "zh"), CONSTRUCTS[f"performance_{d}"], strict=True)),
                "performance": f"p_{d}1",
                "expectation": f"e_{d}1",
                "importance": f"i_{d}1",
            }
            for d in DIMENSIONS
        },
        "kano": {
            "like": "lowest",
            "features": {
                name: {
                    "title": {"en": en, "zh": zh},
                    "present": f"kano_{name}_with",
                    "absent": f"kano_{name}_without",
                }
                for name, (_, en, zh) in KANO.items()
            },
        },
        "instructed": {"attention": INSTRUCTED_ANSWER},
        "recommend": "recommend",
    }


def employee_sheet(employees: pd.DataFrame, world: World) -> Sheet:
    """The employee survey: anonymous, so branches are all that links it to customers."""
    frame = pd.DataFrame(
        {
            "编号": employees["respondent_id"],
            "提交答卷时间": written_dates(employees["day"], world, "slash"),
            "所用时间": employees["seconds"].astype(str) + "秒",
            "来源详情": MARK,
            "1、您所在的分公司": branch_names(employees["branch"].to_numpy()),
        }
    )
    columns: dict[str, Any] = {
        "respondent_id": "编号",
        "branch": "1、您所在的分公司",
        "submitted": "提交答卷时间",
        "duration_seconds": {"heading": "所用时间", "unit": "秒"},
    }
    for i, wording in enumerate(EMPLOYEE_ITEMS, 1):
        heading = f"{i + 1}、{wording}"
        frame[heading] = employees[f"item_{i}"].astype(str)
        columns[f"item_{i}"] = {
            "heading": heading,
            "kind": "integer",
            "low": LOW,
            "high": HIGH,
            "label": {"en": f"Employee item {i}", "zh": wording},
        }
    return Sheet("员工满意度调查", "employee_survey", frame, columns, titled=False)
