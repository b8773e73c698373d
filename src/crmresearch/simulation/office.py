"""The supplier's own sheets: customers, sales, receipts, contracts and what happened beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmresearch.simulation import dealings, naming
from crmresearch.simulation.experts import CRITERIA_TITLE
from crmresearch.simulation.population import Population
from crmresearch.simulation.records import Records
from crmresearch.simulation.sheets import TOTAL, Sheet, injected, ten_thousands, thousands, written_dates, yes_no
from crmresearch.simulation.world import World, stream

Written = tuple[Sheet, pd.DataFrame]
"""A sheet and the ledger of what was put wrong in it."""

UNKNOWN_RECORD = "000000"
DEPARTMENTS = ("质量服务部", "销售部", "财务部", "物流部")
OUTCOMES = ("已解决", "部分解决", "未解决", "不成立")
VISIT_OUTCOMES = ("达成意向", "了解情况", "待跟进")
WALLET_SOURCES = {"A": "客户财务数据", "B": "客户经理估计", "C": "第三方报告"}


def customer_sheet(population: Population, records: Records, world: World, seed: int) -> Written:
    """The customer file, with everything that has gone wrong with it over the years."""
    rng, rows = stream(seed, "customer sheet"), records.records
    firms = population.firms.iloc[rows["entity"]].reset_index(drop=True)
    industry = np.array([i.sector for i in naming.INDUSTRIES])[firms["industry"]]
    styles = np.array(["slash", "iso", "dot", "zh"])[rng.choice(4, len(rows), p=[0.6, 0.2, 0.1, 0.1])]
    frame = pd.DataFrame(
        {
            "客户编码": rows["record_id"],
            "客户名称": rows["name"],
            "统一社会信用代码": rows["credit_code"],
            "省份": np.array([r.province for r in naming.REGIONS])[firms["region"]],
            "行业": industry,
            "地址": rows["address"],
            "联系电话": rows["phone"],
            "客户经理": naming.manager_names(firms["manager"].to_numpy()),
            "建档日期": written_dates(rows["first_day"], world, styles),
            "最近更新日期": written_dates(rows["updated_day"], world),
            "所属分公司": naming.branch_names(firms["branch"].to_numpy()),
            "是否大客户": yes_no(firms["key_account"]),
        }
    )
    own = {"kind": "text"}
    columns = {
        "customer_id": "客户编码",
        "name": "客户名称",
        "credit_code": "统一社会信用代码",
        "region": "省份",
        "industry": "行业",
        "address": "地址",
        "phone": "联系电话",
        "manager": "客户经理",
        "registered_date": "建档日期",
        "updated": {"heading": "最近更新日期", "kind": "date", "label": {"en": "Last updated", "zh": "最近更新日期"}},
        "branch": {"heading": "所属分公司", **own, "label": {"en": "Branch", "zh": "所属分公司"}},
        "key_account": {
            "heading": "是否大客户",
            "kind": "flag",
            "label": {"en": "Flagged as key account", "zh": "是否大客户"},
        },
    }
    order = rng.permutation(len(frame))
    sheet = Sheet("客户档案", "customers", frame.iloc[order].reset_index(drop=True), columns)
    further = ~rows.index.isin(records.first)
    board = rows["park"].where(~rows["own_phone"] & rows["phone"].ne(""))
    shared = rows["entity"].groupby(board).transform("nunique") > 1
    wrong = {
        ("duplicate_record", "客户编码"): further,
        ("duplicate_without_evidence", "客户编码"): further & ~rows["evidence"],
        ("traditional_name", "客户名称"): rows["name"].str.translate(naming.TO_SIMPLIFIED) != rows["name"],
        ("wide_blank_in_name", "客户名称"): rows["name"].str.contains("\u3000"),
        ("full_width_phone", "联系电话"): rows["phone_full_width"],
        ("switchboard_phone", "联系电话"): shared,
        ("missing_credit_code", "统一社会信用代码"): rows["credit_code"].eq(""),
        ("missing_phone", "联系电话"): rows["phone"].eq(""),
        ("missing_address", "地址"): rows["address"].eq(""),
        ("stale", "最近更新日期"): rows["stale"],
    }
    ledger = [injected(kind, sheet, column, rows["record_id"][hit]) for (kind, column), hit in wrong.items()]
    return sheet, pd.concat(ledger, ignore_index=True)


def sales_sheets(lines: pd.DataFrame, records: Records, world: World, seed: int) -> tuple[Written, Written]:
    """Two exports of two years each; the second begins with a month the first one had already."""
    rng = stream(seed, "sales sheets")
    lines = lines.reset_index(drop=True)
    names = records.records.set_index("record_id")["name"]
    product = lines["product"].to_numpy()
    frame = pd.DataFrame(
        {
            "单据编号": lines["order_id"],
            "客户编码": lines["record_id"],
            "客户名称": names.loc[lines["record_id"]].to_numpy(),
            "开票日期": written_dates(lines["day"], world, "slash"),
            "品名": np.array([p.name for p in world.products])[product],
            "数量": np.char.mod("%.1f", lines["quantity"].to_numpy()),
            "单位": np.array([p.unit for p in world.products])[product],
            "单价(元)": np.char.mod("%d", lines["price"].to_numpy().astype(int)),
            "价税合计(万元)": ten_thousands(lines["amount"]),
            "含税": "是",
            "成本(万元)": ten_thousands(lines["cost"]),
        }
    )
    columns = {
        "order_id": "单据编号",
        "customer_id": "客户编码",
        "date": "开票日期",
        "product": "品名",
        "quantity": "数量",
        "unit": "单位",
        "price": {"heading": "单价(元)", "unit": "元"},
        "amount": {"heading": "价税合计(万元)", "unit": "万元"},
        "tax_included": "含税",
        "cost": {"heading": "成本(万元)", "unit": "万元"},
    }
    half, again = world.day(world.second_export), world.day(world.second_export) - world.export_overlap_days
    day = lines["day"].to_numpy()
    early, late, overlap = day < half, day >= again, (day >= again) & (day < half)
    candidates = np.flatnonzero((day < again) & (lines["kind"] == "sale"))
    chosen = rng.choice(candidates, min(world.impossible_dates + world.full_width_amounts, len(candidates)), False)
    undated, wide = np.split(chosen, [world.impossible_dates])
    sale = lines["kind"] == "sale"

    first = frame.copy()
    first.loc[undated, "开票日期"] = "2022/2/30"
    first.loc[wide, "价税合计(万元)"] = first.loc[wide, "价税合计(万元)"].str.translate(naming.TO_FULL_WIDTH)
    one = Sheet("销售明细2021至2022", "orders", _with_total(first[early], lines[early]), columns)
    stray = first[early & sale].tail(world.orphan_lines).assign(客户编码=UNKNOWN_RECORD, 客户名称="测试客户")
    stray["单据编号"] = "CS" + stray["单据编号"].str[2:]
    rows = pd.concat([frame[late], stray])
    amounts = pd.concat([lines[late], lines.loc[stray.index]])
    two = Sheet("销售明细2023至2024", "orders", _with_total(rows, amounts), columns, encoding="utf-8-sig")
    wrong_one = [
        injected("impossible_date", one, "开票日期", first.loc[undated, "单据编号"]),
        injected("full_width_amount", one, "价税合计(万元)", first.loc[wide, "单据编号"]),
        injected("return", one, "数量", first.loc[early & ~sale, "单据编号"]),
        injected("total_row", one, "单据编号", [TOTAL]),
    ]
    wrong_two = [
        injected("repeated_line", two, "单据编号", frame.loc[overlap, "单据编号"]),
        injected("unknown_customer", two, "客户编码", stray["单据编号"]),
        injected("return", two, "数量", frame.loc[late & ~sale, "单据编号"]),
        injected("total_row", two, "单据编号", [TOTAL]),
    ]
    return (one, pd.concat(wrong_one, ignore_index=True)), (two, pd.concat(wrong_two, ignore_index=True))


def _with_total(frame: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    total = dict.fromkeys(frame.columns, "")
    money = pd.Series([lines["amount"].sum(), lines["cost"].sum()])
    total["单据编号"], (total["价税合计(万元)"], total["成本(万元)"]) = TOTAL, ten_thousands(money)
    return pd.concat([frame, pd.DataFrame([total])], ignore_index=True)


def receipt_sheet(payments: pd.DataFrame, world: World) -> Sheet:
    """Receipts in yuan with thousands separators; what is still open has no receipt."""
    frame = pd.DataFrame(
        {
            "发票号": payments["invoice_id"],
            "客户编码": payments["record_id"],
            "开票日期": written_dates(payments["invoice_day"], world),
            "到期日": written_dates(payments["due_day"], world),
            "回款日期": written_dates(payments["paid_day"], world, "zh"),
            "回款金额(元)": thousands(payments["paid_amount"]),
        }
    )
    columns = {
        "invoice_id": "发票号",
        "customer_id": "客户编码",
        "invoice_date": "开票日期",
        "due_date": "到期日",
        "paid_date": "回款日期",
        "paid_amount": {"heading": "回款金额(元)", "unit": "元"},
    }
    return Sheet("回款明细", "payments", frame, columns)


def contract_sheet(contracts: pd.DataFrame, world: World) -> Sheet:
    """Framework contracts."""
    frame = pd.DataFrame(
        {
            "合同号": contracts["contract_id"],
            "客户编码": contracts["record_id"],
            "签订日期": written_dates(contracts["start_day"], world, "dot"),
            "到期日期": written_dates(contracts["end_day"], world, "dot"),
            "是否违约": yes_no(contracts["breached"]),
        }
    )
    columns = dict(zip(("contract_id", "customer_id", "start_date", "end_date", "breached"), frame, strict=True))
    return Sheet("合同台账", "contracts", frame, columns)


def violation_sheet(violations: pd.DataFrame, world: World) -> Sheet:
    """Recorded violations."""
    frame = pd.DataFrame(
        {
            "客户编码": violations["record_id"],
            "违规日期": written_dates(violations["day"], world, "zh"),
            "违规程度": violations["severity"].astype(str),
        }
    )
    return Sheet(
        "违规登记", "violations", frame, {"customer_id": "客户编码", "date": "违规日期", "severity": "违规程度"}
    )


def complaint_sheet(complaints: pd.DataFrame, world: World) -> Sheet:
    """Complaints and where they were sent."""
    frame = pd.DataFrame(
        {
            "投诉编号": complaints["ticket_id"],
            "客户编码": complaints["record_id"],
            "投诉日期": written_dates(complaints["day"], world),
            "受理部门": np.array(DEPARTMENTS)[complaints["department"]],
            "办结日期": written_dates(complaints["closed_day"], world),
            "是否成立": yes_no(complaints["valid"]),
            "处理结果": np.array(OUTCOMES)[complaints["outcome"]],
        }
    )
    names = ("ticket_id", "customer_id", "opened", "routed_department", "closed", "valid", "outcome")
    return Sheet("投诉登记", "complaints", frame, dict(zip(names, frame, strict=True)))


def visit_sheet(visits: pd.DataFrame, population: Population, world: World) -> Sheet:
    """Visits and other contacts."""
    manager = population.firms["manager"].to_numpy()[visits["entity"]]
    frame = pd.DataFrame(
        {
            "客户编码": visits["record_id"],
            "拜访日期": written_dates(visits["day"], world, "slash"),
            "渠道": np.array(dealings.CHANNELS)[visits["channel"]],
            "发起方": np.where(visits["from_customer"], "客户", "我方"),
            "费用(元)": np.char.mod("%.2f", visits["cost"].to_numpy()),
            "客户经理": naming.manager_names(manager),
            "结果": np.array(VISIT_OUTCOMES)[visits["outcome"]],
        }
    )
    columns = dict(
        zip(("customer_id", "date", "channel", "direction", "cost", "manager", "outcome"), frame, strict=True)
    )
    columns["cost"] = {"heading": "费用(元)", "unit": "元"}
    return Sheet("客户拜访记录", "interactions", frame, columns)


def wallet_sheet(wallet: pd.DataFrame, world: World) -> Sheet:
    """What customers buy in all, as estimated, with the grade of the source."""
    day = pd.Series(world.n_days - 1, index=wallet.index)
    frame = pd.DataFrame(
        {
            "客户编码": wallet["record_id"],
            "估计日期": written_dates(day, world),
            "年采购总额(万元)": ten_thousands(wallet["total"]),
            "下限(万元)": ten_thousands(wallet["low"]),
            "上限(万元)": ten_thousands(wallet["high"]),
            "来源": wallet["grade"].map(WALLET_SOURCES),
            "来源等级": wallet["grade"],
        }
    )
    unit = {"unit": "万元"}
    columns = {
        "customer_id": "客户编码",
        "date": "估计日期",
        "total_spend": {"heading": "年采购总额(万元)", **unit},
        "low_spend": {"heading": "下限(万元)", **unit},
        "high_spend": {"heading": "上限(万元)", **unit},
        "source": "来源",
        "grade": "来源等级",
    }
    return Sheet("钱包份额估计", "wallet", frame, columns, workbook=True)


def campaign_sheet(calls: pd.DataFrame, world: World) -> Sheet:
    """Calls on lost customers beside calls on prospects; a prospect has no customer number."""
    frame = pd.DataFrame(
        {
            "记录编号": "WH" + pd.Series(np.arange(1, len(calls) + 1)).astype(str).str.zfill(4),
            "活动": "2024年春季挽回",
            "客户编码": calls["record_id"],
            "对象": np.where(calls["entity"] >= 0, "流失客户", "潜在客户"),
            "联系日期": written_dates(calls["day"], world, "slash"),
            "费用(元)": np.char.mod("%.2f", calls["cost"].to_numpy()),
            "是否成交": yes_no(calls["converted"]),
        }
    )
    columns = dict(
        zip(("attempt_id", "campaign", "customer_id", "target", "date", "cost", "converted"), frame, strict=True)
    )
    columns["cost"] = {"heading": "费用(元)", "unit": "元"}
    return Sheet("挽回营销记录", "campaigns", frame, columns)


def judgement_sheet(judgements: pd.DataFrame, world: World) -> Written:
    """Pairwise judgements; the last expert contradicts herself."""
    frame = pd.DataFrame(
        {
            "专家": np.char.mod("专家%d", judgements["expert"].to_numpy()),
            "上级指标": CRITERIA_TITLE,
            "较重要的指标": judgements["stronger"],
            "较次要的指标": judgements["weaker"],
            "标度": judgements["judgement"].astype(str),
        }
    )
    columns = dict(zip(("expert", "matrix", "row_item", "column_item", "judgement"), frame, strict=True))
    sheet = Sheet("专家判断矩阵", "judgements", frame, columns)
    return sheet, injected("inconsistent_expert", sheet, "标度", [f"专家{world.n_experts}"])


def rating_sheet(ratings: pd.DataFrame) -> Sheet:
    """Ratings of firms by several raters."""
    frame = pd.DataFrame(
        {
            "评分人": np.char.mod("评分人%d", ratings["rater"].to_numpy()),
            "客户编码": ratings["record_id"],
            "评价指标": ratings["criterion"],
            "得分": ratings["rating"].astype(str),
        }
    )
    return Sheet(
        "专家评分", "ratings", frame, dict(zip(("rater", "customer_id", "criterion", "rating"), frame, strict=True))
    )
