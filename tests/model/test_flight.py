"""The file of a recording: what is written is read, and whatever else comes is a problem with its line."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import flight
from model.attachment import MOST_CONTENT, AttachmentError, Data, pack, unpack
from model.flight import Asked, Flight, Header, Octets, Value, Why, Wired

UPS, SWITCH = "sz/ups-1", "sz/sw-1"
HEADER = Header(
    flight=1,
    agent="0.1.0",
    site="sz",
    link="ttyUSB0",
    devices=(
        Wired(id=UPS, scheme="modbus+rtu", options={"unit": "1"}, profiles=("huawei_ups2000",)),
        Wired(id=SWITCH, scheme="modbus+rtu"),
    ),
    why=Why(kind="changed", device=UPS, point="ups.source", before=3, after=5),
    at=1_790_000_000_000,
    event=60.5,
)

arcs = st.lists(st.integers(0, 2**32 - 1), min_size=0, max_size=8)
oids = arcs.map(lambda rest: ".".join(map(str, (1, 3, *rest))))
values: st.SearchStrategy[Value] = st.one_of(
    st.none(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.binary(max_size=40), oids
)  # fmt: skip
devices = st.sampled_from([UPS, SWITCH, ""])
octets = st.builds(Octets, t=st.just(0.0), way=st.sampled_from(["<", ">"]), device=devices, data=st.binary(max_size=60))
pairs = st.lists(st.tuples(oids, values), max_size=4).map(tuple)
gets = st.builds(
    Asked, t=st.just(0.0), device=devices, verb=st.just("get"), oids=st.lists(oids, max_size=4).map(tuple), values=pairs
)
walks = st.builds(Asked, t=st.just(0.0), device=devices, verb=st.just("walk"), oids=st.tuples(oids), values=pairs)
failures = st.builds(
    Asked, t=st.just(0.0), device=devices, verb=st.just("get"), oids=st.tuples(oids), failure=st.just("no_answer"), raw=st.text(max_size=20)
)  # fmt: skip
pauses = st.floats(0, 1e5)


@st.composite
def flights(draw: st.DrawFn) -> Flight:
    now, frames = 0.0, []
    for frame in draw(st.lists(st.one_of(octets, gets, walks, failures), max_size=12)):
        now = round(now + draw(pauses), 3)
        frames.append(msgspec.structs.replace(frame, t=now))
    return Flight(header=HEADER, frames=tuple(frames))


@given(flights())
def test_what_is_written_is_read(one: Flight) -> None:
    assert flight.read(flight.dump(one)) == (one, [])
    assert unpack(pack(one)) == flight.dump(one)


@settings(max_examples=200)
@given(st.data())
def test_a_spoiled_file_is_a_problem_with_a_line_or_still_a_recording(data: st.DataObject) -> None:
    body = bytearray(flight.dump(data.draw(flights())))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    found, problems = flight.read(bytes(body), "x")
    assert (found is None) == bool(problems)
    for problem in problems:
        assert problem.line <= body.count(b"\n") + 1
        assert problem.got
        assert "x:" in problem.render("zh")


@given(st.binary(max_size=400))
def test_bytes_that_are_no_recording_are_a_problem_at_the_first_line(body: bytes) -> None:
    found, (problem,) = flight.read(body)
    assert found is None
    assert problem.line == 1


GOOD = flight.dump(Flight(header=HEADER, frames=())).decode()


@pytest.mark.parametrize(
    ("lines", "line", "key"),
    [
        ([""], 1, ""),
        (["{}"], 1, ""),
        ([GOOD.replace('"flight":1', '"flight":2')], 1, "flight"),
        ([json.dumps({**json.loads(GOOD), "devices": []})], 1, "devices"),
        ([GOOD.replace("modbus+rtu", "snmp", 1)], 1, "devices"),
        ([GOOD, "not json"], 2, ""),
        ([GOOD, '{"t":0,"way":">","device":"sz/ups-1"}'], 2, "hex"),
        ([GOOD, '{"t":0,"way":">","device":"sz/ups-1","hex":"0"}'], 2, "hex"),
        ([GOOD, '{"t":0,"way":">","device":"sz/ups-9","hex":"00"}'], 2, "device"),
        ([GOOD, '{"t":5,"way":">","device":"","hex":"00"}', '{"t":4,"way":">","device":"","hex":"00"}'], 3, "t"),
        ([GOOD, '{"t":-1,"way":">","device":"","hex":"00"}'], 2, "t"),
        ([GOOD, '{"t":1e400,"way":">","device":"","hex":"00"}'], 2, ""),
        ([GOOD, '{"t":0,"way":"?","device":"","hex":"00"}'], 2, ""),
        ([GOOD, '{"t":0,"way":"=","device":""}'], 2, "get"),
        ([GOOD, '{"t":0,"way":"=","device":"","get":["1.3"]}'], 2, "values"),
        ([GOOD, '{"t":0,"way":"=","device":"","get":["x"],"values":[]}'], 2, "oid"),
        ([GOOD, '{"t":0,"way":"=","device":"","get":["1.3"],"values":[["1.3","int","7"]]}'], 2, "values"),
        ([GOOD, '{"t":0,"way":"=","device":"","get":["1.3"],"values":[["1.3","octets","zz"]]}'], 2, "values"),
        ([GOOD, "[" * 100_000], 2, ""),
    ],
)
def test_each_mistake_is_told_with_its_line(lines: list[str], line: int, key: str) -> None:
    body = "\n".join(one.rstrip("\n") for one in lines).encode()
    found, (problem,) = flight.read(body, "f")
    assert found is None
    assert (problem.line, problem.key) == (line, key)


def test_keys_of_a_later_version_are_skipped() -> None:
    more = GOOD.replace('"site"', '"weather":"fine","site"') + '{"t":0,"way":">","device":"","hex":"00","note":1}\n'
    found, problems = flight.read(more.encode())
    assert found is not None, problems
    assert len(found.frames) == 1


def test_a_long_recording_loses_its_oldest_frames_and_says_how_many() -> None:
    frames = tuple(
        Octets(t=float(n), way=">", device=UPS, data=(n * 2_654_435_761 % 2**32).to_bytes(4, "big") * 8)
        for n in range(20_000)
    )
    data = pack(Flight(header=msgspec.structs.replace(HEADER, event=19_000.0), frames=frames))
    assert len(str(data["content"])) <= MOST_CONTENT
    found, problems = flight.read(unpack(data))
    assert found is not None, problems
    cut = found.header.cut
    assert cut + len(found.frames) == 20_000
    assert found.frames[0].t == 0
    assert found.header.event == 19_000.0 - cut
    assert data["why"] == "ups.source 3 -> 5"
    assert (data["kind"], data["point"]) == ("changed", "ups.source")


def spoiled(**change: str | int) -> Data:
    return pack(Flight(header=HEADER, frames=())) | change


@pytest.mark.parametrize(
    "data",
    [
        {},
        spoiled(sha256="0" * 64),
        spoiled(bytes=1),
        spoiled(name="../../etc/passwd"),
        spoiled(content="%%%"),
        spoiled(content="AAAA"),
        spoiled(content="A" * (MOST_CONTENT + 4)),
        spoiled(content=b64encode(zlib.compress(bytes(8 * 1024 * 1024), 9)).decode()),
        spoiled(content=b64encode(zlib.compress(b"x") + b"more").decode()),
    ],
)
def test_what_is_no_attachment_is_refused_with_a_reason(data: Data) -> None:
    with pytest.raises(AttachmentError, match="expected"):
        unpack(data)
