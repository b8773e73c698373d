"""The canonical tables: every column's type, unit, range, aliases and whether it is personal data.

Cleaning restores these columns from whatever headings a file has; every later stage knows only
these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "money", "number", "integer", "flag"]
"""How a column is parsed and stored: text as string, date as date32, money as decimal(18, 2),
number as float64, integer as Int64, flag as boolean. Identifiers are always text."""

LINEAGE = ("source_file", "source_row")
"""On every canonical table: the raw file's name and the physical line (1 = first) the row began on."""


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column.

    Attributes
    ----------
    name : str
    kind : Kind
    required : bool
        A file mapped to the table must carry the column, and each row a value in it.
    unit : str
        Unit of the stored values; ``"currency"`` is the case's.
    low, high : float | None
        Allowed range, bounds included; rows outside are quarantined.
    personal : bool
        Personal data: never leaves the internal tier as it is.
    planned : bool
        A date that may lie after the last observed day (a due date, the end of a contract).
    aliases : tuple[str, ...]
        Headings (Chinese and English) that are taken for this column.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    unit: str = ""
    low: float | None = None
    high: float | None = None
    personal: bool = False
    planned: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One canonical table.

    Attributes
    ----------
    name : str
    columns : tuple[Column, ...]
    key : tuple[str, ...]
        Columns whose values identify a row where all are present; repeats of a whole row are merged,
        repeats that differ are quarantined.
    open : bool
        Further columns may be declared in ``case.yaml`` with a kind of their own.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    open: bool = False

    def __getitem__(self, column: str) -> Column:
        return next(c for c in self.columns if c.name == column)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.required)


_CUSTOMER = ("客户编码", "客户代码", "客户编号", "customer", "customer id", "client id", "account", "cust id")
_CUSTOMER_ID = Column("customer_id", required=True, personal=True, aliases=_CUSTOMER)

