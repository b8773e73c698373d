"""The customer questionnaire: its wording, and answers as a survey platform exports them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.simulation.population import Population
from crmresearch.simulation.records import Records
from crmresearch.simulation.world import DIMENSIONS, World, stream

LOW, HIGH = 1, 7
SKIPPED, UNSELECTED = "-3", "-2"
INSTRUCTED_ANSWER = 2
MIN_SECONDS_HONEST, MAX_SECONDS_SPEEDER = 120, 60


@dataclass(frozen=True, slots=True)
class Question:
    """One column of answers on the common scale: its latent score, its wording, its direction.

    Attributes
    ----------
    construct : str
    latent : str
        Score of the firm that the answer reads.
    reverse : bool
        The wording runs against the construct.
    declared : bool
        ``case.yaml`` says so.
    """

    construct: str
    latent: str
    en: str
    zh: str
    reverse: bool = False
    declared: bool = True


_ASKED = {  # dimension → (en, zh) of its three performance items; the first is twinned in E and importance
    "cost": (
        ("Freight and handling charges are reasonable", "物流费用合理"),
        ("Charges are clear and without hidden items", "收费项目清楚、没有隐性费用"),
        ("Delivery costs are competitive among suppliers", "与其他供应商相比物流成本有竞争力"),
    ),
    "promise": (
        ("Goods arrive on the promised day", "按承诺的日期到货"),
        ("Quality is as promised in the contract", "产品质量与合同承诺一致"),
        ("Commitments to us are kept", "对我单位的承诺能够兑现"),
    ),
    "staff": (
        ("Staff are friendly and professional", "服务人员友好、专业"),
        ("The account manager communicates well", "客户经理沟通顺畅"),
        ("Staff understand our needs", "服务人员了解我单位的需求"),
    ),
    "complaint": (
        ("Complaints are answered quickly", "投诉能够得到及时答复"),
        ("Complaints are settled fairly", "投诉处理结果公平"),
        ("After a complaint someone follows up", "投诉处理后有专人回访"),
    ),
}
QUESTIONS: dict[str, Question] = {
    **{
        f"p_{d}{i}": Question(f"performance_{d}", f"performance_{d}", en, zh)
        for d in DIMENSIONS
        for i, (en, zh) in enumerate(_ASKED[d], 1)
    },
    **{
        f"e_{d}1": Question(
            "expectation", f"expectation_{d}", f"Expected: {_ASKED[d][0][0]}", f"期望:{_ASKED[d][0][1]}"
        )
        for d in DIMENSIONS
    },
    **{
        f"i_{d}1": Question(
            "importance", f"importance_{d}", f"Important: {_ASKED[d][0][0]}", f"重要程度:{_ASKED[d][0][1]}"
        )
        for d in DIMENSIONS
    },
    "sat1": Question("satisfaction", "satisfaction", "Overall we are satisfied", "总体而言,我单位对贵公司满意"),
    "sat2": Question(
        "satisfaction", "satisfaction", "Service is near our ideal supplier's", "贵公司接近我单位理想中的供应商"
    ),
    "sat3": Question("satisfaction", "satisfaction", "Choosing this supplier was right", "选择贵公司是正确的决定"),
    "tru1": Question("trust", "trust", "We trust this supplier", "我单位信任贵公司"),
    "tru2": Question("trust", "trust", "They keep our interest in mind", "贵公司会顾及我单位的利益"),
    "tru3": Question("trust", "trust", "What they tell us is reliable", "贵公司提供的信息可靠"),
    "loy1": Question("loyalty", "loyalty", "We shall go on buying here", "今后会继续向贵公司采购"),
    "loy2": Question("loyalty", "loyalty", "We would recommend this supplier", "愿意向同行推荐贵公司"),
    "loy3": Question("loyalty", "loyalty", "They are our first choice", "采购时优先考虑贵公司"),
    "loy4": Question(
        "loyalty", "loyalty", "We would switch for a slightly lower price", "价格稍低就会转向其他供应商", reverse=True
    ),
    "swi1": Question("switching_cost", "switching_cost", "Changing supplier would be costly", "更换供应商的代价很高"),
    "swi2": Question(
        "switching_cost", "switching_cost", "Changing would disturb our production", "更换供应商会影响我单位生产"
    ),
    "swi3": Question(
        "switching_cost",
        "switching_cost",
        "We could change supplier at any time",
        "我单位随时可以更换供应商",
        True,
        False,
    ),
}
"""Item → question, in the order of the form."""

CONSTRUCTS = {
    "performance_cost": ("Logistics cost", "物流成本"),
    "performance_promise": ("Service promise", "服务承诺"),
    "performance_staff": ("Staff service", "人员服务"),
    "performance_complaint": ("Complaint handling", "投诉处理"),
    "expectation": ("Expectation", "客户期望"),
    "satisfaction": ("Satisfaction", "客户满意"),
    "trust": ("Trust", "客户信任"),
    "loyalty": ("Loyalty", "客户忠诚"),
    "switching_cost": ("Switching cost", "转移成本"),
}
"""Construct → (en, zh). The importance items are twins of performance items, not one construct."""
KANO = {  # feature → (true category, en, zh): must-be, one-dimensional, attractive
    "stock": ("must_be", "Supply without interruption", "保证供货不断货"),
    "price": ("one_dimensional", "Prices that follow the market at once", "价格随行情及时调整"),
    "portal": ("attractive", "Ordering and settling online", "提供网上订货与结算"),
}
_KANO_ANSWERS = {"must_be": (3, 5), "one_dimensional": (1, 5), "attractive": (1, 3)}
NEEDS = {
    "delivery": ("Delivery in time", "及时配送"),
    "scarce": ("Goods in short supply", "紧俏货源"),
    "online": ("Ordering and settling online", "网上订货与结算"),
    "price": ("Lower prices", "价格优惠"),
}
RANKED = 2


@dataclass(frozen=True, slots=True)
class Survey:
    """Answers and the truth behind them.

    Attributes
    ----------
    answers : pd.DataFrame, shape (n, 9 + n_items + …)
        respondent_id, record_id, second (of the day), day, seconds, ip, the items of ``QUESTIONS``,
        attention, kano_*_with, kano_*_without, need_* (rank 1, 2 or unselected), recommend (0–10):
        text as exported.
    respondents : pd.DataFrame, shape (n, 15)
        respondent_id, entity, speeder, straight_liner, repeat_of (respondent_id or ''), failed_attention,
        and the respondent's own latent scores, which the answers read.
    """

    answers: pd.DataFrame
    respondents: pd.DataFrame


def draw_survey(population: Population, records: Records, last_order: np.ndarray, world: World, seed: int) -> Survey:
    """Ask the firms that ordered within a year before the survey day.

    Parameters
    ----------
    last_order : np.ndarray, shape (n_firms,)
        Day of the firm's last order up to the survey day; −1 where it had none.

    Notes
    -----
    answer = round(centre + loading · (firm's score + respondent's own part) + halo + ε), cut to the
    scale and turned for reverse wording. Expectation and importance carry no halo: they are not about us.
    """
    rng, day = stream(seed, "survey"), world.day(world.survey_day)
    asked = np.flatnonzero(last_order >= day - 365)
    answering = asked[rng.random(len(asked)) < world.response_rate]
    return collect_sheets(population.firms, answering, records, day, world, rng)


def collect_sheets(
    firms: pd.DataFrame, answering: np.ndarray, records: Records, day: int, world: World, rng: np.random.Generator
) -> Survey:
    """Let the firms ``answering`` (entities) fill in the questionnaire within a fortnight from ``day``."""
    entity = np.repeat(answering, 1 + rng.poisson(world.respondents_per_firm, len(answering)))
    entity = entity[rng.permutation(len(entity))]
    n = len(entity)
    latent = _latent(firms, entity, world, rng)
    halo = rng.normal(0, world.halo_sd, n)
    coded = _likert(latent, halo, world, rng)

    speeder = rng.random(n) < world.speeder_share
    liner = ~speeder & (rng.random(n) < world.straight_liner_share)
    coded[speeder] = rng.integers(LOW, HIGH + 1, (speeder.sum(), coded.shape[1]))
    coded[liner] = rng.integers(LOW + 2, HIGH + 1, (liner.sum(), 1))
    items = pd.DataFrame(coded.astype(str), columns=list(QUESTIONS))
    careless = speeder | liner
    attention = np.where(careless, coded[:, -1], INSTRUCTED_ANSWER)

    answers = pd.DataFrame({"record_id": records.pick(entity, rng)})
    answers["day"] = day + np.sort(rng.integers(0, 14, n))
    answers["second"] = rng.integers(8 * 3600, 18 * 3600, n)
    honest = np.maximum(np.exp(rng.normal(np.log(320), 0.35, n)), MIN_SECONDS_HONEST)
    answers["seconds"] = np.where(speeder, rng.integers(18, MAX_SECONDS_SPEEDER, n), honest).astype(int)
    answers["ip"] = _addresses(n, rng)
    complained = rng.random(n) < complaint_chance(firms)[entity]
    handling = [f"p_complaint{i}" for i in (1, 2, 3)]
    items[handling] = items[handling].where(np.repeat(complained[:, None], 3, axis=1), SKIPPED)
    answers = pd.concat([answers, items], axis=1)
    answers["attention"] = attention.astype(str)
    answers = pd.concat([answers, _kano(n, rng), _needs(firms, entity, world, rng)], axis=1)
    recommend = np.clip(np.round(6.9 + 1.6 * latent["loyalty"] + halo + rng.normal(0, 0.8, n)), 0, 10).astype(int)
    answers["recommend"] = recommend.astype(str)
    truth = pd.DataFrame({"entity": entity, "speeder": speeder, "straight_liner": liner})
    truth = pd.concat([truth, latent], axis=1)
    return _repeated(answers, truth, world, rng)


def complaint_chance(firms: pd.DataFrame) -> np.ndarray:
    """Chance of each firm that its respondent has complained, and so can judge the handling."""
    return 1 / (1 + np.exp(1.0 + 0.5 * firms["satisfaction"].to_numpy()))


def _latent(firms: pd.DataFrame, entity: np.ndarray, world: World, rng: np.random.Generator) -> pd.DataFrame:
    """The firm's scores with the respondent's own deviation; importance is what satisfaction hangs on."""
    names = sorted({q.latent for q in QUESTIONS.values() if not q.latent.startswith("importance")})
    latent = firms[names].iloc[entity].reset_index(drop=True)
    latent += rng.normal(0, world.respondent_sd, latent.shape)
    pull = 4 * (np.array(world.satisfaction_on_gap) - np.mean(world.satisfaction_on_gap))
    stated = pull + rng.normal(0, world.respondent_sd, (len(entity), len(DIMENSIONS)))
    latent[[f"importance_{d}" for d in DIMENSIONS]] = stated
    return latent


def _likert(latent: pd.DataFrame, halo: np.ndarray, world: World, rng: np.random.Generator) -> np.ndarray:
    questions = list(QUESTIONS.values())
    own = latent[[q.latent for q in questions]].to_numpy()
    about_us = np.array([q.construct not in {"expectation", "importance"} for q in questions])
    score = world.item_centre + world.item_loading * own + halo[:, None] * about_us
    score += rng.normal(0, world.item_sd, own.shape)
    turned = np.array([q.reverse for q in questions])
    answer = np.clip(np.round(score), LOW, HIGH).astype(int)
    return np.where(turned, LOW + HIGH - answer, answer)


def _addresses(n: int, rng: np.random.Generator) -> np.ndarray:
    """IP addresses of the networks set aside for documentation (RFC 5737)."""
    net = np.array(["192.0.2.", "198.51.100.", "203.0.113."])[rng.integers(3, size=n)]
    return net.astype(object) + rng.integers(1, 255, n).astype(str).astype(object)


def _kano(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Pairs of answers (1 like … 5 dislike): six in ten as the attribute's category, the others at random."""
    columns = {}
    for name, (category, *_) in KANO.items():
        typical = rng.random(n) < 0.6
        for side, answer in zip(("with", "without"), _KANO_ANSWERS[category], strict=True):
            columns[f"kano_{name}_{side}"] = np.where(typical, answer, rng.integers(1, 6, n)).astype(str)
    return pd.DataFrame(columns)


