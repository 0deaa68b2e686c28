"""Documents, what was learned from solved tickets, and failures that come back: from a terminal on the centre's machine."""

from __future__ import annotations

import getpass
import mimetypes
from collections.abc import Callable
from pathlib import Path

import msgspec
import sqlalchemy as sa

import desk.store as desk
from collector import inventory
from collector.store import alerts, writing
from desk import documents, faq, recurrence, reports
from desk.documents import DocumentDamaged, DocumentMissing, DocumentRefused, Links
from desk.faq import FaqRefused
from model.text import Text
from roundsman.centre import Centre, NoCentreError, opened
from roundsman.reporting import FOLDER, WishRefused, moment
from roundsman.speech import complain, language, put, say

_REFUSED = (NoCentreError, DocumentRefused, FaqRefused, WishRefused)


def _at_the_centre(collector: Path | None, do: Callable[[Centre], int]) -> int:
    """Run at the opened centre; refusals become words on stderr and status 1."""
    try:
        with opened(collector) as centre:
            return do(centre)
    except _REFUSED as error:
        complain(error.text)
    except DocumentMissing as error:
        complain(
            Text(
                f"no document {error}: `roundsman report documents` lists them",
                f"没有文件 {error}：用 `roundsman report documents` 查看",
            )
        )
    except (DocumentDamaged, OSError) as error:
        complain(str(error))
    except desk.UnknownTicket as error:
        complain(Text(f"no ticket {error}", f"没有工单 {error}"))
    return 1


def list_documents(
    collector: Path | None,
    as_json: bool,
    *,
    customer: str | None,
    ticket: str | None,
    device: str | None,
    site: str | None,
) -> int:
    """`roundsman report documents`."""

    def do(centre: Centre) -> int:
        with centre.engine.connect() as conn:
            found = documents.find(conn, customer=customer, ticket=ticket, device=device, site=site)
        for one in found:
            if as_json:
                put(msgspec.to_builtins(one))
                continue
            of = one.links.ticket or one.links.device or one.links.site or one.links.customer or ""
            say(f"{one.hash[:16]}  {one.size:>9}  {one.media_type}  {one.name}  {one.who}  {of}")
        return 0

    return _at_the_centre(collector, do)


def save_document(hash: str, out: Path | None, customer: str | None, collector: Path | None) -> int:
    """`roundsman report document HASH`."""

    def do(centre: Centre) -> int:
        with centre.engine.connect() as conn:
            known = {
                d.hash for d in documents.find(conn, customer=customer) if len(hash) >= 8 and d.hash.startswith(hash)
            }
            if len(known) != 1:
                raise DocumentMissing(hash)
            found, body = documents.get(conn, centre.config.data / FOLDER, known.pop(), customer)
        target = out or Path(found.name)
        if out is None and target.exists():
            raise DocumentRefused(
                Text(f"{target} is there already: name another with --out", f"{target} 已存在：请用 --out 另行指定")
            )
        target.write_bytes(body)
        say(Text(f"{target}: {len(body)} bytes", f"{target}：{len(body)} 字节"))
        return 0

    return _at_the_centre(collector, do)


def keep_document(
    file: Path,
    collector: Path | None,
    who: str | None,
    *,
    ticket: str | None,
    device: str | None,
    customer: str | None,
) -> int:
    """`roundsman report keep FILE`: what it belongs to is filled in from the ticket or the device."""

    def do(centre: Centre) -> int:
        if file.stat().st_size > documents.MOST_BYTES:
            raise DocumentRefused(
                Text(
                    f"{file}: more than {documents.MOST_BYTES} bytes; fix: split or shrink it",
                    f"{file}：超过 {documents.MOST_BYTES} 字节；改法：拆分或压缩",
                )
            )
        body = file.read_bytes()
        media = mimetypes.guess_type(file.name)[0] or "text/plain"
        with writing(centre.engine) as conn:
            links = _links(conn, ticket, device, customer)
            hash = documents.put(
                conn, centre.config.data / FOLDER, file.name, media, body, who or getpass.getuser(), centre.now(), links
            )
        say(Text(f"kept as document {hash}", f"已存档，文件 {hash}"))
        return 0

    return _at_the_centre(collector, do)


