"""From a seed to a case folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from crmresearch.case import CaseFile
from crmresearch.errors import UsageError
from crmresearch.simulation import answersheets, dealings, experts, office, truth, waves
from crmresearch.simulation.naming import MAX_PER_REGION, REGIONS
from crmresearch.simulation.population import draw_population
from crmresearch.simulation.questionnaire import draw_survey
from crmresearch.simulation.records import Records, draw_records
from crmresearch.simulation.sheets import MARK, SUPPLIER, Sheet
from crmresearch.simulation.studies import studies
from crmresearch.simulation.trade import draw_orders, draw_payments
from crmresearch.simulation.world import World, stream

CASE_NAME = "petrochemical"
TRUTH = "truth"
"""Folder within the case that holds the truth; cleaning reads the files beside it only."""
MIN_CUSTOMERS, MAX_CUSTOMERS = 60, len(REGIONS) * MAX_PER_REGION // 2


def simulate_case(folder: Path, *, seed: int, n_customers: int = 500, world: World | None = None) -> Path:
    """Write a petrochemical supplier's files and, beside them, what is true of its customers.

    Parameters
    ----------
    folder : Path
        The case folder to be made, ``data/raw/petrochemical`` as a rule; it must not exist or be empty.
    seed : int
        Not negative. The same seed, number and world give the same bytes.
    n_customers : int
        Firms, 60 to 5,400; the customer sheet has about a quarter more records.
    world : World, optional
        The coefficients; those of :class:`World` where left out.

    Returns
    -------
    Path
        ``folder``, holding ``case.yaml``, one CSV per sheet, and ``truth/`` with ``truth.yaml``
        (coefficients and counts), ``firms.parquet`` (one row per firm: type, latent scores, hazard,
        wallet share, value, rank, tier, quadrant, basket), ``records.parquet`` (record_id → entity),
        ``respondents.parquet`` (latent scores behind each answer sheet), ``paths.parquet``
        (standardised coefficients between them), ``wallet.parquet`` and ``injected.parquet`` (one row
        per error put into a file). ``waves.parquet`` says what changed since the survey of the year before;
        what lies behind that one stands in ``earlier_respondents.parquet`` and ``earlier_injected.parquet``.

    Raises
    ------
    UsageError
        The folder holds something, or a number is out of range.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = simulate_case(Path(place) / "petrochemical", seed=1, n_customers=60)
    ...     sorted(p.name for p in folder.iterdir() if p.suffix not in {".csv", ".xlsx"})
    ['case.yaml', 'truth']
    """
    _check(folder, seed, n_customers)
    world = world or World()
    sheets, ledger, tables, told = _simulate(world, n_customers, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.parent / f".{folder.name}.part"
    shutil.rmtree(staging, ignore_errors=True)
    (staging / TRUTH).mkdir(parents=True)
    digests = {sheet.file: _write(staging / sheet.file, sheet.to_bytes()) for sheet in sheets}
    _write(staging / "case.yaml", _yaml(case_file(sheets, digests, world, seed)))
    _write(staging / TRUTH / "truth.yaml", _yaml(told))
    for name, table in {**tables, "injected": ledger}.items():
        marked = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata({"simulated": "true"})
        pq.write_table(marked, staging / TRUTH / f"{name}.parquet")
    if folder.exists():
        folder.rmdir()
    staging.replace(folder)
    return folder


def _check(folder: Path, seed: int, n_customers: int) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "the folder holds files already", where=folder.name, repair="Move them away, or choose another name."
        )
    if seed < 0:
        raise UsageError(f"a seed is not negative, got {seed}", where="seed", repair="Use 0 or more.")
    if not MIN_CUSTOMERS <= n_customers <= MAX_CUSTOMERS:
        raise UsageError(
            f"{n_customers:,} customers", where="n_customers", repair=f"Use {MIN_CUSTOMERS} to {MAX_CUSTOMERS:,}."
        )


def _simulate(
    world: World, n: int, seed: int
) -> tuple[list[Sheet], pd.DataFrame, dict[str, pd.DataFrame], dict[str, Any]]:
    """Draw everything: the sheets, the ledger of errors, the tables of truth, the content of truth.yaml."""
    population = draw_population(world, n, seed)
    records = draw_records(population, world, seed)

    def routed(events: pd.DataFrame, name: str) -> pd.DataFrame:
        """Book each event on one of its firm's records."""
        return events.assign(record_id=records.pick(events["entity"].to_numpy(), stream(seed, f"{name} routing")))

    lines = _routed_orders(draw_orders(population, world, seed), records, seed)
    payments = draw_payments(lines, population, world, seed)
    wallet = dealings.draw_wallet(lines, population, world, seed)
    calls = dealings.draw_campaign(population, world, seed)
    last_order = tuple(_last_order(lines, world.day(day), n) for day in (world.earlier_survey_day, world.survey_day))
    survey = draw_survey(population, records, last_order[1], world, seed)
    then = waves.earlier_firms(population, world, seed)
    earlier = waves.draw_earlier_survey(then, records, last_order, survey, world, seed)

    customers, customers_wrong = office.customer_sheet(population, records, world, seed)
    (sales_one, one_wrong), (sales_two, two_wrong) = office.sales_sheets(lines, records, world, seed)
    wave_then, wave_now = waves.wave_days(world)
    answers, answers_wrong = answersheets.survey_sheet(survey, world, wave=wave_now)
    answers_then, then_wrong = answersheets.survey_sheet(earlier, world, wave=wave_then, earlier=True)
    judgements, judgements_wrong = office.judgement_sheet(experts.draw_judgements(world, seed), world)
    calls = routed(calls, "campaign")
    sheets = [
        customers,
        sales_one,
        sales_two,
        office.receipt_sheet(payments, world),
        office.contract_sheet(routed(dealings.draw_contracts(population, world, seed), "contracts"), world),
        office.violation_sheet(routed(dealings.draw_violations(population, world, seed), "violations"), world),
        office.complaint_sheet(routed(dealings.draw_complaints(population, world, seed), "complaints"), world),
        office.visit_sheet(routed(dealings.draw_visits(population, world, seed), "visits"), population, world),
        office.wallet_sheet(routed(wallet, "wallet"), world),
        office.campaign_sheet(calls.assign(record_id=calls["record_id"].where(calls["entity"] >= 0, "")), world),
        judgements,
        office.rating_sheet(experts.draw_ratings(population, records, world, seed)),
        answers,
        answers_then,
        answersheets.employee_sheet(experts.draw_employees(population, world, seed), world),
    ]
    ledger = pd.concat([customers_wrong, one_wrong, two_wrong, answers_wrong, judgements_wrong], ignore_index=True)
    firms = truth.firm_table(population, records, truth.true_values(lines, population, world, seed))
    basket = pd.DataFrame(population.basket, columns=[f"basket_{p.name}" for p in world.products])
    tables = {
        "firms": pd.concat([firms, basket], axis=1),
        "records": records.records,
        "respondents": survey.respondents,
        "wallet": wallet,
        "paths": truth.structural_paths(population.firms, world),
        "waves": waves.true_changes(population.firms, then, (earlier, survey), last_order, world),
        "earlier_respondents": earlier.respondents,
        "earlier_injected": then_wrong,
    }
    told = {**truth.summary(population, firms, ledger, world, seed), "waves": waves.told(world, then_wrong)}
    return sheets, ledger, tables, told


