"""Datagrams taken apart: what is no trap is an error of ours with words, never one of a library; nothing hangs."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import encoder
from pysnmp.proto.api import v1, v2c

from agent.traps import community, message, usm
from agent.traps.community import Said, Undecoded
from agent.traps.message import MOST_BINDS, MOST_LINE, Bind, Level, Notice
from agent.traps.usm import Header, Times


def v2_trap(*binds: tuple[str, object], inform: bool = False, name: str = "c0mm") -> bytes:
    pdu = v2c.InformRequestPDU() if inform else v2c.SNMPv2TrapPDU()
    v2c.apiPDU.set_defaults(pdu)
    first = [
        ("1.3.6.1.2.1.1.3.0", v2c.TimeTicks(1234)),
        ("1.3.6.1.6.3.1.1.4.1.0", v2c.ObjectIdentifier("1.3.6.1.6.3.1.1.5.3")),
    ]
    v2c.apiPDU.set_varbinds(pdu, [(v2c.ObjectIdentifier(oid), value) for oid, value in [*first, *binds]])
    whole = v2c.Message()
    v2c.apiMessage.set_defaults(whole)
    v2c.apiMessage.set_community(whole, name)
    v2c.apiMessage.set_pdu(whole, pdu)
    return bytes(encoder.encode(whole))


def v1_trap(enterprise: str, generic: int, specific: int) -> bytes:
    pdu = v1.TrapPDU()
    v1.apiTrapPDU.set_defaults(pdu)
    v1.apiTrapPDU.set_enterprise(pdu, enterprise)
    v1.apiTrapPDU.set_generic_trap(pdu, generic)
    v1.apiTrapPDU.set_specific_trap(pdu, specific)
    v1.apiTrapPDU.set_agent_address(pdu, "192.0.2.7")
    whole = v1.Message()
    v1.apiMessage.set_defaults(whole)
    v1.apiMessage.set_community(whole, "c0mm")
    v1.apiMessage.set_pdu(whole, pdu)
    return bytes(encoder.encode(whole))


@pytest.mark.parametrize(
    ("enterprise", "generic", "specific", "oid"),
    [
        ("1.3.6.1.4.1.318", 6, 5, "1.3.6.1.4.1.318.0.5"),
        ("1.3.6.1.2.1.33.2", 6, 1, "1.3.6.1.2.1.33.2.0.1"),
        ("1.3.6.1.4.1.9", 0, 0, "1.3.6.1.6.3.1.1.5.1"),
        ("1.3.6.1.4.1.9", 2, 0, "1.3.6.1.6.3.1.1.5.3"),
        ("1.3.6.1.4.1.9", 4, 99, "1.3.6.1.6.3.1.1.5.5"),
    ],
)
def test_a_v1_trap_is_named_as_v2_names_it(enterprise: str, generic: int, specific: int, oid: str) -> None:
    said = community.said(v1_trap(enterprise, generic, specific))
    assert (said.version, said.oid, said.agent, said.community) == ("1", oid, "192.0.2.7", b"c0mm")


def test_variables_are_told_by_kind_and_bounded() -> None:
    said = community.said(
        v2_trap(
            ("1.3.6.1.2.1.2.2.1.1.3", v2c.Integer(3)),
            ("1.3.6.1.2.1.1.5.0", v2c.OctetString("机房".encode())),
            ("1.3.6.1.2.1.1.6.0", v2c.OctetString(b"\xff\xfe\x00\x01")),
            ("1.3.6.1.2.1.33.1.6.2.1.2.1", v2c.ObjectIdentifier("1.3.6.1.2.1.33.1.6.3.2")),
            ("1.3.6.1.6.3.18.1.3.0", v2c.IpAddress("192.0.2.9")),
            ("1.3.6.1.4.1.1.1", v2c.Counter64(2**63)),
            *[(f"1.3.6.1.4.1.1.2.{n}", v2c.OctetString("x" * 900)) for n in range(200)],
        )
    )
    assert said.binds[:4] == (
        Bind("1.3.6.1.2.1.2.2.1.1.3", "int", 3),
        Bind("1.3.6.1.2.1.1.5.0", "text", "机房"),
        Bind("1.3.6.1.2.1.1.6.0", "text", "0xfffe0001"),
        Bind("1.3.6.1.2.1.33.1.6.2.1.2.1", "oid", "1.3.6.1.2.1.33.1.6.3.2"),
    )
    assert (said.uptime_s, said.agent, said.oid, said.inform) == (12.34, "192.0.2.9", "1.3.6.1.6.3.1.1.5.3", False)
    assert len(said.binds) <= MOST_BINDS
    notice = Notice(source="192.0.2.1", version="2c", level=Level.COMMUNITY, oid=said.oid, binds=said.binds * 50)
    line = message.line_of(notice)
    assert len(line) <= MOST_LINE + 1
    heard = message.up(line)
    assert isinstance(heard, Notice)
    assert heard.binds[:4] == said.binds[:4]


def test_an_inform_is_answered_with_its_own_variables_and_number() -> None:
    asked = v2_trap(("1.3.6.1.2.1.1.5.0", v2c.OctetString("x")), inform=True)
    assert community.said(asked).inform
    answer, question = (v2c.apiMessage.get_pdu(_decoded(one)) for one in (community.acknowledgement(asked), asked))
    assert v2c.apiPDU.get_request_id(answer) == v2c.apiPDU.get_request_id(question)
    assert isinstance(answer, v2c.ResponsePDU)
    assert [str(oid) for oid, _ in v2c.apiPDU.get_varbinds(answer)] == [
        str(oid) for oid, _ in v2c.apiPDU.get_varbinds(question)
    ]


def _decoded(datagram: bytes):  # type: ignore[no-untyped-def]
    from pyasn1.codec.ber import decoder

    return decoder.decode(datagram, asn1Spec=v2c.Message())[0]


#: A v3 trap of `snmptrap -v3 -l authPriv` is a SEQUENCE of these; enough for the fuzzer to break in interesting places.
V3 = bytes.fromhex(
    "303e020103301102047a69b5e7020300ffe304010302010304243022040880001f8880c0ffee020100020100040774726170706572040c"
) + bytes(20)
SEEDS = [
    v2_trap(("1.3.6.1.2.1.1.5.0", v2c.OctetString("x"))),
    v1_trap("1.3.6.1.4.1.318", 6, 5),
    v2_trap(inform=True),
    V3,
]


@settings(max_examples=200, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    cut=st.integers(0, 200),
    edits=st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=8),
    tail=st.binary(max_size=8),
)
def test_a_broken_datagram_is_undecoded_or_something_sound(
    seed: bytes, cut: int, edits: list[tuple[int, int]], tail: bytes
) -> None:
    octets = bytearray(seed[: cut or None])
    for place, value in edits:
        if place < len(octets):
            octets[place] = value
    datagram = bytes(octets) + tail
    with suppress(Undecoded):
        said = community.said(datagram)
        assert isinstance(said, Said)
        assert (
            len(
                message.line_of(
                    Notice(source="::", version=said.version, level=Level.NONE, oid=said.oid, binds=said.binds)
                )
            )
            <= MOST_LINE + 1
        )
        if said.inform:
            assert community.acknowledgement(datagram)
    with suppress(Undecoded):
        assert isinstance(usm.header_of(datagram), Header)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_octets_are_undecoded_or_something_sound(datagram: bytes) -> None:
    sound = {community.version_of: int, community.said: Said, usm.header_of: Header}
    for decode, kind in sound.items():
        with suppress(Undecoded):
            assert isinstance(decode(datagram), kind)


def test_a_nest_of_ten_thousand_sequences_is_undecoded() -> None:
    nest = b""
    for _ in range(10_000):
        nest = b"\x30\x82" + (len(nest) & 0xFFFF).to_bytes(2, "big") + nest[:16_000]
    for decode in (community.said, usm.header_of):
        with pytest.raises(Undecoded):
            decode(nest[:16_000])


def at(boots: int, time: int) -> Header:
    return Header(user="u", engine_id="80001f8880c0ffee", level=Level.AUTH_PRIV, boots=boots, time=time)


def test_a_recorded_message_is_refused_when_its_time_has_passed() -> None:
    times = Times()
    assert times.fresh(at(3, 1000), 0.0)
    times.saw(at(3, 1000), 0.0)
    assert times.fresh(at(3, 1100), 100.0)
    assert times.fresh(at(3, 1000), 100.0), "a datagram may be a little late"
    assert not times.fresh(at(3, 1000), 200.0)
    assert not times.fresh(at(2, 999_999), 1.0)
    assert times.fresh(at(4, 1), 200.0), "the sender has restarted"
    times.saw(at(4, 1), 200.0)
    assert not times.fresh(at(3, 1300), 201.0)
