"""Every word of the console exists in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from console.words import HERE, words

CONSOLE = HERE.parent


def used() -> set[str]:
    methods = [("templates/**.html", "jinja2"), ("**.py", "python")]
    found = extract_from_dir(str(CONSOLE), methods)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def translated() -> dict[str, list[str]]:
    with (HERE / "zh.po").open("rb") as source:
        catalog = read_po(source, locale="zh")
    made = {}
    for message in catalog:
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            made[key] = [message.string] if isinstance(message.string, str) else list(message.string)
    return made


def test_every_word_in_the_templates_has_its_chinese() -> None:
    assert len(used()) > 100, "the extraction must have found the templates"
    assert used() - set(translated()) == set()


def test_no_translation_is_empty_and_none_is_left_over() -> None:
    assert [key for key, strings in translated().items() if not all(strings)] == []
    assert set(translated()) - used() == set()


def test_placeholders_survive_translation() -> None:
    for key, strings in translated().items():
        for string in strings:
            for name in ("%(num)d", "%(name)s", "%(time)s", "%(who)s", "%(zone)s"):
                assert (name in key) == (name in string), key


@pytest.mark.parametrize(("n", "said"), [(1, "1 open ticket"), (3, "3 open tickets")])
def test_english_counts_in_singular_and_plural(n: int, said: str) -> None:
    assert words("en").ngettext("%(num)d open ticket", "%(num)d open tickets", n) % {"num": n} == said


def test_chinese_counts_in_one_form() -> None:
    assert words("zh").ngettext("%(num)d open ticket", "%(num)d open tickets", 3) % {"num": 3} == "3 张未结工单"


def test_no_page_names_an_address_elsewhere() -> None:
    for path in [*Path(CONSOLE / "templates").glob("*.html"), *Path(CONSOLE / "static").glob("*.*")]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path.name
        assert "https://" not in text, path.name
