"""Whether everything that a result shows has its words."""

from __future__ import annotations

from crmresearch.reporting.numbers import Language
from crmresearch.reporting.words import Words
from crmresearch.results import Result


def check_words(result: Result, words: Words, language: Language) -> None:
    """Fail for a method, option, finding, table, column or note of a result without words in a language."""
    assert isinstance(result, Result)
    assert words.method(result.recipe.method, language)
    assert all(words.option(key, value, language)[0] for key, value in result.recipe.options.items())
    sentences = [words.sentence(finding, language) for finding in result.findings()]
    assert all(sentences) and not any("{" in sentence for sentence in sentences)
    for exhibit in result.exhibits():
        assert words.caption(exhibit.key, language)
        assert all(words.of("exhibits", exhibit.key).column(column, language) for column in exhibit.data.columns)
        assert all(words.note(note, language) for note in exhibit.notes)
