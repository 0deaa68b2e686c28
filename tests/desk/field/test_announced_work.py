"""Which visits announce work, and for how long."""

from __future__ import annotations

import pytest

from desk.visits import Visit, VisitState, work_of


def visit(**more: object) -> Visit:
    return Visit(**{"id": "V-000001", "site": "sz", "engineer": "zhou", "state": VisitState.PLANNED, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "span"),
    [
        ({"starts_at": 100, "ends_at": 200}, (100, 200)),
        ({"starts_at": 100, "ends_at": 200, "arrived_at": 90, "state": VisitState.ARRIVED}, (90, 200)),
        ({"ends_at": 200, "arrived_at": 120, "state": VisitState.ARRIVED}, (120, 200)),
        ({"starts_at": 100, "ends_at": 200, "done_at": 150, "state": VisitState.DONE}, (100, 150)),
        ({"starts_at": 100, "ends_at": 200, "done_at": 900, "state": VisitState.DONE}, (100, 200)),
        ({"starts_at": 100}, None),
        ({"ends_at": 200}, None),
        ({"arrived_at": 100, "state": VisitState.ARRIVED}, None),
        ({"starts_at": 100, "ends_at": 200, "state": VisitState.CALLED_OFF}, None),
    ],
)
def test_work_has_a_begin_and_an_end_that_was_planned(told: dict[str, object], span: tuple[int, int] | None) -> None:
    found = work_of(visit(**told))
    assert (found and (found.since, found.until)) == span


def test_work_on_a_device_is_on_that_device_and_on_a_site_on_all_of_it() -> None:
    one, every = (work_of(visit(starts_at=0, ends_at=9, device=device)) for device in ("sz/ups-1", None))
    assert one is not None
    assert every is not None
    places = ("sz/ups-1", "sz/ups-2", "szx/ups-1")
    assert [one.covers(place, 5) for place in places] == [True, False, False]
    assert [every.covers(place, 5) for place in places] == [True, True, False]
    assert [every.covers("sz/ups-1", at) for at in (-1, 0, 8, 9)] == [False, True, True, False]
