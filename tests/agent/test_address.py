"""URLs of devices: read once, and every mistake told with what was expected and how to mend it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.address import AddressError, DeviceUrl


def test_two_units_of_one_bus_share_its_owner() -> None:
    one = DeviceUrl.parse("modbus+rtu:///dev/ttyUSB0?unit=1&baud=9600")
    two = DeviceUrl.parse("modbus+rtu:///dev/ttyUSB0?unit=2&baud=9600")
    assert (one.unit, two.unit) == (1, 2)
    assert one.link_key == two.link_key == "serial:/dev/ttyUSB0"


def test_ports_have_their_customs() -> None:
    assert DeviceUrl.parse("snmp://192.0.2.1").port == 161
    assert DeviceUrl.parse("modbus+tcp://ups.example").port == 502
    assert DeviceUrl.parse("snmp://[2001:db8::1]:1161").host == "2001:db8::1"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("modbus://192.0.2.1", "one of"),
        ("modbus+tcp://", "a host"),
        ("modbus+rtu://ttyUSB0", "three slashes"),
        ("modbus+rtu:///dev/ttyUSB0?speed=9600", "options"),
        ("modbus+rtu:///dev/ttyUSB0?unit=300", "1 to 255"),
        ("modbus+rtuovertcp://192.0.2.1:4001?unit=0", "1 to 255"),
        ("modbus+rtuovertcp://192.0.2.1", "a port"),
        ("modbus+tcp://192.0.2.1:99999", "a device URL"),
        ("snmp://192.0.2.1?version=3", "version"),
        ("", "one of"),
    ],
)
def test_a_mistake_is_told_in_both_languages(url: str, expected: str) -> None:
    with pytest.raises(AddressError) as caught:
        DeviceUrl.parse(url)
    assert expected in caught.value.expected.en
    assert caught.value.expected.zh
    assert caught.value.fix.zh


@pytest.mark.parametrize("url", ["snmp://192.0.2.1?community=s3cret", "snmp://user:s3cret@192.0.2.1"])
def test_a_literal_secret_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        DeviceUrl.parse(url)
    assert "s3cret" not in f"{caught.value} {caught.value.got}"


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_an_address_error(text: str) -> None:
    for prefix in ("", "snmp://", "modbus+tcp://", "modbus+rtu://"):
        with contextlib.suppress(AddressError):
            assert DeviceUrl.parse(prefix + text).link_key


@pytest.mark.parametrize(
    "url", ["snmp://h:99999?community=5ec3e7", "5ec3e7@h:99?community=5ec3e7", "snmp://u:5ec3e7@[h?community=x"]
)
def test_a_url_that_cannot_be_read_is_not_repeated_with_its_secrets(url: str) -> None:
    with pytest.raises(AddressError) as told:
        DeviceUrl.parse(url)
    assert "5ec3e7" not in str(told.value)


V3 = "snmp://192.0.2.5?version=3&user=watch&auth=sha&auth_key=env:A&priv=aes&priv_key=file:p"


def test_an_snmp_user_is_read() -> None:
    url = DeviceUrl.parse(V3)
    assert (url.option("user"), url.option("auth"), url.option("priv_key")) == ("watch", "sha", "file:p")
    assert url.link_key != DeviceUrl.parse(V3.replace("watch", "other")).link_key


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (V3.replace("env:A", "literal-words"), "a reference env:NAME or file:PATH"),
        (V3.replace("auth=sha&", "auth=sha3&"), "one of md5, sha1"),
        (V3.replace("priv=aes&", "priv=3des&"), "one of des, aes128"),
        (V3.replace("&auth_key=env:A", ""), "auth_key with auth"),
        (V3.replace("&priv_key=file:p", ""), "priv_key with priv"),
        (V3.replace("&auth=sha&auth_key=env:A", ""), "auth with priv"),
        (V3.replace("user=watch&", ""), "user with version=3"),
        (V3.replace("version=3&", ""), "version=3 with user"),
        (V3 + "&community=env:C", "no community with version=3"),
        ("snmp://192.0.2.5?version=4", "version 1, 2c or 3"),
        ("snmp://192.0.2.5?budget=0", "seconds from 1 to 600"),
    ],
)
def test_an_snmp_user_that_cannot_be_is_told_without_its_secret(url: str, expected: str) -> None:
    with pytest.raises(AddressError) as told:
        DeviceUrl.parse(url)
    assert expected in str(told.value)
    assert "literal-words" not in str(told.value)
