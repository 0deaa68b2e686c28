from __future__ import annotations

import msgspec

from analytics.forecast import MOST, Forecast, Outcome, Quantity, came, read, record, withdrawn, written


def said(made: int = 0, p50: int = 1_380_000) -> Forecast:
    return Forecast(
        device="sz-futian/ups-1", kind="on_battery", quantity=Quantity.RUNTIME, made=made, start=0, p10=p50 - 180_000,
        p50=p50, p90=p50 + 180_000, version="runtime-1",
    )  # fmt: skip


def test_what_was_said_is_scored_by_what_came() -> None:
    answered = came(said(), 1_260_000, 1_260_500)
    assert answered.outcome is Outcome.CAME
    assert answered.inside
    assert answered.error is not None
    assert round(answered.error, 3) == -0.087
    assert answered.id == said().id


def test_an_answer_is_final() -> None:
    answered = came(said(), 1, 2)
    assert came(answered, 3, 4) == withdrawn(answered, 5) == answered
    gone = withdrawn(said(), 7)
    assert came(gone, 8, 9) == gone
    assert gone.error is None
    assert gone.inside is None


def test_the_record_counts_what_came_and_tells_what_did_not() -> None:
    rows = [came(said(1), 1_380_000, 0), came(said(2), 900_000, 0), withdrawn(said(3), 0), said(4)]
    found = record(rows)
    assert found is not None
    assert (found.n, found.inside, found.early, found.open, found.withdrawn) == (2, 0.5, 0.5, 1, 1)
    assert record([]) is None
    only_open = record([said()])
    assert only_open is not None
    assert only_open.n == 0


def test_a_state_keeps_the_open_ones_and_the_newest_answers() -> None:
    rows = [said(0), *(came(said(n), n, n) for n in range(1, MOST + 10))]
    state = msgspec.msgpack.decode(msgspec.msgpack.encode({"forecasts": written(rows)}))
    kept = read(state)
    assert len(kept) == MOST
    assert kept[0] == rows[0]
    assert kept[1:] == rows[-(MOST - 1) :]
