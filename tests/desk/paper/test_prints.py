"""PDF and HTML of one report: the same words, selectable, the same bytes each time, and never an empty box."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from desk import reports
from desk.paper import render
from desk.paper.case import Case
from desk.paper.fault_paper import fault_paper
from desk.paper.types import EditRefused, Paper, Section, Words, edited, same
from model.text import Language, Text
from tests.desk.paper import pages

needs_font = pytest.mark.skipif(
    not (render.FONTS / render.FONT_FILES[0]).is_file(), reason="the font is not built: python -m console.build"
)


def paper(*words: str) -> Paper:
    blocks = tuple(Words(id=f"w{n}", text=same(w)) for n, w in enumerate(words))
    return Paper(
        kind="test",
        title=same("标题 Title"),
        subtitle=same(""),
        head=(),
        sections=(Section(id="s", title=same("S"), blocks=blocks),),
        as_of=0,
        tz="UTC",
    )


@needs_font
def test_a_chinese_pdf_has_its_words_charts_and_pages(mended: Case, tmp_path: Path) -> None:
    body = reports.fault_analysis(mended, "zh").pdf
    text = pages.text(body, tmp_path)
    for words in (
        "故障分析报告",
        "第7节电池开路",
        "逐节测量，更换开路电池",
        "电池电压",
        "恢复正常",
        "由遥测证明",
        "故障损失",
    ):
        assert words in text, words
    assert pages.count(body, tmp_path) == 2
    assert "NotoSansHans-Regular" in pages.fonts(body, tmp_path)
    assert "�" not in text


@needs_font
def test_an_english_pdf_has_the_axis_of_its_chart(mended: Case, tmp_path: Path) -> None:
    text = pages.text(reports.fault_analysis(mended, "en").pdf, tmp_path)
    for words in ("Batteryvoltage", "block7isopen", "2026-11-2311:35:00", "10:00", "220", "Promisedtimes"):
        assert words in text, words


@needs_font
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_report_gives_the_same_bytes(mended: Case, language: Language) -> None:
    one, two = (reports.fault_analysis(mended, language) for _ in range(2))
    assert one.pdf == two.pdf
    assert one.html == two.html


def test_html_stands_alone_and_has_the_charts(mended: Case) -> None:
    html = reports.fault_analysis(mended, "zh").html
    assert html.count("<svg") == 1
    assert "故障分析报告" in html
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


@needs_font
def test_a_character_that_no_font_has_is_written_as_its_code(tmp_path: Path) -> None:
    body = render.pdf(paper('老王说：\U00020bb7"\ue000', "复杂 👩\u200d🔧"), "zh")
    text = pages.text(body, tmp_path)
    assert "〔U+20BB7〕" in text
    assert "〔U+E000〕" in text
    assert "U+1F469" in text
    assert "老王说" in text


@needs_font
def test_rare_names_are_printed_as_they_are(tmp_path: Path) -> None:
    assert "黑龍江國裕天晟镕喆堃" in pages.text(render.pdf(paper("黑龍江國裕天晟 镕喆堃"), "zh"), tmp_path)


@needs_font
def test_words_from_outside_are_words_and_no_commands(tmp_path: Path) -> None:
    evil = '#panic("x") $x^2$ *bold* <script>alert(1)</script> \\ {{ 7*7 }} \x00\x07 \ud800 "quoted"'
    text = pages.text(render.pdf(paper(evil), "en"), tmp_path)
    assert '#panic("x")$x^2$*bold*<script>alert(1)</script>' in text
    html = render.html(paper(evil), "en")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "49" not in html.split("<section")[1]


def test_without_the_font_it_says_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(render.FontMissing) as refused:
        render.pdf(paper("x"), "zh", tmp_path)
    for language in ("en", "zh"):
        assert str(tmp_path) in refused.value.text[language]
        assert "console.build" in refused.value.text[language]


def test_a_person_rewords_paragraphs_but_no_evidence(mended: Case) -> None:
    draft = fault_paper(mended)
    assert set(draft.editable) == {"summary", "type", "cause", "method", "loss", "prevention"}
    own = Text("The terminal was loose.", "端子松动。")
    changed = edited(draft, {"cause": own, "loss": Text("none", "无")})
    assert changed.editable["cause"].text == own
    assert changed.editable["loss"].drafted
    assert [s.blocks for s in changed.sections if s.id == "timeline"] == [
        s.blocks for s in draft.sections if s.id == "timeline"
    ]
    with pytest.raises(EditRefused) as refused:
        edited(draft, {"timeline": own})
    assert "summary, type, cause" in refused.value.text.en
    assert "timeline" in refused.value.text.zh


def test_a_report_is_json_for_the_console(mended: Case) -> None:
    told = render.localised(fault_paper(mended), "zh")
    assert msgspec.json.decode(msgspec.json.encode(told)) == told
