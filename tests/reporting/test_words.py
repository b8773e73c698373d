"""The words files, the sentences made of them, and how numbers are printed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmresearch.reporting.numbers import KINDS, Style, format_value, plain
from crmresearch.reporting.words import Words, WordsError, load_words, placeholders, read_words
from crmresearch.results import Finding


def words_of(tmp_path: Path, text: str, *more: str) -> Words:
    paths = []
    for number, content in enumerate((text, *more)):
        paths.append(tmp_path / f"words{number}.yaml")
        paths[-1].write_text(content, encoding="utf-8")
    return read_words(paths)


SENTENCES = """
labels:
  gold: {en: gold tier, zh: 金牌客户}
findings:
  top: {en: "The top {share:share} hold {n:count} {n:plural:customer|customers}.", zh: "前{share:share}共{n:count}人。"}
  tier: {en: "{who} leads ({p:equals_p}).", zh: "{who}居首({p:equals_p})。"}
  slope:
    supported: {en: "Yes, {b:number}.", zh: "是，{b:number}。"}
    not testable with these data: {en: "Unknown, {b:number}.", zh: "未知，{b:number}。"}
"""


def test_files_of_the_package_keep_every_rule():
    words = load_words()
    assert all(entry["kind"] in KINDS for area in words.areas.values() for entry in area.get("columns", {}).values())
    assert words.column("customer_id", "zh") == "客户编号"
    assert words.label("supported", "en") == "supported"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("colums: {a: {en: A, zh: 甲}}", "unknown section 'colums'; nearest: columns"),
        ("labels: {a: {en: A}}", "'a' must have exactly the languages en, zh"),
        ("labels: {a: {en: A, zh: ''}}", "'a' is empty in zh"),
        ("labels: {A b: {en: A, zh: 甲}}", "is not a key"),
        ("labels: {a: {en: A, zh: 甲}, a: {en: B, zh: 乙}}", "line 1: 'a' stands twice"),
        ("labels: {a: {en: A, b, zh: 甲}}", "'a' has 'b' beside its languages; a text with a comma"),
        ("labels: {a", "words0.yaml: not valid YAML"),
        ("labels: {a: A}", "must have a text for each language"),
        ("columns: {a: {en: A, zh: 甲, kind: shares}}", "kind 'shares'; nearest: share"),
        ("columns: {a: {en: A, zh: 甲}}", "has the kind None"),
        ("figures: {a: {en: A, zh: 甲}}", "needs an alt text"),
        ("findings: {a: {en: '{n:count}', zh: '{m:count}'}}", r"states \['m', 'n'\] in one language only"),
        ("findings: {a: {en: '{n:counts}', zh: '{n:count}'}}", "prints 'n' as 'counts'; nearest: count"),
        ("findings: {a: {en: '{n:plural}', zh: '{n:count}'}}", "prints 'n' as 'plural'"),
        ("findings: {a: {en: 'a {n', zh: 'b {n'}}", "has a brace that is no placeholder"),
        ("findings: {a: {suported: {en: a, zh: b}}}", "no verdict .*nearest: supported"),
    ],
)
def test_a_broken_file_is_refused_with_key_and_rule(tmp_path, text, match):
    with pytest.raises(WordsError, match=match):
        words_of(tmp_path, text)


def test_a_caption_with_two_wordings_is_refused(tmp_path):
    text = "exhibits: {a: {en: A, zh: 甲}}"
    assert words_of(tmp_path, text, text).caption("a", "en") == "A"
    with pytest.raises(WordsError, match=r"words1\.yaml, exhibits: 'a' stands in two files with different words"):
        words_of(tmp_path, text, text.replace("甲", "乙"))


def test_files_word_columns_for_what_they_name_themselves(tmp_path):
    one = "columns: {level: {en: Level, zh: 水平, kind: text}}\nexhibits: {a: {en: A, zh: 甲}}"
    other = (
        "columns: {level: {en: Median, zh: 中位数, kind: number}}\nfigures: {b: {en: B, zh: 乙, alt: {en: b, zh: 乙}}}"
    )
    words = words_of(tmp_path, one, other, "exhibits: {c: {en: C, zh: 丙}}")
    assert words.of("exhibits", "a").column("level", "en") == "Level"
    assert words.of("figures", "b").kind("level") == "number"
    assert words.of("figures", "b").say("zh")("level") == "中位数"
    for elsewhere in (words, words.of("exhibits", "c")):
        with pytest.raises(
            WordsError, match=r"'level' in 'columns' is worded differently in words0\.yaml, words1\.yaml"
        ):
            elsewhere.column("level", "en")
        assert elsewhere.word("level") is None, "a cell of data that happens to read so"
        assert elsewhere.with_terms({"level": {"en": "Storey"}}).column("level", "en") == "Storey"


def test_unknown_key_names_the_nearest():
    with pytest.raises(WordsError, match="no wording for 'customer_ids' in 'columns'; nearest: customer_id"):
        load_words().column("customer_ids", "en")


def test_sentences(tmp_path):
    words = words_of(tmp_path, SENTENCES)
    one = Finding("top", {"share": 0.2, "n": np.int64(1)})
    many = Finding("top", {"share": np.float64(0.2), "n": 4714})
    assert words.sentence(one, "en") == "The top 20.0\xa0% hold 1 customer."
    assert words.sentence(many, "en") == "The top 20.0\xa0% hold 4,714 customers."
    assert words.sentence(many, "zh") == "前20.0%共4,714人。"
    assert words.sentence(Finding("tier", {"who": "gold", "p": 1e-9}), "zh") == "金牌客户居首(<\xa00.001)。"
    named = Finding("tier", {"who": {"en": "Image", "zh": "形象"}, "p": 0.04})
    assert words.sentence(named, "zh") == "形象居首(=\xa00.040)。"
    several = Finding("tier", {"who": ["gold", "<b>"], "p": None})
    assert words.sentence(several, "en") == "gold tier, <b> leads (–)."


def test_sentence_follows_the_verdict(tmp_path):
    words = words_of(tmp_path, SENTENCES)
    assert words.sentence(Finding("slope", {"b": -0.5}, "supported"), "en") == "Yes, −0.500."
    assert words.sentence(Finding("slope", {"b": 0.5}, "not testable with these data"), "zh") == "未知，0.500。"
    with pytest.raises(WordsError, match="'slope' has no sentence for the verdict 'contradicted'"):
        words.sentence(Finding("slope", {"b": 0.5}, "contradicted"), "en")


def test_sentence_without_its_value_is_refused(tmp_path):
    with pytest.raises(WordsError, match="states 'share', which the finding lacks; nearest: shares"):
        words_of(tmp_path, SENTENCES).sentence(Finding("top", {"shares": 0.2, "n": 3}), "en")


def test_terms_of_a_case(tmp_path):
    words = words_of(tmp_path, SENTENCES).with_terms(
        {"image": {"en": "Image", "zh": "形象", "kind": "number"}, "ima1": {"en": "It is reliable", "zh": ""}}
    )
    assert words.column("image", "zh") == "形象" and words.kind("image") == "number"
    assert words.say("zh")("ima1") == "It is reliable"
    assert words.say("zh")("gold") == "金牌客户"
    with pytest.raises(WordsError, match="no wording for 'imag' in 'labels'; nearest: image"):
        words.say("en")("imag")
    with pytest.raises(WordsError, match="kind 'numeral'"):
        words.with_terms({"x": {"en": "X", "kind": "numeral"}})


@pytest.mark.parametrize(
    ("value", "kind", "en", "zh"),
    [
        (23570, "count", "23,570", "23,570"),
        (1998, "integer", "1998", "1998"),
        (1234.5, "money", "1,234.50", "1,234.50"),
        ("123456789012345678.25", "money", "123,456,789,012,345,678.25", "123,456,789,012,345,678.25"),
        (0.72281, "score", "0.7228", "0.7228"),
        (-0.5, "number", "−0.500", "−0.500"),
        (-0.0001, "number", "0.000", "0.000"),
        (0.1234, "share", "12.3\xa0%", "12.3%"),
        (0.95, "level", "95\xa0%", "95%"),
        (0.025, "level", "2.5\xa0%", "2.5%"),
        (1, "level", "100\xa0%", "100%"),
        (0.0004, "p", "<\xa00.001", "<0.001"),
        (0.034, "p", "0.034", "0.034"),
        (0.034, "equals_p", "=\xa00.034", "=\xa00.034"),
        (dt.date(1998, 6, 30), "date", "1998-06-30", "1998-06-30"),
        (True, "flag", "yes", "是"),
        (False, "text", "no", "否"),
        ("inf", "number", "∞", "∞"),
        (None, "count", "–", "–"),
        (float("nan"), "share", "–", "–"),
        (0.2, "text", "0.2", "0.2"),
        ("n/a", "number", "n/a", "n/a"),
    ],
)
def test_number_formats(value, kind, en, zh):
    assert (format_value(value, kind, "en"), format_value(value, kind, "zh")) == (en, zh)


def test_a_style_decides_digits_and_smallest_p():
    style = Style(decimals={"number": 2, "p": 4}, smallest_p=Decimal("0.0001"), missing="NA")
    assert format_value(0.123, "number", style=style) == "0.12"
    assert format_value(0.0004, "p", style=style) == "0.0004"
    assert format_value(None, "p", style=style) == "NA"


def test_plain_keeps_values_exact():
    values = (np.float64(0.1), np.int32(3), np.bool_(True), pd.NA, pd.NaT, float("inf"), Decimal("1.10"))
    assert plain(values) == [0.1, 3, True, None, None, "inf", "1.10"]
    assert plain(pd.Timestamp("1998-06-30 12:30")) == "1998-06-30T12:30:00"
    assert plain(np.datetime64("1998-06-30")) == "1998-06-30"
    with pytest.raises(TypeError, match="cannot hold a set"):
        plain({1})


def test_placeholders_lists_names_and_kinds():
    assert list(placeholders("{a:share} {b}")) == [("a", "share"), ("b", "")]
