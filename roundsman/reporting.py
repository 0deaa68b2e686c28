"""What `roundsman report …` does: open the centre, gather, draft, reword, print, keep, deliver."""

from __future__ import annotations

import getpass
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

import desk.store as desk
from alerts.types import Alert
from collector import inventory
from collector import store as kept
from collector.history import History, HistoryError
from collector.history.corrected import Corrected
from collector.history.opening import open_history
from collector.offsets import OffsetBook
from collector.store import writing
from console import report_charts
from console.report_room import WishRefused, moment
from desk import documents, reports
from desk.documents import DocumentRefused
from desk.paper.case import Case
from desk.paper.form_paper import UnknownForm
from desk.paper.render import FontMissing, localised
from desk.paper.types import Chart, EditRefused, Mark, Paper, edited
from desk.reports import Report
from model.inventory import Inventory
from model.text import LANGUAGES, Text
from roundsman.centre import Centre, NoCentreError, opened
from roundsman.speech import complain, language, put, say

FOLDER = "documents"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """The options that all reports share, as the command line gives them."""

    lang: Literal["en", "zh"] | None = None
    out: Path | None = None
    html: bool = False
    edits: Path | None = None
    draft: Path | None = None
    keep: bool = False
    deliver: bool = False
    who: str | None = None
    at: str | None = None
    collector: Path | None = None
    json: bool = False


class Room:
    """The opened centre with what reports are made from."""

    def __init__(self, centre: Centre, conn: sa.Connection, wishes: Wishes) -> None:
        self.centre, self.conn, self.wishes = centre, conn, wishes
        self.inventory: Inventory = inventory.latest(conn)

    @property
    def documents(self) -> Path:
        """Where files stand, beside the database."""
        return self.centre.config.data / FOLDER

    def now(self, tz: str) -> int:
        """The moment the report is seen from: `--at`, on the clock of `tz`, else the centre's."""
        return moment(self.wishes.at, tz) if self.wishes.at else self.centre.now()

    @contextmanager
    def history(self) -> Iterator[History]:
        """Readings, with clocks put right. Raises HistoryError."""
        config = self.centre.config
        history = Corrected(open_history(config.history, config.data), OffsetBook(0, kept.offset_segments(self.conn)))
        try:
            yield history
        finally:
            history.close()

    def complain(self, text: Text) -> None:
        """On stderr: a part is left out."""
        complain(text)

    def case(self, id: str) -> Case:
        """A ticket with its alerts and the readings around it. Raises UnknownTicket."""
        ticket = desk.ticket(self.conn, id)
        now = self.now(self.inventory.site(ticket.site).tz)
        alerts = sorted(kept.alerts(self.conn, incident=ticket.incident), key=lambda a: (a.raised_at, a.id))
        bare = reports.case_of(self.conn, id, self.inventory, now, alerts)
        charts = self._charts(bare, alerts)
        similar = reports.similar_lines(self.conn, bare)
        return reports.case_of(self.conn, id, self.inventory, now, alerts, charts, similar)

    def _charts(self, case: Case, alerts: list[Alert]) -> list[Chart]:
        devices = [a.device for a in alerts] or ([case.device.id] if case.device else [])
        devices = devices or [d.id for d in self.inventory.at_site(case.ticket.site) if d.kind == "ups"]
        began, ended = case.ticket.opened_at, case.ended_at
        marks = [Mark(at=began, text=Text("opened", "开单"))]
        marks += [Mark(at=ended, text=Text("normal again", "恢复正常"))] if ended else []
        start, end = began - report_charts.AROUND_MS, (ended or case.now) + report_charts.AROUND_MS
        bands = [(began, ended or case.now)]
        try:
            with self.history() as history:
                return report_charts.around(history, devices, alerts, start, min(end, case.now), case.tz, marks, bands)
        except HistoryError as error:
            complain(Text(f"no charts: {error}", f"没有图表：{error}"))
            return []