_TABLES = (
    Table(
        "customers",
        (
            _CUSTOMER_ID,
            Column(
                "name",
                personal=True,
                aliases=("客户名称", "单位名称", "购货单位", "往来单位", "公司名称", "customer name", "company"),
            ),
            Column("credit_code", personal=True, aliases=("统一社会信用代码", "税号", "tax id")),
            Column("region", aliases=("区域", "省份", "地区", "country", "state", "province")),
            Column("industry", aliases=("行业", "sector")),
            Column("address", personal=True, aliases=("地址",)),
            Column("phone", personal=True, aliases=("电话", "联系电话", "联系方式", "telephone")),
            Column("manager", personal=True, aliases=("客户经理", "业务员", "负责人", "account manager")),
            Column("registered_date", "date", aliases=("建档日期", "首次合作日期", "since")),
        ),
        key=("customer_id",),
        open=True,
    ),
    Table(
        "orders",
        (
            Column("order_id", aliases=("订单号", "单据编号", "invoice", "order", "order id", "transaction id")),
            _CUSTOMER_ID,
            Column(
                "date",
                "date",
                required=True,
                aliases=("下单日期", "开票日期", "发货日期", "订单日期", "日期", "order date", "invoice date"),
            ),
            Column("product", aliases=("产品", "品名", "牌号", "规格", "description", "stock code", "item")),
            Column("quantity", "number", aliases=("数量", "重量", "吨数", "qty", "number of cds")),
            Column("unit", aliases=("单位", "计量单位", "uom")),
            # What the line is, in the file's words: returns are negated, void lines set aside (cleaning/returns.py).
            Column(
                "type",
                aliases=(
                    *("单据类型", "业务类型", "交易类型", "订单状态", "销售类型"),
                    *("order type", "transaction type", "order status"),
                ),
            ),
            Column("tax_included", "flag", aliases=("含税", "是否含税", "tax included")),
            Column("price", "number", unit="currency", low=0, aliases=("单价", "unit price")),
            Column(
                "amount",
                "money",
                required=True,
                unit="currency",
                aliases=("金额", "销售额", "价税合计", "dollar value", "revenue", "sales", "total"),
            ),
            Column("cost", "money", unit="currency", aliases=("成本",)),
            Column("profit", "money", unit="currency", aliases=("毛利", "利润", "margin")),
        ),
        key=("order_id", "product", "date", "customer_id", "quantity", "amount"),
    ),
    Table(
        "survey",
        (
            Column("respondent_id", required=True, personal=True, aliases=("序号", "respondent", "response id")),
            Column("customer_id", personal=True, aliases=_CUSTOMER),
            Column("wave", aliases=("期次", "批次")),
            Column("submitted", "date", aliases=("提交答卷时间", "timestamp", "submitted at")),
            Column("duration_seconds", "number", unit="s", low=0, aliases=("所用时间", "duration")),
        ),
        key=("respondent_id",),
        open=True,
    ),
    Table(
        "payments",
        (
            Column("invoice_id", required=True, aliases=("发票号", "invoice number")),
            _CUSTOMER_ID,
            Column("invoice_date", "date", aliases=("开票日期",)),
            Column("due_date", "date", planned=True, aliases=("到期日", "账期", "due")),
            Column("paid_date", "date", aliases=("回款日期", "到账日期", "paid")),
            Column("paid_amount", "money", unit="currency", aliases=("回款金额", "amount paid")),
        ),
    ),
    Table(
        "contracts",
        (
            Column("contract_id", required=True, aliases=("合同号", "contract")),
            _CUSTOMER_ID,
            Column("start_date", "date", planned=True, aliases=("签订日期", "start")),
            Column("end_date", "date", planned=True, aliases=("到期日期", "end")),
            Column("breached", "flag", aliases=("是否违约",)),
        ),
        key=("contract_id",),
    ),
    Table(
        "violations",
        (
            _CUSTOMER_ID,
            Column("date", "date", required=True, aliases=("违规日期",)),
            Column("severity", "integer", low=0, aliases=("违规程度",)),
        ),
    ),
    Table(
        "complaints",
        (
            Column("ticket_id", required=True, aliases=("投诉编号", "ticket")),
            _CUSTOMER_ID,
            Column("opened", "date", required=True, aliases=("投诉日期", "opened at")),
            Column("routed_department", aliases=("受理部门",)),
            Column("closed", "date", aliases=("办结日期", "closed at")),
            Column("valid", "flag", aliases=("是否成立",)),
            Column("outcome", aliases=("处理结果", "result")),
        ),
        key=("ticket_id",),
    ),
    Table(
        "interactions",
        (
            _CUSTOMER_ID,
            Column("date", "date", required=True, aliases=("拜访日期",)),
            Column("channel", aliases=("渠道",)),
            Column("direction", aliases=("发起方",)),
            Column("cost", "money", unit="currency", low=0, aliases=("费用",)),
            Column("manager", personal=True, aliases=("客户经理",)),
            Column("outcome", aliases=("结果",)),
        ),
    ),
    Table(
        "costs",
        (
            _CUSTOMER_ID,
            Column("date", "date", required=True, aliases=("费用日期", "发生日期", "booked on")),
            Column("activity", aliases=("费用项目", "作业", "activity")),
            Column("cost", "money", required=True, unit="currency", low=0, aliases=("费用金额", "服务成本")),
        ),
    ),
    Table(
        "wallet",
        (
            _CUSTOMER_ID,
            Column("date", "date", required=True, aliases=("估计日期", "estimated")),
            Column(
                "total_spend",
                "money",
                required=True,
                unit="currency",
                low=0,
                aliases=("采购总额", "年采购总额", "total spend"),
            ),
            Column("low_spend", "money", unit="currency", low=0, aliases=("下限",)),
            Column("high_spend", "money", unit="currency", low=0, aliases=("上限",)),
            Column("source", aliases=("来源", "信息来源")),
            Column("grade", aliases=("来源等级", "可信等级")),
        ),
        key=("customer_id", "date", "source"),
    ),
    Table(
        "employee_survey",
        (
            Column("respondent_id", required=True, personal=True, aliases=("编号", "序号", "respondent")),
            Column("branch", required=True, aliases=("分公司", "部门", "网点", "所属分公司", "unit", "branch")),
            Column("wave", aliases=("期次", "批次")),
            Column("submitted", "date", aliases=("提交答卷时间", "timestamp")),
            Column("duration_seconds", "number", unit="s", low=0, aliases=("所用时间", "duration")),
        ),
        key=("respondent_id",),
        open=True,
    ),
    Table(
        "judgements",
        (
            Column("expert", required=True, personal=True, aliases=("专家", "expert")),
            Column("matrix", required=True, aliases=("上级指标", "准则", "matrix")),
            Column("row_item", required=True, aliases=("较重要的指标", "指标甲", "row")),
            Column("column_item", required=True, aliases=("较次要的指标", "指标乙", "column")),
            # How many times row_item matters as much as column_item, on Saaty's scale.
            Column("judgement", "number", required=True, low=0.1, high=9, aliases=("标度", "判断值", "judgement")),
        ),
        key=("expert", "matrix", "row_item", "column_item"),
    ),
    Table(
        "ratings",
        (
            Column("rater", required=True, personal=True, aliases=("评分人", "评价人", "rater")),
            _CUSTOMER_ID,
            Column("criterion", required=True, aliases=("评价指标", "指标", "criterion")),
            Column("rating", "number", required=True, aliases=("得分", "评分", "rating")),
            Column("date", "date", aliases=("评价日期",)),
        ),
        key=("rater", "customer_id", "criterion", "date"),
    ),
    Table(
        "campaigns",
        (
            Column("attempt_id", required=True, aliases=("记录编号", "attempt")),
            Column("campaign", aliases=("活动", "campaign")),
            Column("customer_id", personal=True, aliases=_CUSTOMER),
            Column("target", required=True, aliases=("对象", "target")),
            Column("date", "date", required=True, aliases=("联系日期", "contacted")),
            Column("channel", aliases=("渠道",)),
            Column("cost", "money", unit="currency", low=0, aliases=("费用",)),
            Column("converted", "flag", required=True, aliases=("是否成交", "是否挽回", "converted")),
        ),
        key=("attempt_id",),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}

_OF_RECORDS = ("record_id", "record_a", "record_b", "name_a", "name_b", "value_a", "value_b", "decided_by")
PERSONAL = frozenset({c.name for table in TABLES.values() for c in table.columns if c.personal} | {*_OF_RECORDS})
"""Columns of personal data, those of records compared two by two included, wherever a result shows them."""
