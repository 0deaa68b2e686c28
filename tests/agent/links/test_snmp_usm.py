"""SNMPv3 headers: any bytes, every signature, time that goes forward only. Pure."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.links.snmp_engines import Engines
from agent.links.snmp_reach import Reach
from agent.links.snmp_session import Verdict, well_formed
from agent.links.snmp_usm import Engine, EngineChanged, Report, Signer, Usm, parse

ME, OTHER = b"\x80\x00\x1f\x88\x04me", b"\x80\x00\x1f\x88\x04other"
SENT = {"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    return bytes([tag]) + (bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")) + content


def message(
    *, engine: bytes = ME, boots: int = 3, time_s: int = 1000, flags: int = 1, report: int = 0, hole: int = 24
) -> bytes:
    """A message whose signature is all zeros."""
    header = tlv(2, b"\x11\x22\x33\x44") + tlv(2, b"\x05\xdc") + tlv(4, bytes([flags])) + tlv(2, b"\x03")
    numbers = tlv(2, boots.to_bytes(4, "big")) + tlv(2, time_s.to_bytes(4, "big"))
    security = tlv(4, engine) + numbers + tlv(4, b"user") + tlv(4, bytes(hole)) + tlv(4, b"")
    oid = tlv(6, bytes((0x2B, 6, 1, 6, 3, 15, 1, 1, report, 0)))
    body = tlv(0x30, tlv(0x30, oid + tlv(0x41, b"\x01"))) if report else tlv(0x30, b"")
    pdu = tlv(0xA8 if report else 0xA2, tlv(2, b"\x01") + tlv(2, b"\x00") + tlv(2, b"\x00") + body)
    scoped = tlv(0x30, tlv(4, engine) + tlv(4, b"") + pdu)
    return tlv(0x30, b"\x02\x01\x03" + tlv(0x30, header) + tlv(4, tlv(0x30, security)) + scoped)


def signed(data: bytes, key: bytes = bytes(32), hash_name: str = "sha256") -> bytes:
    place = parse(data).signature
    return data[: place.start] + hmac.digest(key, data, hash_name)[: SENT[hash_name]] + data[place.stop :]


def guard(engine: Engine | None = None) -> Usm:
    usm = Usm(engine or Engine(id=ME, boots=3, time_s=1000))
    usm.trust("sha256", bytes(32))
    return usm


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_garbage_or_judged(data: bytes) -> None:
    assert guard().judge(data) in Verdict
    well_formed(data)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_signed_message_with_any_change_is_never_taken(data: st.DataObject) -> None:
    sound = signed(message())
    spoiled = bytearray(sound)
    place = data.draw(st.integers(0, len(sound) - 1))
    spoiled[place] ^= data.draw(st.integers(1, 255))
    try:
        assert guard().judge(bytes(spoiled)) is not Verdict.TAKE
    except EngineChanged:
        pytest.fail("a reply is no report")


@pytest.mark.parametrize("hash_name", SENT)
def test_every_signature_is_that_of_the_standard_library(hash_name: str) -> None:
    key = bytes(range(20))
    data = message(hole=SENT[hash_name])
    place = parse(data).signature
    assert Signer(hash_name, key).sign(data, place) == hmac.digest(key, data, hash_name)[: SENT[hash_name]]


@pytest.mark.parametrize(
    ("boots", "time_s", "verdict"),
    [(3, 1000, "take"), (3, 860, "take"), (3, 840, "drop"), (4, 1, "take"), (2, 9_999, "drop")],
)
def test_the_time_of_an_engine_goes_forward_only(boots: int, time_s: int, verdict: str) -> None:
    usm = guard()
    assert usm.judge(signed(message(boots=boots, time_s=time_s))) is Verdict(verdict)
    assert usm.engine.fell == (verdict == "drop")


@pytest.mark.parametrize(
    ("report", "is_signed", "taken"),
    [(Report.DIGEST, False, True), (Report.USER, False, True), (Report.TIME_WINDOW, True, True), (Report.TIME_WINDOW, False, False)],
)  # fmt: skip
def test_only_complaints_may_be_unsigned(report: Report, is_signed: bool, taken: bool) -> None:
    data = message(report=report, flags=int(is_signed))
    usm = guard()
    assert (usm.judge(signed(data) if is_signed else data) is Verdict.TAKE) is taken
    assert usm.report is report


def test_an_unsigned_answer_is_dropped_and_counted() -> None:
    usm = guard()
    assert usm.judge(message(flags=0)) is Verdict.DROP
    assert usm.engine.forged == 1


def test_another_engine_is_believed_only_where_it_says_that_it_does_not_know_ours() -> None:
    assert guard().judge(message(engine=OTHER)) is Verdict.DROP
    with pytest.raises(EngineChanged):
        guard().judge(message(engine=OTHER, report=Report.ENGINE, flags=0))


def test_engines_that_share_an_id_are_named_once() -> None:
    engines = Engines()
    assert engines.met(ME, "10.0.0.1:161", "s/a") == ()
    assert engines.met(ME, "10.0.0.2:161", "s/b") == ("s/a 10.0.0.1:161", "s/b 10.0.0.2:161")
    assert engines.met(ME, "10.0.0.2:161", "s/b") == ()
    assert engines.others(ME, "10.0.0.1:161") == ("s/b 10.0.0.2:161",)
    engines.met(OTHER, "10.0.0.2:161", "s/b")  # it was given an id of its own
    assert engines.shared() == {}


def test_a_size_that_fails_again_and_again_is_tried_ever_more_rarely() -> None:
    reach, tried = Reach(8, 60), 0
    for _ in range(2000):
        size = reach.size
        tried += size > 10
        if size > 10:
            reach.failed(size)
        else:
            reach.worked(size)
    assert tried < 25
    assert reach.size > 1
