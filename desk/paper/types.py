"""A report as data: sections of paragraphs, facts, tables, charts and room to write.

Rules:
- A report is made from (ledger, policy, inventory, readings, the moment it is seen from) and nothing else: the same
  input, the same bytes. It carries no time of making.
- What a person may reword before delivery is a `Words` block with an id; everything else is evidence and stays.
- Every sentence is a `Text`; words that stand in one language only (a name, a person's note) stand in both.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from model.text import Text


def same(words: object) -> Text:
    """What is written alike in both languages: a name, a number, a person's own words."""
    return Text(str(words), str(words))


class Words(msgspec.Struct, frozen=True, kw_only=True, tag="words"):
    """A paragraph that a person may reword; `drafted` False: nothing is known, somebody has to write it."""

    id: str
    text: Text
    drafted: bool = True


class Facts(msgspec.Struct, frozen=True, kw_only=True, tag="facts"):
    """Names and values, two columns."""

    rows: tuple[tuple[Text, Text], ...]


class Table(msgspec.Struct, frozen=True, kw_only=True, tag="table"):
    """`widths` are shares of the page; `empty` is said when there are no rows."""

    head: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]
    widths: tuple[float, ...]
    empty: Text = Text("none", "无")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A moment on a chart, numbered in the order given."""

    at: int
    text: Text


class Chart(msgspec.Struct, frozen=True, kw_only=True, tag="chart"):
    """One series from `start` to `end`, ms, on the wall clock of `tz`. A null value is a gap: no line across."""

    title: Text
    unit: str
    tz: str
    start: int
    end: int
    at: tuple[int, ...]
    value: tuple[float | None, ...]
    stepped: bool = False  #: a state or flag
    marks: tuple[Mark, ...] = ()
    bands: tuple[tuple[int, int], ...] = ()  #: shaded: when it was bad


class Room(msgspec.Struct, frozen=True, kw_only=True, tag="room"):
    """An empty frame to write or sign in by hand, `lines` high."""

    label: Text
    lines: int = 2


class Choice(msgspec.Struct, frozen=True, kw_only=True, tag="choice"):
    """Boxes to tick; `chosen` is the one that was, if any."""

    label: Text
    options: tuple[Text, ...]
    chosen: int | None = None


Block = Words | Facts | Table | Chart | Room | Choice


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A heading and what stands under it. `note` is small print: where it comes from."""

    id: str
    title: Text
    blocks: tuple[Block, ...]
    note: Text | None = None


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """One report. `about` names what it belongs to (ticket, device, site, customer), for the document store."""

    kind: str  #: fault, explain, weekly, inspection, monthly, equipment, bulletin, handbook, handover, form …
    title: Text
    subtitle: Text
    head: tuple[tuple[Text, Text], ...]
    sections: tuple[Section, ...]
    as_of: int  #: ms: seen from this moment; nothing later is in it
    tz: str
    about: dict[str, str] = {}

    @property
    def editable(self) -> dict[str, Words]:
        """The paragraphs that a person may reword, by id."""
        return {block.id: block for s in self.sections for block in s.blocks if isinstance(block, Words)}


class EditRefused(ValueError):
    """The edit names no paragraph of the report. `text` says which there are."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def edited(paper: Paper, edits: Mapping[str, Text]) -> Paper:
    """The report with paragraphs reworded, by their ids. Raises EditRefused."""
    known = paper.editable
    unknown = sorted(set(edits) - set(known))
    if unknown:
        names = {"kind": paper.kind, "options": ", ".join(known) or "-", "got": ", ".join(unknown)}
        raise EditRefused(
            Text(
                "{kind}: expected paragraphs among {options}, got {got}; fix: `--draft FILE` writes those there are",
                "{kind}：可改写的段落为 {options}，实为 {got}；改法：用 `--draft FILE` 写出现有段落",
            ).format(**names)
        )

    def reworded(block: Block) -> Block:
        if isinstance(block, Words) and block.id in edits:
            return Words(id=block.id, text=edits[block.id])
        return block

    sections = tuple(
        msgspec.structs.replace(s, blocks=tuple(reworded(block) for block in s.blocks)) for s in paper.sections
    )
    return msgspec.structs.replace(paper, sections=sections)
