"""The manual of the devices is what the profiles say."""

from __future__ import annotations

import pytest

from agent.profiles import PROFILES, load
from agent.profiles.chapters import PAGES, page
from model.text import LANGUAGES, Language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_the_profiles_say(language: Language) -> None:
    assert PAGES[language].read_text(encoding="utf-8") == page(language), "run python -m agent.profiles.chapters"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_profile_has_a_chapter_with_its_proof(language: Language) -> None:
    said = page(language)
    for id in PROFILES:
        chapter = said.partition(f'<a id="{id}"></a>')[2].partition("\n### ")[0]
        assert load(id).title[language == "zh"] in chapter
        assert load(id).source in chapter
        assert all(f"`{name}`" in chapter for name in (*load(id).recordings, *load(id).exchanges))
