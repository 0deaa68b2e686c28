"""The agent's datagrams, taken apart by pysnmp's own codec."""

from __future__ import annotations

from typing import Any

import pytest
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

from simulators import envelope, if_mib, rfc1628, scenario_file, snmp, world
from simulators.objects import Objects, Oid, Value, counter32, counter64, encoded, integer, objectid, timeticks, view
from simulators.scenario import Event, Scenario
from simulators.ups import UpsState
from tests.services.simulated import DEMO

UPS = (1, 3, 6, 1, 2, 1, 33, 1)
OBJECTS: Objects = {
    (1, 3, 6, 1, 1, 1, 0): integer(7),
    (1, 3, 6, 1, 2, 1, 1): counter64(2**63),
    (1, 3, 6, 1, 2, 1, 2): counter32(2**32 + 5),
    (1, 3, 6, 1, 2, 2, 1): timeticks(12.34),
}


def datagram(kind: Any, *oids: Oid, bulk: tuple[int, int] | None = None, community: str = "public") -> bytes:
    pdu = kind()
    api = v2c.apiBulkPDU if bulk else v2c.apiPDU
    api.set_defaults(pdu)
    api.set_request_id(pdu, 4711)
    if bulk:
        api.set_non_repeaters(pdu, bulk[0])
        api.set_max_repetitions(pdu, bulk[1])
    api.set_varbinds(pdu, [(oid, v2c.null) for oid in oids])
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, community)
    v2c.apiMessage.set_pdu(message, pdu)
    return bytes(encoder.encode(message))


def answer(raw: bytes, objects: Objects = OBJECTS) -> tuple[int, int, list[tuple[Oid, Any]]]:
    """Error status, error index and bindings of the reply, decoded by pysnmp."""
    asked = envelope.request(raw)
    assert asked
    message, rest = decoder.decode(snmp.reply(asked, view(objects, None)), asn1Spec=v2c.Message())
    assert not rest
    pdu = v2c.apiMessage.get_pdu(message)
    assert int(v2c.apiPDU.get_request_id(pdu)) == 4711
    bindings = [(tuple(oid), value) for oid, value in v2c.apiPDU.get_varbinds(pdu)]
    return int(v2c.apiPDU.get_error_status(pdu)), int(v2c.apiPDU.get_error_index(pdu)), bindings


def test_get_gives_each_value_in_its_type_and_says_which_are_missing() -> None:
    oids = (*OBJECTS, (1, 3, 6, 1, 2, 1, 9), (1, 3, 6, 1, 7, 7, 0))
    status, _, bindings = answer(datagram(v2c.GetRequestPDU, *oids))
    assert status == 0
    assert [oid for oid, _ in bindings] == list(oids)
    kinds = [type(value).__name__ for _, value in bindings]
    assert kinds == ["Integer", "Counter64", "Counter32", "TimeTicks", "NoSuchInstance", "NoSuchObject"]
    assert [int(value) for _, value in bindings[:4]] == [7, 2**63, 5, 1234]


def test_get_next_steps_through_everything_and_then_says_it_is_the_end() -> None:
    at, seen = (1, 3), []
    while True:
        ((at, value),) = answer(datagram(v2c.GetNextRequestPDU, at))[2]
        if type(value).__name__ == "EndOfMibView":
            break
        seen.append(at)
    assert seen == sorted(OBJECTS)


def test_get_bulk_takes_the_single_ones_first_and_stops_at_the_end() -> None:
    raw = datagram(v2c.GetBulkRequestPDU, (1, 3, 6, 1, 1), (1, 3, 6, 1, 2, 1), bulk=(1, 10))
    names = [oid for oid, _ in answer(raw)[2]]
    assert names[:4] == list(OBJECTS)
    assert len(names) == 5  # the last says endOfMibView


def test_a_bulk_reply_stays_below_one_frame_and_a_get_that_cannot_is_too_big() -> None:
    many = {(1, 3, 6, 1, 4, n): integer(n) for n in range(1, 2000)}
    asked = envelope.request(datagram(v2c.GetBulkRequestPDU, (1, 3), bulk=(0, 5000)))
    assert asked
    assert 1000 < len(snmp.reply(asked, view(many, None))) < 1472
    status, _, _ = answer(datagram(v2c.GetRequestPDU, *list(many)[:150]), many)
    assert status == 1


