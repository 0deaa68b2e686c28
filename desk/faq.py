"""What solved tickets teach: proposed from the ledger, accepted by a person, found again by failure mode, model and words.

Words are looked up in an inverted index of our own, the same on SQLite and PostgreSQL: Latin words without their plural,
Chinese in pairs of characters. An accepted entry is found; a proposed or rejected one never.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from alerts.types import Incident, identity
from desk import words
from desk.clocks import story
from desk.documents import once
from desk.opening import Past
from desk.paper_tables import faq, faq_words
from desk.types import Entry, EntryKind, Ticket
from model.finding import Finding
from model.text import Text

PROPOSED, ACCEPTED, REJECTED = "proposed", "accepted", "rejected"
_STEPS = (
    EntryKind.PLANNED,
    EntryKind.REMOTE_FAILED,
    EntryKind.UNSOLVED_ONSITE,
    EntryKind.PART_FITTED,
    EntryKind.LENT,
    EntryKind.RESOLVED,
)
_LATIN = re.compile(r"[a-z0-9]+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
_LITTLE = "a an and are as at be by for from had has in is it its of on or so that the then this to was were with"
_STOP = frozenset(_LATIN.findall(_LITTLE))
#: What the same failure mode and the same model add to the words' own weight.
_MODE, _MODEL = 4.0, 1.5
_MOST_WORDS = 60
# Made once: building a statement costs more than running it.
_HOW_MANY = sa.select(sa.func.count()).select_from(faq).where(faq.c.state == ACCEPTED)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `steps` are what was done, in order."""

    id: str
    state: str
    failure_mode: str
    model: str
    ticket: str
    question: Text
    cause: Text
    steps: tuple[Text, ...]
    part: str | None = None
    who: str = words.SELF  #: who proposed, accepted or rejected it last
    at: int


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that fits, and why: the words and marks that it shares."""

    item: Item
    score: float
    shared: tuple[str, ...]


class FaqRefused(ValueError):
    """It cannot stand; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def tokens(text: str) -> list[str]:
    """The words to look up: Latin words without plural and stop words, Chinese in pairs.

    >>> tokens("The fans of 3 UPSs failed"), tokens("电池开路")
    (['fan', '3', 'ups', 'failed'], ['电池', '池开', '开路'])
    """
    found = [_singular(word) for word in _LATIN.findall(text.lower()) if word not in _STOP]
    for run in _HAN.findall(text):
        found += [run] if len(run) == 1 else [run[n : n + 2] for n in range(len(run) - 1)]
    return found


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def propose(ticket: Ticket, ledger: Sequence[Entry], model: str, now: int) -> Item | None:
    """What this ticket teaches, or None: it was not diagnosed, or is not over. Pure."""
    events = story(list(ledger))
    diagnosed = [e for e in events if e.kind is EntryKind.DIAGNOSED]
    over = any(e.kind in (EntryKind.RESOLVED, EntryKind.RESTORED, EntryKind.CLOSED) for e in events)
    mode = next((str(e.data["failure_mode"]) for e in reversed(diagnosed) if e.data.get("failure_mode")), "")
    if not (mode and over):
        return None
    parts = [str(e.data["part"]) for e in events if e.kind is EntryKind.PART_FITTED and e.data.get("part")]
    return Item(
        id=f"F-{identity(ticket.id, mode)[:8]}",
        state=PROPOSED,
        failure_mode=mode,
        model=model,
        ticket=ticket.id,
        question=ticket.title,
        cause=diagnosed[-1].text,
        steps=tuple(e.text for e in events if e.kind in _STEPS),
        part=parts[-1] if parts else None,
        at=now,
    )


def put(conn: sa.Connection, item: Item) -> bool:
    """Keep a proposal; False where this ticket already made one (accepted, rejected or waiting)."""
    return once(conn, faq.insert().values(id=item.id, **_columns(item)))


def decide(
    conn: sa.Connection, id: str, state: str, who: str, now: int, **changes: Text | tuple[Text, ...] | str
) -> Item:
    """A person accepts (reworded, if they like) or rejects an entry. Raises FaqRefused."""
    item = get(conn, id)
    if state not in (ACCEPTED, REJECTED):
        raise FaqRefused(
            Text(f"expected accepted or rejected, got {state}", f"应为 accepted 或 rejected，实为 {state}")
        )
    decided = msgspec.structs.replace(item, state=state, who=who, at=now, **changes)
    conn.execute(faq.update().where(faq.c.id == id).values(**_columns(decided)))
    conn.execute(faq_words.delete().where(faq_words.c.faq == id))
    if state == ACCEPTED:
        counts = Counter(tokens(_everything(decided)))
        conn.execute(faq_words.insert(), [{"word": w, "faq": id, "count": n} for w, n in sorted(counts.items())])
    return decided


