"""A switch down explains the ports that lead to it."""

from __future__ import annotations

import msgspec

from model.finding import Raised
from tests.alerts.site import Board, finding
from tests.alerts.test_reach import CABLES, board, fall_silent, open_incidents


def port_down(made: Board, device: str, index: str, since: float) -> None:
    down = msgspec.structs.replace(finding(device, "port_down", since), index=index)
    made.hear(since + 10, Raised(finding=down))
    for second in range(int(since) + 11, int(since) + 30):
        made.tick(second)


class TestPortsThatLeadToASilentDevice:
    def test_a_port_seen_first_joins_the_silence_when_it_counts(self) -> None:
        made = board()
        port_down(made, "core", "2", 100)
        fall_silent(made, 105, "acc-2")
        assert open_incidents(made) == {"acc-2": ["acc-2", "core"]}

    def test_a_port_seen_later_joins_at_once(self) -> None:
        made = board()
        fall_silent(made, 100, "acc-2")
        port_down(made, "core", "2", 170)
        assert open_incidents(made) == {"acc-2": ["acc-2", "core"]}

    def test_the_port_is_known_by_its_number_as_well_as_by_its_name(self) -> None:
        cables = tuple(
            msgspec.structs.replace(cable, port=f"Gi1/0/{cable.port}", number=cable.port) for cable in CABLES
        )
        made = board(cables)
        port_down(made, "core", "2", 100)
        fall_silent(made, 105, "acc-2")
        assert open_incidents(made) == {"acc-2": ["acc-2", "core"]}

    def test_another_port_or_another_time_is_a_case_of_its_own(self) -> None:
        for index, since in (("3", 100), ("2", 700)):
            made = board()
            fall_silent(made, 105, "acc-2")
            port_down(made, "core", index, since)
            assert set(open_incidents(made)) == {"acc-2", f"core#{index}"}
