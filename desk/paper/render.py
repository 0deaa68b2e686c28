"""A report printed: PDF by typst, HTML by jinja2, from the same JSON in one language.

No network, no fonts of the machine, no time of making: the same report gives the same bytes. PDFs are PDF/A-2a: kept for
disputes, text can be selected, and typst refuses a glyph that stands for nothing. Such a character is written as its code.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import typst

from desk import show
from desk.paper import charts
from desk.paper.types import Block, Chart, Choice, Facts, Paper, Room, Section, Table, Words
from model.text import Language, Text

HERE = Path(__file__).parent
FONTS = HERE / "fonts"
FONT_FILES = ("NotoSansHans-Regular.otf", "NotoSansHans-Bold.otf")
AUTHOR = "Roundsman"
#: A report with more strange characters than this is not a report.
_MOST_UNKNOWN = 200
_UNSHOWN = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
#: Joiners, marks of direction, variants: nothing of their own to show, and a name can be forged with them.
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
#: Characters that mean something only to who agreed on them: PDF/A forbids them.
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_AS_OF = Text("as of {at}", "截至 {at}")
_CHOSEN = Text("chosen", "已选")


class FontMissing(RuntimeError):
    """The font for PDFs is not there. `text` says where it was looked for and what to do."""

    def __init__(self, folder: Path) -> None:
        self.text = Text(
            f"no PDF: expected the font files {', '.join(FONT_FILES)} in {folder}, got none; fix: "
            "`python -m console.build` (or `make setup`) brings them; `--html` needs no font",
            f"无法生成 PDF：{folder} 中应有字体文件 {'、'.join(FONT_FILES)}，未找到；改法：运行 "
            "`python -m console.build`（或 `make setup`）取得；`--html` 不需要字体",
        )
        super().__init__(self.text.en)


class PaperError(RuntimeError):
    """typst refused the report: a fault of the template, not of the data."""


def localised(paper: Paper, language: Language) -> dict[str, Any]:
    """The report in one language, ready for a template and for JSON."""
    at = show.moment(paper.as_of, paper.tz)
    made = {
        "kind": paper.kind,
        "lang": language,
        "title": paper.title[language],
        "subtitle": paper.subtitle[language],
        "author": AUTHOR,
        "footer": f"{AUTHOR} · {_AS_OF[language].format(at=at)}",
        "chosen": _CHOSEN[language],
        "head": [[a[language], b[language]] for a, b in paper.head],
        "sections": [_section(s, language) for s in paper.sections],
    }
    tidied: dict[str, Any] = _tidy(made)
    return tidied


def html(paper: Paper, language: Language) -> str:
    """One file, everything in it: no script, no font, no address."""
    return _template().render(d=localised(paper, language))


def pdf(paper: Paper, language: Language, fonts: Path = FONTS) -> bytes:
    """A PDF/A-2a. Raises FontMissing, PaperError."""
    if not all((fonts / name).is_file() for name in FONT_FILES):
        raise FontMissing(fonts)
    data = json.dumps({**localised(paper, language), "font": charts.FONT}, ensure_ascii=False)
    for _ in range(_MOST_UNKNOWN):
        try:
            return _compile(data, fonts, paper.as_of)
        except typst.TypstError as error:
            unknown = _UNSHOWN.search(str(error))
            if unknown is None or (cleaned := _without(data, unknown[1])) == data:
                raise PaperError(f"{paper.kind}: {error}") from error
            data = cleaned
    raise PaperError(f"{paper.kind}: more than {_MOST_UNKNOWN} characters that no font has")


def _compile(data: str, fonts: Path, as_of: int) -> bytes:
    made = typst.compile(
        (HERE / "templates" / "paper.typ").read_bytes(),
        format="pdf",
        font_paths=_fonts(fonts),
        ignore_system_fonts=True,
        sys_inputs={"paper": data},
        pdf_standards=["a-2a"],
        timestamp=as_of // 1000,
    )
    assert isinstance(made, bytes), "one PDF, not pages"
    return made


@lru_cache(maxsize=4)
def _fonts(folder: Path) -> typst.Fonts:
    """Ours and those within typst; never the machine's."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(folder)])


def _without(data: str, shown: str) -> str:
    """`shown` is as typst quotes it: `\\u{20bb7}` stands for what cannot be printed."""
    character = re.sub(r"\\u\{([0-9a-f]+)\}", lambda m: chr(int(m[1], 16)), shown)
    escaped = json.dumps(character, ensure_ascii=False)[1:-1]
    return data.replace(escaped, _code(character))


def _code(characters: str) -> str:
    return f"〔{' '.join(f'U+{ord(c):04X}' for c in characters)}〕"


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(HERE / "templates")
    env = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return env.get_template("paper.html")


def _tidy(value: Any) -> Any:
    """Without what no page can hold: control characters and halves of characters, from messages of the world outside."""
    if isinstance(value, str):
        shown = _UNSEEN.sub("", _CONTROL.sub("", value.replace("\t", " ").replace("\r", "")))
        return _PRIVATE.sub(lambda found: _code(found[0]), shown)
    if isinstance(value, dict):
        return {key: _tidy(each) for key, each in value.items()}
    return [_tidy(each) for each in value] if isinstance(value, list) else value


def _section(section: Section, language: Language) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title[language],
        "blocks": [_block(block, language) for block in section.blocks],
        "note": section.note[language] if section.note else None,
    }


def _block(block: Block, language: Language) -> dict[str, Any]:
    match block:
        case Words():
            return {"type": "words", "id": block.id, "text": block.text[language], "drafted": block.drafted}
        case Facts():
            return {"type": "facts", "rows": [[a[language], b[language]] for a, b in block.rows]}
        case Table():
            return {
                "type": "table",
                "head": [cell[language] for cell in block.head],
                "rows": [[cell[language] for cell in row] for row in block.rows],
                "widths": list(block.widths),
                "empty": block.empty[language],
            }
        case Chart():
            marks = [
                f"{n} {show.moment(mark.at, block.tz)[11:19]} {mark.text[language]}"
                for n, mark in enumerate(block.marks, start=1)
            ]
            return {
                "type": "chart",
                "title": block.title[language],
                "svg": charts.svg(block, language),
                "marks": marks,
            }
        case Room():
            return {"type": "room", "label": block.label[language], "lines": block.lines}
        case Choice():
            options = [{"text": o[language], "chosen": n == block.chosen} for n, o in enumerate(block.options)]
            return {"type": "choice", "label": block.label[language], "options": options}
