"""The parameters of the simulated world, each default with its reason."""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass

import numpy as np

from crmresearch.errors import UsageError

DAYS_PER_MONTH = 365.25 / 12
DIMENSIONS = ("cost", "promise", "staff", "complaint")
"""What customers judge: logistics cost, service promise, staff service, complaint handling."""


@dataclass(frozen=True, slots=True)
class CustomerType:
    """A true segment: the centre its customers are drawn around.

    Attributes
    ----------
    name, zh : str
    share : float
        Share of the firms.
    orders_per_month, tonnes_per_order : float
        Mean order rate; median order size.
    growth_per_year : float
        Mean growth of the order size, as a log rate.
    margin, discount : float
        Gross margin on the price paid; discount on the list price.
    hazard_per_month : float
        Rate at which a customer of average satisfaction and switching cost leaves for good.
    payment_term_days, mean_delay_days, breach_rate
        Agreed term, mean delay past it, share of yearly contracts broken.
    wallet_logit : float
        Log odds of our share of the customer's purchases at average loyalty.
    expectation : float
        How much more than the average firm the type expects, in standard deviations.
    key_account : float
        Chance that the supplier itself has flagged the customer as a key account.
    needs : tuple[float, float, float, float]
        Pull of delivery, scarce goods, online ordering and price, in that order, as log weights.
    """

    name: str
    zh: str
    share: float
    orders_per_month: float
    tonnes_per_order: float
    growth_per_year: float
    margin: float
    discount: float
    hazard_per_month: float
    payment_term_days: int
    mean_delay_days: float
    breach_rate: float
    wallet_logit: float
    expectation: float
    key_account: float
    needs: tuple[float, float, float, float]


TYPES = (
    # few, large, well served, thin margin, demanding: the classic key account
    CustomerType(
        "strategic", "战略型", 0.08, 3.0, 60, 0.03, 0.08, 0.05, 0.004, 60, 8, 0.02, 0.8, 0.4, 0.85, (1, 0, 0, 0)
    ),
    # small today, growing fast, little of their wallet is ours yet
    CustomerType(
        "growing", "成长型", 0.20, 1.2, 15, 0.25, 0.14, 0.01, 0.008, 30, 6, 0.04, -0.8, 0.1, 0.15, (0, 1, 0, 0)
    ),
    # steady mid-sized processors
    CustomerType(
        "steady", "稳定型", 0.30, 0.9, 25, 0.00, 0.12, 0.02, 0.010, 45, 12, 0.05, 0.4, 0.0, 0.10, (1, 0, 1, 0)
    ),
    # traders: buy often where it is cheapest, pay late, leave easily
    CustomerType(
        "trader", "贸易型", 0.22, 1.5, 20, -0.05, 0.05, 0.04, 0.030, 30, 25, 0.12, -0.4, 0.0, 0.20, (0, 0, 0, 2)
    ),
    # occasional small buyers
    CustomerType(
        "occasional", "零散型", 0.20, 0.25, 5, -0.02, 0.16, 0.00, 0.025, 15, 15, 0.08, -1.2, -0.2, 0.01, (0, 0, 1, 1)
    ),
)


@dataclass(frozen=True, slots=True)
class Product:
    """A product: name, unit of sale, tonnes in one unit, list price of one tonne (tax included)."""

    name: str
    unit: str
    tonnes: float
    price: float


PRODUCTS = (  # list prices: the order of magnitude of the Chinese market, 2021–2024
    Product("聚乙烯", "吨", 1.0, 8500),
    Product("聚丙烯", "吨", 1.0, 7900),
    Product("苯乙烯", "吨", 1.0, 8800),
    Product("乙二醇", "吨", 1.0, 4600),
    Product("道路沥青", "吨", 1.0, 3800),
    Product("石脑油", "吨", 1.0, 7200),
    Product("溶剂油", "吨", 1.0, 7600),
    Product("润滑油", "桶", 0.17, 14000),  # sold by the 170 kg drum: tonnes and drums in one column
)


