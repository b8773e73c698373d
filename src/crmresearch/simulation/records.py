"""The customer sheet as it grew: firms entered twice under other names, fields missing, records stale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.simulation import naming
from crmresearch.simulation.naming import INDUSTRIES, REGIONS
from crmresearch.simulation.population import Population
from crmresearch.simulation.world import World, stream

VARIANTS = ("same", "traditional", "spaced", "legal_form", "with_province", "no_region", "synonym", "short")
"""How a further record writes the name: as it is, in Traditional characters, with a wide blank, with
another legal form, 山西省 for 山西, without the region, another word for the industry, brand and
industry only."""

_OTHER_FORM = {
    "有限公司": "有限责任公司",
    "有限责任公司": "有限公司",
    "股份有限公司": "股份公司",
    "集团有限公司": "集团",
}


@dataclass(frozen=True, slots=True)
class Records:
    """Records of the customer sheet and whose they are.

    Attributes
    ----------
    records : pd.DataFrame
        One row per record, grouped by entity, the first entry first: record_id (six digits, leading
        zeros), entity, variant, name, credit_code, phone, address ('' where missing), park (−1: none),
        own_phone (not a park's switchboard), first_day, updated_day, stale, phone_full_width, evidence
        (the record agrees with another of its firm in credit code, address or own phone).
    first : np.ndarray, shape (n_firms,)
        Position of each firm's first record.
    count : np.ndarray, shape (n_firms,)
        Records of each firm.
    """

    records: pd.DataFrame
    first: np.ndarray
    count: np.ndarray

    def pick(self, entity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A record_id for each event of ``entity``: six in ten go to the firm's first record."""
        u, extra = rng.random(len(entity)), self.count[entity] - 1
        place = np.where((u < 0.6) | (extra == 0), 0, 1 + np.floor((u - 0.6) / 0.4 * extra).astype(int))
        return self.records["record_id"].to_numpy()[self.first[entity] + place]


def draw_records(population: Population, world: World, seed: int) -> Records:
    """Enter each firm once, some twice or three times, with the errors people make."""
    rng, firms = stream(seed, "records"), population.firms
    n = len(firms)
    u = rng.random(n)
    count = 1 + (u < world.two_records + world.three_records).astype(int) + (u < world.three_records)
    count[:2] = len(naming.DOCUMENT_NAMES), 1
    first = np.cumsum(count) - count
    entity = np.repeat(np.arange(n), count)
    records = pd.DataFrame({"entity": entity})
    further = np.arange(len(entity)) != first[entity]
    records["variant"] = np.where(further, rng.choice(VARIANTS, len(entity)), "first")
    records["name"] = _names(firms, records, rng)
    _contacts(records, firms, further, world, rng)
    number = 1 + rng.choice(999_999, len(entity), replace=False)
    records["record_id"] = pd.Series(number).astype(str).str.zfill(6)
    _age(records, firms, world, rng)
    _document_example(records)
    records["evidence"] = _agrees(records)
    return Records(records, first, count)


def _names(firms: pd.DataFrame, records: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    region, industry = firms["region"].to_numpy(), firms["industry"].to_numpy()
    brand = naming.draw_brands(region, firms["sibling_of"].to_numpy(), rng).to_numpy()
    legal = np.array(naming.LEGAL_FORMS)[rng.choice(len(naming.LEGAL_FORMS), len(firms), p=[0.6, 0.15, 0.15, 0.1])]
    who, variant = records["entity"].to_numpy(), records["variant"].to_numpy()
    province = np.array([r.province for r in REGIONS])[region][who]
    suffix = np.array([r.suffix for r in REGIONS])[region][who]
    word = np.array([i.word for i in INDUSTRIES])[industry][who]
    synonym = np.array([i.synonym for i in INDUSTRIES])[industry][who]
    form = pd.Series(legal[who])
    place = np.select(
        [variant == "with_province", variant == "spaced", np.isin(variant, ["no_region", "short"])],
        [province + suffix, province + "\u3000", ""],
        province,
    )
    ending = np.select([variant == "legal_form", variant == "short"], [form.map(_OTHER_FORM), ""], form)
    trade = np.where(variant == "synonym", synonym, word)
    name = pd.Series(place) + pd.Series(brand[who]) + pd.Series(trade) + pd.Series(ending)
    return name.where(variant != "traditional", name.str.translate(naming.TO_TRADITIONAL))


def _contacts(
    records: pd.DataFrame, firms: pd.DataFrame, further: np.ndarray, world: World, rng: np.random.Generator
) -> None:
    """Credit code, phone and address: the firm's, another of the firm's, or none."""
    n, m, who = len(firms), len(records), records["entity"].to_numpy()
    region = firms["region"].to_numpy()
    both = np.concatenate([region, region])
    phones, addresses = naming.draw_phones(both, rng).to_numpy(), naming.draw_addresses(both, rng).to_numpy()
    park = np.where(
        (region < world.n_parks) & (rng.random(n) < world.park_share * len(REGIONS) / world.n_parks), region, -1
    )
    park[:2] = -1
    switchboard = naming.draw_phones(np.arange(len(REGIONS)), stream(0, "switchboards")).to_numpy()
    phones[:n] = np.where(park >= 0, switchboard[park], phones[:n])
    records["park"] = park[who]

    same_code = ~further | (rng.random(m) < world.agree_credit_code)
    same_phone = ~further | (rng.random(m) < world.agree_phone)
    same_address = ~further | (rng.random(m) < world.agree_address)
    lost = rng.random((m, 3)) < [world.missing_credit_code, world.missing_phone, world.missing_address]
    lost[~further & (np.bincount(who, minlength=n)[who] > 1)] = False
    found = (same_code & ~lost[:, 0]) | (same_phone & ~lost[:, 1] & (park[who] < 0)) | (same_address & ~lost[:, 2])
    nameless = further & (rng.random(m) < world.without_evidence)
    forced = further & ~found & ~nameless
    same_address, lost[:, 2] = same_address | forced, lost[:, 2] & ~forced
    same_code, same_phone, same_address = same_code & ~nameless, same_phone & ~nameless, same_address & ~nameless

    code = naming.draw_credit_codes(region, rng).to_numpy()[who]
    records["credit_code"] = np.where(same_code & ~lost[:, 0], code, "")
    phone = np.where(same_phone, phones[who], phones[who + n])
    records["own_phone"] = (park[who] < 0) | ~same_phone
    address = pd.Series(np.where(same_address, addresses[who], addresses[who + n]))
    records["phone"], records["address"] = _spelled(pd.Series(phone), address, further, region[who], rng)
    wide = rng.random(m) < 0.08
    records["phone"] = records["phone"].where(~wide, records["phone"].str.translate(naming.TO_FULL_WIDTH))
    records["phone"] = records["phone"].where(~lost[:, 1], "")
    records["phone_full_width"] = wide & ~lost[:, 1]
    records["address"] = records["address"].where(~lost[:, 2], "")


def _spelled(
    phone: pd.Series, address: pd.Series, further: np.ndarray, region: np.ndarray, rng: np.random.Generator
) -> tuple[pd.Series, pd.Series]:
    """Phones with and without area-code marks; addresses of further records without province or 号."""
    style = rng.choice(4, len(phone), p=[0.6, 0.2, 0.1, 0.1])
    phone = phone.where(style != 1, phone.str.replace("-", ""))
    phone = phone.where(style != 2, "(" + phone.str.replace("-", ")"))
    phone = phone.where(style != 3, "+86 " + phone.str.replace("^0", "", regex=True))
    province = np.array([r.province + r.suffix for r in REGIONS])[region]
    short = pd.Series(np.char.replace(address.to_numpy(dtype=str), province.astype(str), "", 1))
    style = np.where(further, rng.choice(3, len(address)), 0)
    address = address.where(style != 1, short)
    return phone, address.where(style != 2, address.str.removesuffix("号"))


def _age(records: pd.DataFrame, firms: pd.DataFrame, world: World, rng: np.random.Generator) -> None:
    """Day of entry and of the last update; stale records were last touched years ago."""
    entered = np.maximum(firms["start_day"].to_numpy()[records["entity"]] - rng.integers(0, 10, len(records)), 0)
    cut = world.n_days - world.stale_after_days
    stale = (rng.random(len(records)) < world.stale_share) & (entered < cut - 1)
    low, high = np.where(stale, entered, np.maximum(entered, cut)), np.where(stale, cut - 1, world.n_days - 1)
    records["first_day"] = entered
    records["updated_day"] = np.floor(low + rng.random(len(records)) * (high - low)).astype(int)
    records["stale"] = stale


def _document_example(records: pd.DataFrame) -> None:
    """The source documents' three records: 1 and 2 share a phone, 2 and 3 an address; only 3 has its code."""
    rows = records.index[records["entity"] == 0]
    records.loc[rows, "name"] = list(naming.DOCUMENT_NAMES)
    records.loc[rows, "variant"] = "document"
    records.loc[rows, "phone"] = ["0351-00010203", "0351 00010203", "0351-00010299"]
    records.loc[rows, "phone_full_width"] = False
    records.loc[rows, "address"] = ["山西省太原市砚山路1号院", "山西省太原市砚山路9002号", "太原市砚山路9002号"]
    code = naming.draw_credit_codes(np.array([naming.SHANXI]), stream(0, "document example"))[0]
    records.loc[rows, "credit_code"] = ["", "", code]
    records.loc[records["entity"] == 1, "name"] = naming.OTHER_COAL_FIRM


def _agrees(records: pd.DataFrame) -> pd.Series:
    """Whether a record shares credit code, address or own phone, in plain form, with another of its firm."""
    plain = pd.DataFrame({"entity": records["entity"]})
    plain["credit_code"] = records["credit_code"]
    plain["phone"] = plain_phone(records["phone"]).where(records["own_phone"], "")
    plain["address"] = plain_address(records["address"])
    shared = [
        plain.groupby(["entity", field])["entity"].transform("size").gt(1) & plain[field].ne("")
        for field in ("credit_code", "phone", "address")
    ]
    return shared[0] | shared[1] | shared[2]


def plain_phone(phone: pd.Series) -> pd.Series:
    """Digits of a phone without country code and leading zero.

    Examples
    --------
    >>> plain_phone(pd.Series(["+86 351-00010203", "(0351)00010203"])).tolist()
    ['35100010203', '35100010203']
    """
    digits = phone.str.normalize("NFKC").str.replace(r"^\+86|\D", "", regex=True)
    return digits.str.replace("^0", "", regex=True)


def plain_address(address: pd.Series) -> pd.Series:
    """An address from the city on, without 号.

    Examples
    --------
    >>> plain_address(pd.Series(["山西省太原市砚山路9号", "太原市砚山路9"])).nunique()
    1
    """
    provinces = "|".join(r.province + r.suffix for r in REGIONS)
    return address.str.replace(f"^({provinces})", "", regex=True).str.removesuffix("号")