def _links(conn: sa.Connection, ticket: str | None, device: str | None, customer: str | None) -> Links:
    known = inventory.latest(conn)
    if ticket:
        held = desk.ticket(conn, ticket)
        return Links(ticket=ticket, device=device or held.device, site=held.site, customer=held.customer)
    if device:
        site = known.device(device).site
        return Links(device=device, site=site, customer=customer or known.site(site).customer)
    if customer is None:
        raise WishRefused(
            Text(
                "expected --ticket, --device or --customer: whose is it?",
                "应给出 --ticket、--device 或 --customer：属于谁？",
            )
        )
    return Links(customer=customer)


def verify_documents(collector: Path | None, as_json: bool) -> int:
    """`roundsman report verify`: status 1 when a document is damaged or missing."""

    def do(centre: Centre) -> int:
        with centre.engine.connect() as conn:
            found = list(documents.verify(conn, centre.config.data / FOLDER))
        for one in found:
            if as_json:
                put({"hash": one.hash, "what": one.what, "path": str(one.path)})
            else:
                say(f"{one.what}  {one.path}")
        bad = [one for one in found if one.what != "unnamed"]
        if not as_json:
            say(Text(f"{len(bad)} damaged or missing", f"损坏或缺失 {len(bad)} 个"))
        return int(bool(bad))

    return _at_the_centre(collector, do)


def faq_command(
    what: str, words: tuple[str, ...], who: str | None, model: str, collector: Path | None, as_json: bool
) -> int:
    """`roundsman report faq …`."""

    def do(centre: Centre) -> int:
        by = who or getpass.getuser()
        if what == "list":
            with centre.engine.connect() as conn:
                return _tell(faq.listed(conn), as_json)
        if not words and what != "propose":
            raise WishRefused(
                Text(f"expected words, a ticket or an entry after `{what}`", f"“{what}”之后应有词语、工单或条目")
            )
        if what == "find":
            with centre.engine.connect() as conn:
                return _tell_hits(faq.find(conn, " ".join(words), words, model), as_json)
        with writing(centre.engine) as conn:
            if what == "propose":
                known = inventory.latest(conn)
                chosen = words or tuple(ticket.id for ticket in desk.tickets(conn))
                made = [item for id in chosen if (item := reports.propose(conn, known, id, centre.now()))]
                there = [item for item in faq.listed(conn) if item.ticket in words and item not in made]
                return _tell([*made, *there], as_json)  # the centre may have been faster: what it made is shown
            state = faq.ACCEPTED if what == "accept" else faq.REJECTED
            return _tell([faq.decide(conn, id, state, by, centre.now()) for id in words], as_json)

    return _at_the_centre(collector, do)


def list_similar(id: str, collector: Path | None, as_json: bool) -> int:
    """`roundsman report similar TICKET`."""

    def do(centre: Centre) -> int:
        with centre.engine.connect() as conn:
            known = inventory.latest(conn)
            case = reports.case_of(conn, id, known, centre.now(), alerts(conn, incident=desk.ticket(conn, id).incident))
            return _tell_hits(reports.similar(conn, case), as_json)

    return _at_the_centre(collector, do)


def _tell(items: list[faq.Item], as_json: bool) -> int:
    for item in items:
        if as_json:
            put(msgspec.to_builtins(item))
        else:
            say(f"{item.id}  {item.state}  {item.failure_mode}  {item.question[language()]}: {item.cause[language()]}")
    if not items and not as_json:
        say(Text("none", "无"))
    return 0


def _tell_hits(hits: list[faq.Hit], as_json: bool) -> int:
    for hit in hits:
        if as_json:
            put(msgspec.to_builtins(hit))
        else:
            say(f"{hit.score:6.2f}  {faq.line(hit)[language()]}")
    if not hits and not as_json:
        say(Text("nothing fits", "没有相符条目"))
    return 0


def list_recurring(since: str | None, until: str | None, collector: Path | None, as_json: bool) -> int:
    """`roundsman report recurring`."""

    def do(centre: Centre) -> int:
        with centre.engine.connect() as conn:
            start = moment(since, "UTC") if since else None
            end = moment(until, "UTC") if until else None
            found = reports.recurring(conn, inventory.latest(conn), centre.now(), start, end)
        for one in found:
            if as_json:
                put(msgspec.to_builtins(one))
            else:
                say(recurrence.line(one))
        if not found and not as_json:
            say(Text("nothing came back", "没有重复故障"))
        return 0

    return _at_the_centre(collector, do)