@dataclass(frozen=True, slots=True)
class World:
    """Every coefficient of the world. Latent scores are in units of about one standard deviation.

    Attributes are grouped; the comments say why a default has its value.

    Raises
    ------
    UsageError
        Shares that do not sum to 1, criteria without weights, or more branches than regions.
    """

    types: tuple[CustomerType, ...] = TYPES
    products: tuple[Product, ...] = PRODUCTS

    # calendar
    first_day: dt.date = dt.date(2021, 1, 4)  # four years: long enough for yearly cohorts and a hold-out
    as_of: dt.date = dt.date(2024, 12, 31)
    last_start_day: int = 1096  # newest customers have about a year of history
    survey_day: dt.date = dt.date(2024, 6, 17)  # half a year of orders follows: survey can be linked to behaviour
    campaign_day: dt.date = dt.date(2024, 3, 4)

    # purchases
    rate_shape: float = 2.0  # gamma shape of order rates within a type: CV 0.71
    size_sd_between: float = 0.5  # sd of log order size between customers of a type
    size_sd_within: float = 0.35  # sd of log order size from order to order
    growth_sd: float = 0.06  # firms of a type differ by about 6 % a year
    margin_sd: float = 0.015  # narrow: types differ in margin more than their members do
    basket_concentration: float = 0.35  # Dirichlet: most firms buy two to four of the eight products
    extra_lines: float = 0.4  # mean of the Poisson number of further lines on an order
    price_sd_per_month: float = 0.02  # one price index for all: a random walk
    return_share: float = 0.015  # lines that come back in part

    # expectation, performance, satisfaction
    expectation_common: float = 0.7  # loading of each expectation on the firm's general expectation
    performance_on_expectation: float = 0.4  # demanding firms are served better: P and E correlate
    performance_common: float = 0.8  # general quality of service a firm gets (the true part of a halo)
    performance_own: float = 0.5  # dimensions differ enough to be told apart, not enough to be unrelated
    satisfaction_on_gap: tuple[float, float, float, float] = (0.20, 0.30, 0.30, 0.15)  # on P − E, by dimension
    satisfaction_sd: float = 0.45  # brings the variance of satisfaction near 1

    # satisfaction → trust → loyalty, beside switching cost
    trust_on_satisfaction: float = 0.60
    trust_sd: float = 0.80  # variance near 1: satisfaction explains about a third
    loyalty_on_satisfaction: float = 0.30  # with the path through trust .48: clear, far from perfect
    loyalty_on_trust: float = 0.30  # an indirect path of .18: partial mediation, to be found at n of a few hundred
    loyalty_on_switching: float = 0.25  # as strong as the direct path: behaviour without attitude exists
    loyalty_interaction: float = -0.10  # the locked-in stay whether satisfied or not
    loyalty_sd: float = 0.75  # variance near 1: much is left unexplained, as in real surveys

    # leaving
    hazard_on_satisfaction: float = -0.50  # one sd more satisfied: 39 % lower rate of leaving
    hazard_on_switching: float = -0.30  # lock-in holds, less than satisfaction does
    frailty_shape: float = 2.0  # gamma heterogeneity nothing in the files explains

    # relationship
    wallet_on_loyalty: float = 0.40  # one sd of loyalty moves a share of .5 to .6
    wallet_sd: float = 0.4  # loyalty and type leave a fifth of its variance open
    wallet_error: tuple[float, float, float] = (0.05, 0.20, 0.40)  # sd of log error by source grade A, B, C
    complaints_per_year: float = 0.6  # most firms complain less than once a year
    complaint_on_satisfaction: float = -0.40  # one sd less satisfied: half as many again
    visits_per_year: float = 3.0  # about one a quarter; three times that for key accounts
    known_lost_days: int = 120  # a customer is known as lost this long after leaving
    call_back_share: float = 0.9  # nearly all: few are passed over, none by choice
    win_back_rate: float = 0.25  # the source documents' "one in four" …
    acquisition_rate: float = 0.0625  # … and "one in sixteen", set true here
    n_prospects: int = 160  # gives about ten conversions: a ratio of rates with a wide interval

    # branches and their staff
    n_branches: int = 12  # one for each region; few, so branch-level correlations are uncertain, as they are in life
    managers_per_branch: int = 3  # about a dozen customers a manager
    morale_sd: float = 0.6  # between branches
    staff_on_morale: float = 0.60  # staff performance of a branch on its morale
    employees_per_branch: int = 15  # on average; enough to average out individual moods

    # questionnaire
    response_rate: float = 0.55  # a supplier's own survey with a reminder
    respondents_per_firm: float = 0.3  # mean of the Poisson number of further respondents
    respondent_sd: float = 0.35  # how far a respondent differs from the firm
    halo_sd: float = 0.35  # response style shared by all answers of a respondent
    item_loading: float = 1.05  # scale points per latent sd
    item_sd: float = 0.75  # with the loading gives alphas of about .85
    item_centre: float = 4.6  # of 7: service ratings lean to the upper half
    speeder_share: float = 0.05  # with the next, one sheet in eleven is careless
    straight_liner_share: float = 0.04  # answers all items alike in ordinary time
    repeat_respondents: int = 3  # the same answers sent twice

    # the same questionnaire a year earlier
    earlier_survey_day: dt.date = dt.date(2023, 6, 19)  # earlier, so that answers are linked to behaviour as before
    performance_rise: tuple[float, float, float, float] = (-0.50, 0.90, 0.60, 0.0)  # freight dearer, promises kept
    drift_sd: float = 0.25  # how far a firm's own judgement wanders within the year
    answer_again: float = 0.75  # who answered once answers again; with the others the response rate is the same

    # customer sheet
    two_records: float = 0.18  # share of firms entered twice …
    three_records: float = 0.04  # … and three times
    agree_credit_code: float = 0.5  # chance that a further record carries the first one's value
    agree_phone: float = 0.6  # the others give another line of the firm
    agree_address: float = 0.6  # the others give another site
    # a firm entered more than once keeps its first entry whole
    without_evidence: float = 0.02  # further records that agree in name only: not to be found by rule
    missing_credit_code: float = 0.15  # the field people fill in least
    missing_phone: float = 0.06  # few: the phone is what sales people use
    missing_address: float = 0.08  # a little more than that
    stale_share: float = 0.25  # of the records old enough
    stale_after_days: int = 730  # not touched for two years
    n_parks: int = 3  # industrial parks whose tenants give one switchboard as their phone
    park_share: float = 0.08  # a shared number that must carry no weight
    sibling_share: float = 0.05  # firms that share brand and region with another firm

    # order files
    second_export: dt.date = dt.date(2023, 1, 1)
    export_overlap_days: int = 31  # the second export begins with a month the first one had
    impossible_dates: int = 5  # 30 February: the rows are lost to every figure
    full_width_amounts: int = 12  # typed with a Chinese input method; they can be read
    orphan_lines: int = 3  # test entries under a number no customer has

    # value
    horizon_months: float = 36.0  # beyond three years nobody believes a forecast
    discount_per_year: float = 0.08  # a usual cost of capital
    tier_shares: tuple[float, float] = (0.70, 0.90)  # A to 70 % of value, B to 90 %, C the rest

    # experts
    criteria: tuple[str, ...] = ("利润贡献", "订单连续性", "信誉", "交叉销售", "发展潜力")
    criteria_weights: tuple[float, ...] = (
        0.40,
        0.20,
        0.18,
        0.10,
        0.12,
    )  # one criterion leads; the fifth is above the fourth
    n_experts: int = 5  # the last one contradicts herself
    judgement_sd: float = 0.15  # of the log judgement: CR well under .10
    n_raters: int = 3  # the fewest for an ICC worth printing
    n_rated: int = 120  # the largest firms, as nobody rates them all
    rater_sd: float = 0.3  # severe and lenient raters differ by about a third of a point
    rating_sd: float = 0.5  # single ratings agree with an ICC near .6

    @property
    def n_days(self) -> int:
        """Days from the first day to ``as_of``, both counted."""
        return (self.as_of - self.first_day).days + 1

    @property
    def loyalty_total(self) -> float:
        """Total slope of loyalty on satisfaction at average switching cost, the path through trust included."""
        return self.loyalty_on_satisfaction + self.trust_on_satisfaction * self.loyalty_on_trust

    def __post_init__(self) -> None:
        shares = sum(t.share for t in self.types)
        if abs(shares - 1) > 1e-9 or any(t.share < 0 for t in self.types):
            raise UsageError(f"the shares of the types sum to {shares:g}, not 1", where="World.types")
        if len(self.criteria) != len(self.criteria_weights) or len(self.criteria) < 3:
            raise UsageError("a weight for each of at least three criteria is needed", where="World.criteria_weights")
        if not 1 <= self.n_branches <= 12:
            raise UsageError(f"{self.n_branches} branches", where="World.n_branches", repair="Use 1 to 12.")

    def day(self, date: dt.date) -> int:
        """Days from the first day to ``date``."""
        return (date - self.first_day).days


def stream(seed: int, name: str) -> np.random.Generator:
    """A generator of random numbers of its own for each part, so that a change of one leaves the others.

    Examples
    --------
    >>> stream(1, "orders").random() == stream(1, "orders").random() != stream(1, "survey").random()
    True
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
