"""The line protocol, as InfluxDB's documents and clients write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client import Point

from collector.neighbours.line_protocol import PRECISIONS, Bad, Line, lines

AT = 1_700_000_000


def one(text: str, precision: str = "ns") -> Line | Bad:
    (found,) = lines(text, precision)
    return found


def test_a_line_with_everything() -> None:
    found = one(f'my\\ m\\,x,a\\=b=c\\ d,e=f x=1,y=-2.5e3,z=12i,u=7u,t=T,f=false,s="a \\"b\\" \\\\ ,= c" {AT}123456789')
    assert found == Line(
        number=1,
        measurement="my m,x",
        tags={"a=b": "c d", "e": "f"},
        fields={"x": 1.0, "y": -2500.0, "z": 12, "u": 7, "t": True, "f": False, "s": 'a "b" \\ ,= c'},
        at=AT * 1000 + 123,
    )


@pytest.mark.parametrize(
    ("precision", "stamp"),
    [("s", AT), ("ms", AT * 1000), ("us", AT * 10**6), ("ns", AT * 10**9), ("m", AT // 60), ("h", AT // 3600)],
)
def test_a_time_counts_in_its_precision(precision: str, stamp: int) -> None:
    found = one(f"m f=1 {stamp}", precision)
    assert isinstance(found, Line)
    assert found.at is not None
    assert abs(found.at - AT * 1000) < PRECISIONS["h"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("m", "a space before the fields"),
        ("m f", "= after the field f"),
        ("m f=", "a value of f"),
        ("m f=abc", "a number, a boolean or a string"),
        ("m f=NaN", "a number, a boolean or a string"),
        ('m f="open', "the end of the string"),
        ("m,t f=1", "= after the tag t"),
        ("m,=x f=1", "a tag"),
        ("m f=1 yesterday", "a time stamp"),
        ("m f=1 1700000000", "is `precision` right?"),
        ("m f=1 1700000000000000000 x", "the end of the line"),
        (",t=1 f=1", "a measurement"),
    ],
)
def test_a_line_that_is_none_says_what_was_expected(text: str, why: str) -> None:
    found = one(text)
    assert isinstance(found, Bad)
    assert why in found.why


def test_lines_are_counted_over_comments_empty_ones_and_strings_of_several_lines() -> None:
    found = [*lines('# c\n\nm f="a\nb"\nbad\r\nm f=2\r\n', "ns")]
    assert [(type(each), each.number) for each in found] == [(Line, 3), (Bad, 5), (Line, 6)]


@given(st.text(max_size=200))
def test_any_text_is_read_to_its_end(text: str) -> None:
    for found in lines(text, "ns"):
        assert found.number >= 1


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\\\"'#"), min_size=1, max_size=8
)


@given(
    words,
    st.dictionaries(words, words, max_size=3),
    st.dictionaries(words, st.floats(-1e9, 1e9) | st.booleans() | st.integers(-9, 9) | words, min_size=1, max_size=3),
)
def test_what_influxdbs_client_writes_is_read_as_it_was_meant(
    name: str, tags: dict[str, str], fields: dict[str, float | bool | int | str]
) -> None:
    point = Point(name)
    for key, value in tags.items():
        point.tag(key, value)
    for key, value in fields.items():
        point.field(key, value)
    found = one(point.to_line_protocol())
    assert isinstance(found, Line), found
    assert (found.measurement, found.tags, found.fields) == (name, tags, fields)
