import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import RefusedError
from crmresearch.results import Result
from crmresearch.scoring.satisfaction.instrument import item_rest_correlation, orient_items, score_constructs


def test_reverse_item_becomes_high_plus_low_minus_x(instrument, survey):
    turned = orient_items(survey(a=[1, 2, 5], b=[1, 2, None]), instrument({"c": ["a", "b"]}, reverse=("b",)))
    assert turned["a"].tolist() == [1, 2, 5]
    np.testing.assert_array_equal(turned["b"], [5, 4, np.nan])


def test_score_is_the_mean_of_answered_items_where_half_are_answered(instrument, survey):
    answers = survey(a=[1, 2, None, None], b=[3, None, None, 4], c=[5, 4, 3, None], d=[3, None, None, None])
    scored = score_constructs(answers, instrument({"x": ["a", "b", "c", "d"]}))
    np.testing.assert_array_equal(scored.scores["x"], [3, 3, np.nan, np.nan])
    assert scored.summary.loc[0, ["n", "n_unscored"]].tolist() == [2, 2]
    assert isinstance(scored, Result)


def test_one_answer_in_four_is_enough_when_asked_for(instrument, survey):
    answers = survey(a=[1, None], b=[3, None], c=[5, 2], d=[3, None])
    scored = score_constructs(answers, instrument({"x": ["a", "b", "c", "d"]}), min_answered=0.25)
    assert scored.scores["x"].tolist() == [3, 2]


def test_answers_count_every_point_of_the_scale(instrument, survey):
    counts = score_constructs(survey(a=[1, 1, 3, None], b=[2, 2, 2, 2]), instrument({"x": ["a", "b"]})).answers
    assert counts["n_answers"].tolist() == [2, 0, 1, 0, 0, 0, 4, 0, 0, 0]
    np.testing.assert_allclose(counts.groupby("item")["share_of_answers"].sum(), 1)


def test_item_rest_correlation_equals_pearson_against_the_sum_of_the_others():
    x = np.random.default_rng(1).normal(size=(40, 4))
    expected = [np.corrcoef(x[:, j], np.delete(x, j, axis=1).sum(axis=1))[0, 1] for j in range(4)]
    np.testing.assert_allclose(item_rest_correlation(x), expected, atol=1e-12)


def test_undeclared_reverse_item_is_named_and_left_as_it_was(instrument, survey):
    answers = survey(a=[1, 2, 3, 4, 5], b=[1, 2, 3, 5, 4], c=[5, 4, 3, 1, 2])
    scored = score_constructs(answers, instrument({"x": ["a", "b", "c"]}))
    assert scored.suspects["item"].tolist() == ["c"]
    assert scored.items["c"].tolist() == [5, 4, 3, 1, 2]
    assert [f.key for f in scored.findings()] == ["construct_means", "reverse_suspects"]


def test_declared_reverse_item_is_no_suspect(instrument, survey):
    answers = survey(a=[1, 2, 3, 4, 5], b=[1, 2, 3, 5, 4], c=[5, 4, 3, 1, 2])
    assert score_constructs(answers, instrument({"x": ["a", "b", "c"]}, reverse=("c",))).suspects.empty


def test_row_order_changes_nothing(ecsi, mobi):
    shuffled = mobi.sample(frac=1, random_state=3)
    one, two = score_constructs(mobi, ecsi), score_constructs(shuffled, ecsi)
    pd.testing.assert_frame_equal(one.scores, two.scores)
    pd.testing.assert_frame_equal(one.summary, two.summary)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"a": [1, 2], "b": [3, 6]}, r"item b, respondent r001: answer 6 lies off the scale 1 to 5"),
        ({"a": [1, 2], "b": [3, -1]}, r"answer -1 lies off the scale"),
        ({"a": [1, 2]}, r"survey: no column 'b'"),
        ({"a": [None, None], "b": [None, None]}, r"no item was answered"),
    ],
)
def test_bad_answers_are_refused(instrument, survey, items, words):
    with pytest.raises(RefusedError, match=words):
        score_constructs(survey(**items), instrument({"x": ["a", "b"]}))


def test_text_answers_are_refused(instrument, survey):
    answers = survey(a=[1, 2], b=[3, 4]).assign(b=["很满意", "满意"])
    with pytest.raises(RefusedError, match="item b: the answers are"):
        orient_items(answers, instrument({"x": ["a", "b"]}))


def test_repeat_respondent_is_refused(instrument, survey):
    answers = survey(a=[1, 2], b=[3, 4]).assign(respondent_id="r1")
    with pytest.raises(RefusedError, match="1 respondent_id stand twice, first 'r1'"):
        orient_items(answers, instrument({"x": ["a", "b"]}))


@pytest.mark.parametrize("share", [0, 1.2])
def test_min_answered_out_of_range_is_refused(instrument, survey, share):
    with pytest.raises(RefusedError, match="min_answered must lie in"):
        score_constructs(survey(a=[1, 2], b=[3, 4]), instrument({"x": ["a", "b"]}), min_answered=share)