def _needs(firms: pd.DataFrame, entity: np.ndarray, world: World, rng: np.random.Generator) -> pd.DataFrame:
    """The two foremost needs ranked, the others unselected; what is foremost hangs on the type."""
    pull = np.array([t.needs for t in world.types])[firms["type_index"].to_numpy()[entity]]
    rank = 1 + np.argsort(np.argsort(-(pull + rng.gumbel(size=pull.shape)), axis=1), axis=1)
    return pd.DataFrame(
        np.where(rank <= RANKED, rank.astype(str), UNSELECTED), columns=[f"need_{name}" for name in NEEDS]
    )


def _repeated(answers: pd.DataFrame, truth: pd.DataFrame, world: World, rng: np.random.Generator) -> Survey:
    """Append a few respondents who submit the same answers again the day after the survey closed."""
    n = len(answers)
    again = rng.choice(n, min(world.repeat_respondents, n), replace=False)
    second = answers.iloc[again].assign(day=answers["day"].max() + 1)
    answers = pd.concat([answers, second], ignore_index=True)
    answers.insert(0, "respondent_id", np.arange(1, len(answers) + 1).astype(str))
    repeat_of = np.concatenate([np.full(n, "", dtype=object), answers["respondent_id"].to_numpy()[again]])
    truth = pd.concat([truth, truth.iloc[again]], ignore_index=True)
    truth.insert(0, "respondent_id", answers["respondent_id"])
    truth.insert(4, "repeat_of", repeat_of.astype(str))
    truth.insert(5, "failed_attention", (answers["attention"] != str(INSTRUCTED_ANSWER)).to_numpy())
    return Survey(answers, truth)
