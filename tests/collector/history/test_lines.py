"""Our line protocol against influxdb-client's own encoder."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from influxdb_client import Point, WritePrecision

from collector.history.lines import LineEncoder
from collector.history.places import PLACES, QUALITY
from model.reading import Reading

_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\\"), min_size=1, max_size=8
)
_READINGS = st.lists(
    st.builds(
        Reading,
        device=st.tuples(_WORDS, st.sampled_from(["ups 1", "a=b", "c,d", "50%", "机房"])).map("/".join),
        point=st.sampled_from(sorted(PLACES)),
        index=st.sampled_from([None, "1", "2", "eth 0"]),
        at=st.integers(1, 2**42),
        value=st.floats(allow_nan=False, allow_infinity=False),
        quality=st.integers(0, 2),
    ),
    max_size=30,
)


def _oracle(readings: list[Reading]) -> dict[tuple[str, str, str, int], str]:
    """Each field of each line as influxdb-client writes it."""
    found = {}
    for r in readings:
        measurement, field = PLACES[r.point]
        point = Point(measurement).tag("device", r.device).tag("index", r.index).tag("site", r.device.partition("/")[0])
        point = point.time(r.at, WritePrecision.MS)
        found.update(_fields([point.field(field, float(r.value)).to_line_protocol()]))
        if r.quality:
            marked = Point(measurement).tag("device", r.device).tag("index", r.index)
            marked = marked.tag("site", r.device.partition("/")[0]).time(r.at, WritePrecision.MS)
            found.update(_fields([marked.field(field + QUALITY, float(r.quality)).to_line_protocol()]))
        else:
            found.pop((*next(iter(_fields([point.to_line_protocol()])))[:1], field + QUALITY, "", r.at), None)
    return found


def _fields(lines: list[str]) -> dict[tuple[str, str, str, int], str]:
    found = {}
    for line in filter(None, lines):
        head, fields, at = line.rsplit(" ", 2)
        for each in fields.split(","):
            name, value = each.split("=")
            found[head, name, "", int(at)] = repr(float(value))
    return found


@given(_READINGS)
def test_our_lines_say_what_influxdb_clients_encoder_says(readings: list[Reading]) -> None:
    encoder = LineEncoder()
    assert _fields(encoder.encode(readings).split("\n")) == _oracle(readings)
    assert _fields(encoder.encode(readings).split("\n")) == _oracle(readings), "from the cached templates, too"


def test_one_instant_of_one_device_is_one_line_a_measurement() -> None:
    readings = [
        Reading(device="s/u", point="battery.voltage", index=None, at=5, value=218.5),
        Reading(device="s/u", point="battery.charge", index=None, at=5, value=97.0),
        Reading(device="s/u", point="input.voltage", index="1", at=5, value=231.0, quality=2),
    ]
    assert LineEncoder().encode(readings).split("\n") == [
        "battery,device=s/u,site=s voltage=218.5,charge=97.0 5",
        "input,device=s/u,index=1,site=s voltage=231.0,voltage_quality=2.0 5",
    ]
