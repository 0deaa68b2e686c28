"""The one writer of the centre: takes batches and ticks in turn, and makes each of them last.

Everything here runs in one thread and blocks. The order is the centre's promise to its agents:

    history.write (fsync) -> ONE transaction (delivery mark, kept bytes, findings, desk, outbox) -> answer

(with history in a server of its own, the server is fed behind the transaction: forwarding.py)

A kill between the two leaves a batch in history without its mark: the agent sends it again, history
counts it once, and the transaction happens then. When a transaction fails, the state in memory may be
ahead of the database: it is dropped and built again (snapshot + kept batches), by the same code as at start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
import structlog

import desk.store
from alerts.board import Outcome
from alerts.types import Incident
from analytics.cohort import Cohorts
from analytics.records import remember
from collector import inventory, pipeline
from collector.history import History, HistoryError
from collector.intake import Admitted, Refused
from collector.offsets import OffsetBook
from collector.pipeline import CentreState, World
from collector.store import (
    QuarantineRow,
    deliveries,
    desk_news,
    findings,
    fleet,
    forwarded,
    in_words,
    recordings,
    records,
    writing,
)
from collector.store.deliveries import Delivery, KeptBatch, Offset
from desk import visiting
from desk.opening import Background
from model.batch import Batch, Event, EventKind, decode

T = TypeVar("T")
#: More refusals of one batch than this are counted, not kept one by one.
_REFUSALS = 100
#: How long recordings are kept, and how much of one site's.
_RECORDINGS_MS, _RECORDINGS_BYTES = 400 * 86_400_000, 64 * 1024 * 1024
_encoder = msgspec.json.Encoder()
log = structlog.get_logger()


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One batch at the door. `measured_ms`: the centre's clock less the agent's, if the batch is of its present boot."""

    agent: str
    site: str
    batch: Batch
    body: bytes
    received_at: int
    measured_ms: int | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`kept`: for ever, whether now or before. Else the agent keeps it, and `why` says what is wrong here."""

    kept: bool
    why: str = ""


class _Entry(msgspec.Struct, kw_only=True):
    """A post on its way through `take`."""

    post: Post
    admitted: Admitted
    offset_ms: int
    segment: Offset | None


class Writer:
    """Owns the pipeline's state. `world` may be exchanged between calls."""

    def __init__(self, engine: sa.Engine, history: History | None, book: OffsetBook, world: World) -> None:
        """`history` None: a forwarder feeds it from the kept bytes."""
        self.world = world
        self.listens_since = 0  #: no agent is silent on account of the time before
        self.wanting: frozenset[str] = frozenset()  #: sites whose agent is to make a recording
        self.problem = ""  #: why batches are refused now, for /healthz and the log
        self.stuck: dict[str, str] = {}  #: tickets that could not be brought up to the time, and why
        self.counts: Counter[str] = Counter()  #: what was taken in since the start, for /metrics
        self._engine = engine
        self._history = history
        self._book = book
        self._state: CentreState | None = None
        self._board = b""
        self._cursor = 0
        self._told: int | None = None  #: how far the desk's news were told, in this transaction …
        self._told_for_good: int | None = None  #: … and in those that were committed
        self._events: list[dict[str, Any]] = []
        self._announced = visiting.Announced()

    # -- input ---------------------------------------------------------------------------------------

    def take(self, posts: Sequence[Post]) -> list[Answer]:
        """Take in batches that wait together: one fsync of history, one transaction."""
        try:
            state = self._state or self.recover()
            entries = self._admit(state, posts)
            if entries:
                if self._history is not None:
                    self._history.write([e.admitted.kept for e in entries])
                self._commit_or_split(entries)
        except (HistoryError, sa.exc.DBAPIError, OSError) as error:
            self._trouble(error)
            return [Answer(kept=False, why=self.problem) for _ in posts]
        self.problem = ""
        return [Answer(kept=True) for _ in posts]

    def tick(self, now: int) -> None:
        """Let time pass for alerts, incidents and tickets."""
        state = self._state or self.recover()
        try:
            with writing(self._engine) as conn:
                self._look_at_inventory(conn)
                self._look_at_works(conn, now)
                self.wanting = recordings.sites_waiting(conn, now)
                heard = {site: max(at, self.listens_since) for site, at in fleet.heard(conn).items()}
                outcome = pipeline.on_tick(state, heard, self.world, now)
                self._put_outcome(conn, outcome, now)
                stuck: dict[str, str] = {}
                desk.store.tick(conn, self.world.inventory, now, stuck)
                self._note_tickets(conn)
                board = self._put_board(conn, state, now)
        except BaseException:
            self._drop()
            raise
        self._board, self._told_for_good, self.stuck = board, self._told, stuck

    def transact(self, work: Callable[[sa.Connection], T]) -> T:
        """Someone else's work, alone in one transaction."""
        try:
            with writing(self._engine) as conn:
                done = work(conn)
                self._note_tickets(conn)
                self._look_at_inventory(conn)
        except BaseException:
            self._told = self._told_for_good
            raise
        self._told_for_good = self._told
        return done

    def look(self, work: Callable[[CentreState], T]) -> T:
        """Let `work` read the state; it changes nothing."""
        return work(self._state or self.recover())

    @property
    def ready(self) -> bool:
        """Whether the state is in memory; False before the start, and after a failure until it is built anew."""
        return self._state is not None

    def remembered(self, device: str) -> dict[str, dict[str, Any]]:
        """The states of one device's detectors as they stand; empty while the state is built anew."""
        state = self._state
        return dict(state.watch.states.get(device, {})) if state else {}

    def remember_fleet(self, cohorts: Cohorts | None) -> None:
        """From now on the detectors know last night's memory of the fleet."""
        self.world = self.world.with_cohorts(cohorts)

    def snapshot(self, now: int, kept_before: int, marks_before: int, seen_before: int) -> None:
        """Write the detectors' state with its cursor, and forget what is older than the limits."""
        state = self._state or self.recover()
        with writing(self._engine) as conn:
            deliveries.put_snapshot(conn, self._cursor, pipeline.dump_detectors(state), now)
            fed = forwarded(conn) if self._history is None else None
            deliveries.prune(conn, kept_before, marks_before, fed)
            fleet.prune_seen(conn, seen_before)
            recordings.prune_recordings(conn, now - _RECORDINGS_MS, _RECORDINGS_BYTES, now)

    def events(self) -> list[dict[str, Any]]:
        """What was committed since the last call, for those who watch."""
        events, self._events = self._events, []
        return events

    # -- state ---------------------------------------------------------------------------------------

    def recover(self) -> CentreState:
        """The state as of the last commit: snapshot, board, and the kept batches after the snapshot."""
        with self._engine.connect() as conn:
            found = deliveries.snapshot(conn)
            board = findings.board(conn)
            self._look_at_inventory(conn)
            if self._told_for_good is None:
                _, self._told_for_good = desk_news(conn, None)
                self._told = self._told_for_good
            self._cursor, detectors = found if found else (0, None)
            state = pipeline.load(detectors, board)
            while kept := deliveries.kept_after(conn, self._cursor):
                for one in kept:
                    batch = decode(one.body)
                    pipeline.replay(state, batch, one.site, one.offset_ms, self.world, one.received_at)
                    self._cursor = one.cursor
            if records.are_none(conn):
                remember(state.records, state.watch.states)  # of a centre that had no tables for them
        self._board = board or b""
        self._state = state
        return state

    def _drop(self) -> None:
        self._state = None
        self._told = self._told_for_good
        self._events.clear()

    def _trouble(self, error: Exception) -> None:
        if not isinstance(error, HistoryError):
            self._drop()
        why = in_words(self._engine, error)
        if why != self.problem:
            log.error("batches are refused until this is mended; agents keep them", why=why)
        self.problem = why

    # -- a batch -------------------------------------------------------------------------------------

    def _admit(self, state: CentreState, posts: Sequence[Post]) -> list[_Entry]:
        """Those not delivered before, through the door. The state stays as it is until history has them."""
        marks = dict(state.marks)
        entries: list[_Entry] = []
        with self._engine.connect() as conn:
            seen = deliveries.delivered(conn, [(post.batch.spool, post.batch.row) for post in posts])
        for post in posts:
            key = (post.batch.spool, post.batch.row)
            if key in seen:
                continue
            seen.add(key)
            segment = self._book.look(post.batch, post.site, post.measured_ms)
            offset_ms = segment.offset_ms if segment else self._book.of(post.site, post.batch.boot)
            admitted = pipeline.take_in(marks, post.batch, post.site, offset_ms, post.received_at)
            marks.update(admitted.marks)
            entries.append(_Entry(post=post, admitted=admitted, offset_ms=offset_ms, segment=segment))
        return entries

    def _commit_or_split(self, entries: list[_Entry]) -> None:
        """Commit together; if our own code fails on one, each alone, and that one without judgement.

        History has that batch, the failure is logged, and the next one finds the detectors as they were.
        """
        try:
            self._commit(entries, judge=True)
        except sa.exc.DBAPIError:
            raise
        except Exception:  # supervisor: a defect of ours in one batch must not hold up its agent for ever
            self._drop()
            if len(entries) > 1:
                for entry in entries:
                    self._commit_or_split([entry])
                return
            post = entries[0].post
            log.exception("judging a batch failed: kept without judgement", site=post.site, row=post.batch.row)
            self._commit(entries, judge=False)

    def _commit(self, entries: list[_Entry], judge: bool) -> None:
        state = self._state or self.recover()
        board, cursor = self._board, self._cursor
        try:
            with writing(self._engine) as conn:
                cursor = self._put_entries(conn, entries)
                for entry in entries:
                    if judge:
                        now = entry.post.received_at
                        self._put_outcome(conn, pipeline.on_batch(state, entry.admitted, self.world, now), now)
                self._put_records(conn, state)
                board = self._put_board(conn, state, entries[-1].post.received_at)
        except BaseException:
            self._drop()
            raise
        self._board, self._cursor, self._told_for_good = board, cursor, self._told
        self._committed(state, entries)

    def _committed(self, state: CentreState, entries: list[_Entry]) -> None:
        for entry in entries:
            if entry.segment:
                self._book.keep(entry.segment)
            self._events.append({"kind": "readings", "id": entry.post.batch.spool, "site": entry.post.site})
            self._count(entry.admitted)
        for fault in state.watch.faults:
            log.error("a detector failed", detector=fault.detector, device=fault.device, error=fault.error)
        state.watch.faults.clear()

    def _count(self, admitted: Admitted) -> None:
        kept = admitted.kept
        self.counts["batches"] += 1
        self.counts["readings"] += len(kept.readings)
        self.counts["gaps"] += len(kept.gaps)
        self.counts["quarantined"] += len(admitted.refused)
        self.counts["late"] += len(kept.readings) - len(admitted.readings)

    def _put_entries(self, conn: sa.Connection, entries: list[_Entry]) -> int:
        """Everything about the batches but what they mean; the cursor of the last one's kept bytes."""
        newest: dict[str, int] = {}
        gaps: dict[str, int] = {}
        late: dict[str, int] = {}
        for entry in entries:
            kept = entry.admitted.kept
            newest.update({r.device: r.at + entry.offset_ms for r in kept.readings})
            gaps.update({g.device: g.at + entry.offset_ms for g in kept.gaps})
            late.update(entry.admitted.late)
            self._put_rare(conn, entry)
        cursors = range(self._cursor + 1, self._cursor + 1 + len(entries))
        deliveries.put_deliveries(conn, [_marks(e, cursor) for e, cursor in zip(entries, cursors, strict=True)])
        fleet.agents_heard(conn, [_heard(entry.post) for entry in entries])
        fleet.put_heard(conn, newest, gaps, late, entries[-1].post.received_at)
        return cursors[-1]

    def _put_rare(self, conn: sa.Connection, entry: _Entry) -> None:
        """What most batches have none of."""
        post, admitted = entry.post, entry.admitted
        fleet.put_gaps(conn, admitted.kept.gaps)
        if admitted.events:
            fleet.put_events(conn, post.site, _plain(admitted.events), post.received_at)
            fleet.put_quarantine(
                conn, recordings.put_recordings(conn, post.site, admitted.events, post.batch, post.received_at)
            )
        fleet.put_quarantine(conn, _refusals(post, admitted.refused))
        if entry.segment:
            deliveries.put_offset(conn, entry.segment, post.received_at)

    def _put_records(self, conn: sa.Connection, state: CentreState) -> None:
        """What is kept for good; a transaction that fails drops the state and these with it."""
        if state.records:
            records.put_records(conn, state.records)
            state.records.clear()

    def _put_outcome(self, conn: sa.Connection, outcome: Outcome, now: int) -> None:
        """What the board decided, and what the desk makes of it."""
        if not (outcome.alerts or outcome.incidents):
            return
        findings.put_alerts(conn, outcome.alerts)
        findings.put_incidents(conn, outcome.incidents)
        self._events += [{"kind": "alert", "id": a.id, "site": a.device.partition("/")[0]} for a in outcome.alerts]
        self._events += [{"kind": "incident", "id": i.id, "site": i.site} for i in outcome.incidents]
        if outcome.incidents:
            desk.store.apply(conn, outcome.incidents, self.world.inventory, now, partial(_around, conn))
            self._note_tickets(conn)

    def _note_tickets(self, conn: sa.Connection) -> None:
        """Tell of tickets with new ledger lines, whoever wrote them: this centre or a command beside it."""
        changed, self._told = desk_news(conn, self._told)
        self._events += [{"kind": "ticket", "id": id, "site": site} for id, site in changed]

    def _look_at_inventory(self, conn: sa.Connection) -> None:
        """A command beside the centre may have imported a new one."""
        if inventory.revision(conn) != self.world.inventory.revision:
            self.world = self.world.with_inventory(inventory.latest(conn))

    def _look_at_works(self, conn: sa.Connection, now: int) -> None:
        """Somebody may have announced a visit, or called one off."""
        works = self._announced.look(conn, now)
        if works != self.world.inventory.works:
            self.world = self.world.with_works(works)

    def _put_board(self, conn: sa.Connection, state: CentreState, now: int) -> bytes:
        board = pipeline.dump_board(state)
        if board != self._board:
            findings.put_board(conn, board, now)
        return board


