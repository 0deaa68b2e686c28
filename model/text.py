"""A sentence in the two languages of the house. Whatever a user reads is a `Text` until it is shown."""

from __future__ import annotations

from typing import Literal

import msgspec

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Text(msgspec.Struct, frozen=True, array_like=True):
    """One sentence, English first. Both must be given: a missing translation is a type error, not a blank."""

    en: str
    zh: str

    def __getitem__(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def format(self, **values: object) -> Text:
        """Fill both sentences from the same values.

        >>> Text("{n} ports down", "{n} 个端口断开").format(n=2).en
        '2 ports down'
        """
        return Text(self.en.format(**values), self.zh.format(**values))


def language_of(locale: str | None) -> Language:
    """The language for a POSIX locale or an Accept-Language header; English when in doubt.

    >>> language_of("zh_CN.UTF-8"), language_of("de-DE"), language_of(None)
    ('zh', 'en', 'en')
    """
    return "zh" if (locale or "").strip().lower().startswith("zh") else "en"
