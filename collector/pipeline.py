"""The heart of the centre: from what an agent said to what is wrong. Read this first.

One pure function for each cause of change, each (state, input, now) -> (state, outcome):

    take_in   a batch: what is kept, what is refused, what detectors may see   (collector.intake)
    on_batch  an admitted batch: detectors -> alerts -> incidents              (analytics.watch, alerts.board)
    on_tick   the passing of time: silent agents, findings that have lasted    (analytics.agents, alerts.board)

The shell around it (running.py) keeps this order, and nothing here waits, opens or writes:

    take_in -> history.write -> on_batch -> ONE transaction (delivery mark, kept bytes, alerts, incidents,
    desk.store.apply, outbox) -> 200 to the agent

What must hold:
  1. The same batches in the same order give the same alerts and incidents, with the same ids.
  2. A batch is taken in once: the shell asks the delivery marks before it calls take_in.
  3. Detectors see a device's readings in event time, never older than its watermark (intake.py).
  4. The detectors' state is mutable plain data owned by the one writer. When a transaction fails, the
     shell drops the state and builds it again from the snapshot and the kept batches: `replay`.
  5. The board is a value: it is written in the same transaction as its outcome, so replay after a
     restart rebuilds the detectors only, and their findings of that time are discarded.
  6. Discharges and forecasts (`state.records`) are written in that transaction too, by key, and then cleared.
"""

from __future__ import annotations

import msgspec

from alerts import board
from alerts.board import BoardState, Outcome
from analytics import agents, records, watch
from analytics.calibration import SHIPPED, Calibration
from analytics.cohort import Cohorts
from analytics.detector import Context
from analytics.records import Records
from analytics.watch import Watch
from collector import intake
from collector.intake import Admitted
from model.batch import Batch
from model.finding import Change
from model.inventory import Inventory, NetworkPath, Work


class CentreState(msgspec.Struct, kw_only=True):
    """All that the centre knows between two inputs, but for what stands in its database."""

    watch: Watch
    board: BoardState
    marks: dict[str, int]  #: watermark of each device, ms
    silent: set[str]  #: sites whose agent is silent now
    records: Records = msgspec.field(default_factory=Records)  #: discharges and forecasts to be written with this batch


class World:
    """What the pipeline is told of the world outside: replaced as a whole when the inventory changes.

    `wire_s` is the least time a round can take, `silent_after_s` when an agent counts as silent; story seconds.
    `cohorts` is last night's memory of the fleet, None as long as there is none. `calibration`: what scores proved to be worth.
    """

    def __init__(
        self,
        inventory: Inventory,
        wire_s: float = 1.0,
        silent_after_s: float = 90.0,
        cohorts: Cohorts | None = None,
        calibration: Calibration = SHIPPED,
    ) -> None:
        self.inventory = inventory
        self.wire_s = wire_s
        self.silent_after_s = silent_after_s
        self.cohorts = cohorts
        self.calibration = calibration
        self._contexts: dict[str, Context] = {}

    def context(self, device: str) -> Context:
        """What a detector may know of one device; the same object until the inventory changes."""
        found = self._contexts.get(device)
        if found is None:
            known = self.inventory.device(device)
            found = self._contexts[device] = Context(
                device=known,
                site=self.inventory.site(known.site),
                siblings=tuple(d for d in self.inventory.at_site(known.site) if d.id != device),
                wire_s=self.wire_s,
                cohort=self.cohorts.of(device, known.model) if self.cohorts else None,
            )
        return found

    def with_inventory(self, inventory: Inventory) -> World:
        """The same world under another inventory; what was learned of its cables, and the announced work, stay."""
        learned, works = inventory.learned or self.inventory.learned, inventory.works or self.inventory.works
        return self._other(msgspec.structs.replace(inventory, learned=learned, works=works), self.cohorts)

    def with_paths(self, learned: tuple[NetworkPath, ...]) -> World:
        """The same world with other cables."""
        return self._other(msgspec.structs.replace(self.inventory, learned=learned), self.cohorts)

    def with_works(self, works: tuple[Work, ...]) -> World:
        """The same world with other announced work."""
        return self._other(msgspec.structs.replace(self.inventory, works=works), self.cohorts)

    def with_cohorts(self, cohorts: Cohorts | None) -> World:
        """The same world with another night's memory of the fleet."""
        return self._other(self.inventory, cohorts)

    def _other(self, inventory: Inventory, cohorts: Cohorts | None) -> World:
        return World(inventory, self.wire_s, self.silent_after_s, cohorts, self.calibration)


