"""From what a switch says to what is opened: an optic whose light falls, then errors, then flaps, is one job; a watched one is none."""

from __future__ import annotations

from itertools import pairwise

from analytics.detector import Context
from model.finding import Changed, Cleared, Raised
from tests.alerts.site import Board
from tests.analytics.timeline import SWITCH, Line, context, of, raised, second, tell

HOUR, DAY = 3600.0, 86_400.0


def optic(lost_db: float, rate: float, falls: int, days: int = 24) -> Line:
    """A port said once an hour; on day 20 the light falls, on day 21 frames are damaged, on day 22 it flaps."""
    line = Line(SWITCH)
    errors = 0.0
    for n in range(days * 24):
        at, day = n * HOUR + 60, n / 24
        errors += round(rate * 4e6) if day >= 21 else 0
        line.say(at, sysUpTime=1e6 + at)
        line.say(at, "3", optics__rx_power=-5 - (lost_db if day >= 20 else 0) + 0.05 * (n % 3), optics__tx_power=-2)
        line.say(at, "3", ifInErrors=errors, ifInUcastPkts=n * 4e6, ifOutErrors=0, ifOutUcastPkts=n * 4e6)
        line.say(at, "3", ifOperStatus=1, ifAdminStatus=1)
    for fall in range(falls):
        for after, state in ((0, 2), (10, 2), (60, 1), (70, 1)):
            line.say(22 * DAY + 120 + fall * 90 + after, "3", ifOperStatus=state)
    return line


def board(line: Line) -> Board:
    made = Board()
    changes = tell(line, batch_s=DAY, context_of=known)
    for change in changes:
        at = change.at if isinstance(change, Cleared) else max(one.at for one in change.finding.evidence)
        made.hear(second(at), change)
        made.tick(second(at) + 700)
    return made


def known(device: str) -> Context:
    return context(device)


def test_light_errors_and_flaps_of_one_port_are_one_job() -> None:
    made = board(optic(3.0, 2e-5, 7))
    [port] = [incident for incident in made.incidents.values() if incident.key.cause == "port"]
    kinds = {made.alerts[member].kind for member in port.members}
    assert {"fibre_loss", "line_errors", "link_flapping"} <= kinds
    assert port.wants_ticket
    assert port.key.root == f"{SWITCH}#3"


def test_a_decibel_less_is_shown_and_is_no_job() -> None:
    made = board(optic(1.4, 0.0, 0))
    [port] = [incident for incident in made.incidents.values() if incident.key.cause == "port"]
    assert not port.wants_ticket


def test_a_restart_or_another_batch_size_changes_nothing() -> None:
    line = optic(3.0, 2e-5, 7)
    whole = [change for change in tell(line, batch_s=DAY) if isinstance(change, Raised | Changed | Cleared)]
    pieces = tell(line, batch_s=5 * HOUR)
    for kind in ("fibre_loss", "line_errors", "link_flapping"):
        assert of(whole, kind) == of(pieces, kind) != []
    times = [
        finding.since for kind in ("fibre_loss", "line_errors", "link_flapping") for finding in raised(whole, kind)
    ]
    assert all(before < after for before, after in pairwise(times))