def get(conn: sa.Connection, id: str) -> Item:
    """Raises FaqRefused."""
    body = conn.execute(sa.select(faq.c.body).where(faq.c.id == id)).scalar_one_or_none()
    if body is None:
        raise FaqRefused(
            Text(
                f"no FAQ entry {id}: `roundsman report faq list` shows them",
                f"没有条目 {id}：用 `roundsman report faq list` 查看",
            )
        )
    return msgspec.json.decode(body, type=Item)


def listed(conn: sa.Connection, state: str | None = None, since: int = 0) -> list[Item]:
    """Newest first."""
    query = sa.select(faq.c.body).where(faq.c.changed_at >= since)
    if state:
        query = query.where(faq.c.state == state)
    bodies = conn.execute(query.order_by(faq.c.changed_at.desc(), faq.c.id)).scalars()
    return [msgspec.json.decode(body, type=Item) for body in bodies]


def find(conn: sa.Connection, text: str, modes: Sequence[str] = (), model: str = "", limit: int = 5) -> list[Hit]:
    """Accepted entries that fit, best first: by rare words shared, the same failure mode, the same model."""
    total = conn.execute(_HOW_MANY).scalar_one()
    if not total:  # opening a ticket asks this, too: it must cost nothing where nothing was learned yet
        return []
    wanted = list(dict.fromkeys(tokens(text)))[:_MOST_WORDS]
    rows = conn.execute(sa.select(faq_words.c.word, faq_words.c.faq).where(faq_words.c.word.in_(wanted))).all()
    spread = Counter(row.word for row in rows)
    score: dict[str, float] = {}
    shared: dict[str, list[str]] = {}

    def add(id: str, weight: float, mark: str) -> None:
        score[id] = score.get(id, 0.0) + weight
        shared.setdefault(id, []).append(mark)

    for word, id in rows:
        add(id, math.log(1 + total / spread[word]), word)
    marked = sa.select(faq.c.id, faq.c.failure_mode, faq.c.model).where(faq.c.state == ACCEPTED)
    if modes:
        for id, mode, _ in conn.execute(marked.where(faq.c.failure_mode.in_(list(modes)))):
            add(id, _MODE, mode)
    if model and score:
        for id, _, same in conn.execute(marked.where(faq.c.id.in_(list(score)), faq.c.model == model)).all():
            add(id, _MODEL, same)
    best = sorted(score.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
    return [Hit(item=get(conn, id), score=round(s, 3), shared=tuple(sorted(shared[id]))) for id, s in best]


def past(
    conn: sa.Connection, incident: Incident, findings: Sequence[Finding] = (), model: str = "", limit: int = 3
) -> tuple[Past, ...]:
    """Accepted entries like an incident that is about to open a ticket, for `desk.opening.Background.similar`."""
    said = [incident.title, *(e.text for f in findings for e in f.evidence)]
    modes = [*dict.fromkeys(f.kind for f in findings), incident.key.cause]
    hits = find(conn, " ".join(f"{t.en} {t.zh}" for t in said), modes, model, limit)
    return tuple(Past(ticket=hit.item.ticket, why=line(hit)) for hit in hits)


def line(hit: Hit) -> Text:
    """One hit in a list of similar past cases."""
    i = hit.item
    part = f" [{i.part}]" if i.part else ""
    return Text(
        f"{i.id} ({i.ticket}, {i.failure_mode}): {i.cause.en}; {'; '.join(s.en for s in i.steps)}{part}",
        f"{i.id}（{i.ticket}，{i.failure_mode}）：{i.cause.zh}；{'；'.join(s.zh for s in i.steps)}{part}",
    )


def _everything(item: Item) -> str:
    texts = [item.question, item.cause, *item.steps]
    said = " ".join(f"{t.en} {t.zh}" if t.en != t.zh else t.en for t in texts)
    return f"{said} {item.failure_mode} {item.model} {item.part or ''}"


def _columns(item: Item) -> dict[str, object]:
    return {
        "state": item.state,
        "failure_mode": item.failure_mode,
        "model": item.model,
        "ticket": item.ticket,
        "body": msgspec.json.encode(item).decode(),
        "changed_at": item.at,
    }