def make(wishes: Wishes, draft: Callable[[Room], Paper]) -> int:
    """Any report: drafted, reworded, printed. Exit status 0, or 1 with the reason on stderr."""
    try:
        with opened(wishes.collector) as centre:
            with centre.engine.connect() as conn:
                room = Room(centre, conn, wishes)
                paper = draft(room)
            if wishes.draft:
                return _write_draft(paper, wishes)
            report = Report(paper=edited(paper, read_edits(wishes.edits)), language=wishes.lang or language())
            return _finish(centre, report, wishes)
    except (NoCentreError, WishRefused, EditRefused, FontMissing, DocumentRefused, UnknownForm) as error:
        complain(error.text)
    except desk.UnknownTicket as error:
        complain(
            Text(
                f"no ticket {error}: `roundsman ticket list --all` shows them",
                f"没有工单 {error}：用 `roundsman ticket list --all` 查看",
            )
        )
    except OSError as error:
        complain(Text(f"not written: {error}", f"未写入：{error}"))
    return 1


def _finish(centre: Centre, report: Report, wishes: Wishes) -> int:
    if wishes.json:
        put({**localised(report.paper, report.language), "about": report.paper.about, "as_of": report.paper.as_of})
    body = report.html.encode() if wishes.html else report.pdf
    ending, media = ("html", "text/html") if wishes.html else ("pdf", "application/pdf")
    out = wishes.out or Path(f"{report.name}.{ending}")
    if str(out) == "-":
        sys.stdout.buffer.write(body)
    else:
        out.write_bytes(body)
        if not wishes.json:
            say(Text(f"{out}: {len(body)} bytes", f"{out}：{len(body)} 字节"))
    if wishes.keep or wishes.deliver:
        _keep(centre, report, wishes, body, f"{report.name}.{ending}", media)
    return 0


def _keep(centre: Centre, report: Report, wishes: Wishes, body: bytes, name: str, media: str) -> None:
    who, folder, now = wishes.who or getpass.getuser(), centre.config.data / FOLDER, centre.now()
    ticket = report.paper.about.get("ticket")
    if wishes.deliver and ticket is None:
        raise WishRefused(
            Text("expected --deliver only for a ticket's report: use --keep", "--deliver 仅用于工单报告：请用 --keep")
        )
    with writing(centre.engine) as conn:
        if wishes.deliver and ticket:
            hash = reports.deliver(conn, folder, report, ticket, who, now, now)
            done = Text(f"{ticket}: delivered, document {hash}", f"{ticket}：已交付，文件 {hash}")
        else:
            links = documents.Links(**report.paper.about)
            hash = documents.put(conn, folder, name, media, body, who, now, links)
            done = Text(f"kept as document {hash}", f"已存档，文件 {hash}")
    if not wishes.json:
        say(done)


def _write_draft(paper: Paper, wishes: Wishes) -> int:
    """The paragraphs that a person may reword, as a file that `--edits` takes."""
    assert wishes.draft
    lines = [f"# {paper.title.en} / {paper.title.zh}"]
    for id, block in paper.editable.items():
        lines += ["", f"[{id}]"] + [f"{each} = {_quoted(block.text[each])}" for each in LANGUAGES]
    wishes.draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    say(
        Text(
            f"{wishes.draft}: {len(paper.editable)} paragraphs; reword them, then give it with --edits",
            f"{wishes.draft}：{len(paper.editable)} 段；修改后用 --edits 给出",
        )
    )
    return 0


def _quoted(words: str) -> str:
    import json

    return json.dumps(words, ensure_ascii=False)


def read_edits(file: Path | None) -> dict[str, Text]:
    """`[cause] en = "…" zh = "…"`; a language left out keeps both alike. Raises WishRefused."""
    if file is None:
        return {}
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WishRefused(Text(f"{file}: {error}", f"{file}：{error}")) from error
    edits = {}
    for id, table in tables.items():
        said = {key: value for key, value in table.items() if isinstance(value, str)} if isinstance(table, dict) else {}
        if not said or set(said) - set(LANGUAGES):
            raise WishRefused(
                Text(
                    f'{file}: [{id}]: expected en = "…" and zh = "…", got {table!r}; `--draft FILE` writes one',
                    f'{file}：[{id}]：应为 en = "…" 与 zh = "…"，实为 {table!r}；用 `--draft FILE` 生成',
                )
            )
        edits[id] = Text(said.get("en") or said["zh"], said.get("zh") or said["en"])
    return edits


__all__ = ["FOLDER", "Room", "WishRefused", "Wishes", "make", "moment", "read_edits"]