def _around(conn: sa.Connection, incident: Incident) -> Background:
    """The findings behind an incident, worst first: what the ticket says of cause, evidence and first steps."""
    standing = [alert.finding for alert in findings.alerts(conn, incident=incident.id) if alert.cleared_at is None]
    return Background(findings=tuple(sorted(standing, key=lambda f: (f.severity.rank, f.since))))


def _marks(entry: _Entry, cursor: int) -> tuple[Delivery, KeptBatch]:
    post, admitted = entry.post, entry.admitted
    delivery = Delivery(
        spool=post.batch.spool,
        row=post.batch.row,
        site=post.site,
        received_at=post.received_at,
        readings=len(admitted.kept.readings),
        gaps=len(admitted.kept.gaps),
        quarantined=len(admitted.refused),
        late=len(admitted.kept.readings) - len(admitted.readings),
    )
    kept = KeptBatch(
        cursor=cursor, site=post.site, received_at=post.received_at, offset_ms=entry.offset_ms, body=post.body
    )
    return delivery, kept


def _heard(post: Post) -> dict[str, str | int]:
    batch = post.batch
    return {
        "agent": post.agent,
        "new_heard_at": post.received_at,
        "new_boot": batch.boot,
        "new_spool": batch.spool,
        "new_row": batch.row,
    }


def _plain(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.kind is not EventKind.ATTACHMENT]


def _refusals(post: Post, refused: list[Refused]) -> list[QuarantineRow]:
    def row(reason: str, detail: str) -> QuarantineRow:
        return QuarantineRow(
            site=post.site,
            reason=reason,
            detail=detail[:2000],
            spool=post.batch.spool,
            row=post.batch.row,
            received_at=post.received_at,
        )

    rows = [row(r.reason.value, _encoder.encode(r.what).decode()) for r in refused[:_REFUSALS]]
    if len(refused) > _REFUSALS:
        rows.append(row("more", str(len(refused) - _REFUSALS)))
    return rows