def test_set_is_not_writable_and_changes_nothing() -> None:
    status, index, _ = answer(datagram(v2c.SetRequestPDU, (1, 3, 6, 1, 1, 1, 0)))
    assert (status, index) == (17, 1)


@pytest.mark.parametrize("raw", [b"", b"\x30", b"hello", datagram(v2c.GetRequestPDU, (1, 3))[:-3], b"\xff" * 60])
def test_what_is_no_request_gets_no_answer(raw: bytes) -> None:
    assert envelope.request(raw) is None


def of_version_1(raw: bytes) -> bytes:
    return raw.replace(b"\x02\x01\x01\x04\x06public", b"\x02\x01\x00\x04\x06public")


def test_version_1_knows_no_bulk_no_64_bits_and_no_exceptions() -> None:
    assert envelope.request(of_version_1(datagram(v2c.GetBulkRequestPDU, (1, 3, 6), bulk=(0, 5)))) is None
    for missing in ((1, 3, 6, 1, 2, 1, 1), (1, 3, 6, 1, 7, 7, 0)):
        asked = of_version_1(datagram(v2c.GetRequestPDU, (1, 3, 6, 1, 1, 1, 0), missing))
        assert answer(asked)[:2] == (2, 2)
    ((stepped, value),) = answer(of_version_1(datagram(v2c.GetNextRequestPDU, (1, 3, 6, 1, 1, 1, 0))))[2]
    assert (stepped, int(value)) == ((1, 3, 6, 1, 2, 1, 2), 5)
    assert answer(of_version_1(datagram(v2c.GetNextRequestPDU, (1, 4))))[:2] == (2, 1)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    read, _ = scenario_file.load(DEMO)
    assert read
    return read


def test_an_outage_fills_the_alarm_table_in_the_order_it_came_and_empties_it(scenario: Scenario) -> None:
    device = scenario.devices["sz-futian/ups-5"]

    def rows(present: world.World) -> list[Value]:
        state = present.states[device.id]
        assert isinstance(state, UpsState)
        objects = rfc1628.objects(device, world.meters(present, device), state)
        assert objects[(*UPS, 6, 1, 0)][1] == sum(oid[: len(UPS) + 4] == (*UPS, 6, 2, 1, 2) for oid in objects)
        return [value for oid, value in sorted(objects.items()) if oid[: len(UPS) + 4] == (*UPS, 6, 2, 1, 2)]

    def known(*numbers: int) -> list[Value]:
        return [objectid((*UPS, 6, 3, number)) for number in numbers]

    well = world.opening(scenario, 0)
    assert rows(well) == []
    fan = world.happen(scenario, well, Event(at=0, device=device.id, fault="fan"))
    assert rows(fan) == known(16)
    later = world.advance(scenario, fan, 60_000)
    dark = world.happen(scenario, later, Event(at=0, site="sz-futian", mains=False))
    assert rows(dark) == known(16, 2, 6, 10)
    back = world.happen(scenario, dark, Event(at=0, site="sz-futian", mains=True))
    assert rows(back) == known(16)


def test_the_small_counters_are_the_low_half_of_the_big_ones(scenario: Scenario) -> None:
    device = scenario.devices["sz-futian/sw-1"]
    meters = world.meters(world.opening(scenario, 0), device)
    assert meters["ifHCInOctets#1"] > 2**32
    objects = if_mib.objects(device, meters)
    small, _ = decoder.decode(encoded(objects[(1, 3, 6, 1, 2, 1, 2, 2, 1, 10, 1)]), asn1Spec=v2c.Counter32())
    big, _ = decoder.decode(encoded(objects[(1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6, 1)]), asn1Spec=v2c.Counter64())
    assert int(big) & 0xFFFFFFFF == int(small)
    assert int(big) == meters["ifHCInOctets#1"]