def fresh() -> CentreState:
    """The state before the first batch."""
    return CentreState(watch=Watch(), board=BoardState(), marks={}, silent=set())


def take_in(marks: dict[str, int], batch: Batch, site: str, offset_ms: int, now: int) -> Admitted:
    """Sort a batch that the agent of `site` delivered; changes nothing."""
    return intake.admit(batch, site, offset_ms, marks, now)


def on_batch(state: CentreState, admitted: Admitted, world: World, now: int) -> Outcome:
    """Let detectors and the board see an admitted batch, already kept by history."""
    changes = _detect(state, admitted, world, now)
    state.board, outcome = board.on_changes(state.board, changes, world.inventory, now)
    return outcome


def on_tick(state: CentreState, heard: dict[str, int], world: World, now: int) -> Outcome:
    """Let time pass. `heard` is when each site's agent was last heard."""
    changes = agents.silent(heard, now, world.silent_after_s, state.silent)
    state.silent = {site for site, at in heard.items() if now - at > world.silent_after_s * 1000}
    state.board, first = board.on_changes(state.board, changes, world.inventory, now)
    state.board, second = board.on_tick(state.board, world.inventory, now)
    return merge([first, second])


def replay(state: CentreState, batch: Batch, site: str, offset_ms: int, world: World, received_at: int) -> None:
    """Bring the detectors to where they were: the batch was committed at `received_at`, its outcome too."""
    admitted = take_in(state.marks, batch, site, offset_ms, received_at)
    _detect(state, admitted, world, received_at)
    state.records.clear()


def _detect(state: CentreState, admitted: Admitted, world: World, now: int) -> list[Change]:
    state.marks.update(admitted.marks)
    blocks = watch.blocks_of(admitted.readings, admitted.gaps)
    before = {block.device: dict(state.watch.states.get(block.device, {})) for block in blocks}
    changes = watch.step(state.watch, blocks, world.context, now, calibration=world.calibration)
    for device, states in before.items():
        records.note(state.records, device, states, state.watch.states.get(device, {}))
    return changes


def merge(outcomes: list[Outcome]) -> Outcome:
    """Several outcomes as one: the last value of each alert and incident counts."""
    return Outcome(
        alerts=list({a.id: a for o in outcomes for a in o.alerts}.values()),
        incidents=list({i.id: i for o in outcomes for i in o.incidents}.values()),
    )


class _Detectors(msgspec.Struct):
    watch: Watch
    marks: dict[str, int]


class _Judged(msgspec.Struct):
    board: BoardState
    silent: set[str]


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_detectors = msgspec.msgpack.Decoder(_Detectors)
_judged = msgspec.msgpack.Decoder(_Judged)


def dump_detectors(state: CentreState) -> bytes:
    """The detectors and watermarks, for the snapshot."""
    return _encoder.encode(_Detectors(state.watch, state.marks))


def dump_board(state: CentreState) -> bytes:
    """The board and the silent sites, for the transaction; equal states give equal bytes."""
    return _encoder.encode(_Judged(state.board, state.silent))


def load(detectors: bytes | None, judged: bytes | None) -> CentreState:
    """Undo both; what is missing is fresh."""
    kept = _detectors.decode(detectors) if detectors else _Detectors(Watch(), {})
    board_now = _judged.decode(judged) if judged else _Judged(BoardState(), set())
    return CentreState(watch=kept.watch, marks=kept.marks, board=board_now.board, silent=board_now.silent)
