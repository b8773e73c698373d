"""Words for the sample study."""

from __future__ import annotations

import pytest

from crmresearch.reporting.words import Words, load_words, read_words
from tests.reporting.sample_study import WORDS


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Words:
    path = tmp_path_factory.mktemp("words") / "test.yaml"
    path.write_text(WORDS, encoding="utf-8")
    more = read_words([path]).entries
    return Words({section: {**entries, **more[section]} for section, entries in load_words().entries.items()})
