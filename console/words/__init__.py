"""The console's words: English in the templates and code, Chinese in `zh.po`, read with Babel at start.

A language is a `.po` file here and an entry in `model.text.LANGUAGES`; `tests/console` proves that every
word has its translation and that no translation is left over.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from model.text import Language

HERE = Path(__file__).resolve().parent


@cache
def words(language: Language) -> NullTranslations:
    """The catalogue of one language. English is the language of the source and needs none."""
    path = HERE / f"{language}.po"
    if not path.is_file():
        return NullTranslations()
    with path.open("rb") as source:
        catalog = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)