def _last_order(lines: pd.DataFrame, day: int, n: int) -> np.ndarray:
    """Day of each firm's last order up to ``day``; −1 where it had none."""
    before = lines[(lines["kind"] == "sale") & (lines["day"] <= day)]
    return before.groupby("entity")["day"].max().reindex(range(n), fill_value=-1).to_numpy()


def _routed_orders(lines: pd.DataFrame, records: Records, seed: int) -> pd.DataFrame:
    """Give every order, with its returns, one of its firm's records."""
    orders = lines.loc[lines["kind"] == "sale", ["order_id", "entity"]].drop_duplicates().sort_values("order_id")
    picked = records.pick(orders["entity"].to_numpy(), stream(seed, "order routing"))
    number = pd.Series(picked, index=orders["order_id"].str[2:])
    return lines.assign(record_id=number.loc[lines["order_id"].str[2:]].to_numpy())


def case_file(sheets: list[Sheet], digests: dict[str, str], world: World, seed: int) -> dict[str, Any]:
    """The content of ``case.yaml``, valid by construction."""
    content = {
        "schema": "1",
        "title": {"en": "Petrochemical supplier (simulated)", "zh": f"石化供应商{SUPPLIER}({MARK})"},
        "description": {
            "en": (
                "Simulated files of an invented petrochemical supplier: customers entered twice, four years of "
                "sales, receipts, contracts, complaints, visits, a questionnaire asked twice. Every firm, "
                "person, number and answer is drawn by a program; what is true of them stands in the folder truth."
            ),
            "zh": (
                "虚构石化供应商的模拟数据:含重复建档的客户、四年销售与回款、合同、投诉、拜访及先后两期问卷。"
                "企业、人员、数字与作答均由程序生成,真值见 truth 文件夹。"
            ),
        },
        "provenance": {
            "origin": f"crmresearch simulate, seed {seed}.",
            "copy_from": "Made by the program; not copied from anywhere.",
            "terms": "As the package (MIT). No file describes a real firm or person.",
        },
        "simulated": True,
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "as_of": world.as_of.isoformat(),
        "starts": world.first_day.isoformat(),
        "files": [
            {
                "file": sheet.file,
                "table": sheet.table,
                "sha256": digests[sheet.file],
                **({"skip_rows": 1} if sheet.titled else {}),
                "columns": sheet.columns,
            }
            for sheet in sheets
        ],
        "instrument": answersheets.instrument(),
        "identity": {"kind": "company", "updated": "updated"},
        "value": {"industry_stages": experts.life_cycle_stages()},
        "studies": studies(world),
    }
    CaseFile.model_validate(content)
    return content


class _Plain(yaml.SafeDumper):
    """Writes repeated values out, since case files may not use aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Plain.add_multi_representer(np.generic, lambda dumper, value: dumper.represent_data(value.item()))


def _yaml(content: dict[str, Any]) -> bytes:
    text = yaml.dump(content, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=110)
    return text.encode("utf-8")


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
