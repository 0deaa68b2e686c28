"""What all `roundsman field …` commands share: the opened centre, whose word it is, times, papers, and how things print."""

from __future__ import annotations

import getpass
import mimetypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

import desk.store as desk
from collector.history import History, HistoryError
from collector.history.opening import open_history
from collector.inventory import latest
from collector.store import writing
from desk import documents
from desk.calendars import zone
from desk.documents import DocumentRefused, Links
from desk.duties import Standing
from desk.duty_book import standing_json
from desk.lines import FieldRefused, Subject
from desk.policies import load
from desk.policy import Policy
from model.inventory import Inventory
from model.text import Text
from model.timescale import REAL, TimeScale
from roundsman.centre import Centre, NoCentreError, opened
from roundsman.reporting import FOLDER
from roundsman.speech import complain, language, put, say
from roundsman.tickets import moment_of, now_of

#: One thing to print: its JSON object and its line for a person.
Shown = tuple[Mapping[str, Any], Text | str]


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Who speaks, when it happened, to which centre."""

    who: str | None = None
    at: str | None = None
    collector: Path | None = None
    scale: TimeScale = REAL
    as_json: bool = False


class Room:
    """The opened centre, in one transaction."""

    def __init__(self, centre: Centre, conn: sa.Connection, teller: Teller) -> None:
        self.centre, self.conn, self.teller = centre, conn, teller
        self.now = now_of(centre, teller.scale)
        self.inventory: Inventory = latest(conn)
        self.who = teller.who or getpass.getuser()

    @property
    def documents(self) -> Path:
        """Where files stand, beside the database."""
        return self.centre.config.data / FOLDER

    def tz(self, site: str | None) -> str:
        return self.inventory.site(site or next(iter(sorted(self.inventory.sites)), "")).tz

    def time(self, said: str | None, site: str | None) -> int | None:
        """ISO 8601 on the site's clock, in ms; None when nothing was said."""
        return moment_of(said, self.tz(site)) if said else None

    def at(self, site: str | None) -> int:
        """When it happened: `--at`, else now."""
        told = self.time(self.teller.at, site)
        return self.now if told is None else told

    def wall(self, at: int | None, site: str | None) -> str:
        """An instant on the site's clock."""
        if at is None:
            return "–"
        return datetime.fromtimestamp(at / 1000, zone(self.tz(site))).strftime("%Y-%m-%d %H:%M")

    def subject(self, ticket: str | None, place: str | None) -> Subject:
        """What a ticket, a device (`site/device`) or a site belongs to. Raises FieldRefused, UnknownTicket."""
        if ticket is not None:
            held = desk.ticket(self.conn, ticket)
            return Subject(customer=held.customer, site=held.site, device=held.device, ticket=ticket)
        site = (place or "").partition("/")[0]
        if place is None or site not in self.inventory.sites or ("/" in place and place not in self.inventory.devices):
            raise FieldRefused(NO_PLACE.format(place=place))
        owner = self.inventory.site(site).customer
        return Subject(customer=owner, site=site, device=place if "/" in place else None)

    def policy(self, of: Subject) -> Policy:
        """The ticket's pinned contract, else the customer's of today. Raises FieldRefused."""
        if of.ticket is not None:
            return desk.policy(self.conn, desk.ticket(self.conn, of.ticket))
        day = datetime.fromtimestamp(self.now / 1000, zone(self.tz(of.site))).date().isoformat()
        name = self.inventory.policy(of.customer or "", day)
        found = load(name)
        if found is None:
            raise FieldRefused(NO_POLICY.format(policy=name))
        return found

    def keep(self, file: Path | None, of: Subject, at: int) -> str | None:
        """Keep a paper among the documents; its hash. Raises DocumentRefused."""
        if file is None:
            return None
        if not file.is_file():
            raise FieldRefused(NO_FILE.format(file=file))
        media = mimetypes.guess_type(file.name)[0] or "text/plain"
        links = Links(ticket=of.ticket, device=of.device, site=of.site, customer=of.customer)
        return documents.put(self.conn, self.documents, file.name, media, file.read_bytes(), self.who, at, links)

    @contextmanager
    def history(self) -> Iterator[History]:
        """Readings. Raises FieldRefused when they cannot be read."""
        config = self.centre.config
        try:
            held = open_history(config.history, config.data)
        except HistoryError as error:
            raise FieldRefused(Text(f"no readings: {error}", f"无法读取历史数据：{error}")) from error
        try:
            yield held
        finally:
            held.close()


def work(teller: Teller, do: Callable[[Room], Sequence[Shown]], *, write: bool = True) -> int:
    """Do it in one transaction, then print. 0, or 1 with the reason on stderr and nothing changed."""
    try:
        with (
            opened(teller.collector) as centre,
            writing(centre.engine) if write else centre.engine.connect() as conn,
        ):
            shown = do(Room(centre, conn, teller))
    except (NoCentreError, FieldRefused, desk.ActRefused, DocumentRefused) as error:
        complain(error.text)
        return 1
    except desk.UnknownTicket as error:
        complain(NO_TICKET.format(ticket=error))
        return 1
    for json, line in shown:
        if teller.as_json:
            put(dict(json))
        else:
            say(line)
    return 0


def show(teller: Teller, do: Callable[[Room], Sequence[Shown]]) -> int:
    """As `work`, reading only."""
    return work(teller, do, write=False)


def plain(value: Any) -> Any:
    """A struct as JSON: sentences as {en, zh}, structs as objects, everything else as it is."""
    if isinstance(value, Text):
        return {"en": value.en, "zh": value.zh}
    if isinstance(value, Standing):
        return standing_json(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def pairs(given: Sequence[str]) -> dict[str, str]:
    """`name=value …`. Raises FieldRefused."""
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise FieldRefused(NO_PAIR.format(got=one))
        found[name.strip()] = value
    return found


def said(text: Text) -> str:
    """In the terminal's language."""
    return text[language()]


NO_PLACE = Text(
    "whose is it? expected --ticket, or --place with a site or device of the inventory, got {place}",
    "属于谁？应给出 --ticket，或以 --place 给出台账中的站点或设备，实为 {place}",
)
NO_POLICY = Text(
    "the contract's policy {policy} cannot be read: `roundsman policy lint` says why",
    "合同策略 {policy} 无法读取：用 `roundsman policy lint` 查看原因",
)
NO_FILE = Text("no file {file}; expected the signed paper", "没有文件 {file}；应为签署文件")
NO_PAIR = Text("expected name=value, got {got}", "应为 名称=值，实为 {got}")
NO_TICKET = Text(
    "no ticket {ticket}: `roundsman ticket list --all` shows them",
    "没有工单 {ticket}：用 `roundsman ticket list --all` 查看",
)
