"""apcupsd as a source: its status list, told in the words of NUT and read as such.

    LINEV    : 231.0 Volts          input.voltage
    TIMELEFT : 42.0 Minutes         battery.runtime, in seconds
    STATUS   : ONBATT LOWBATT       OB LB

Facts: apcupsd manual, "Status report fields" and "NIS network server protocol".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from agent.address import DeviceUrl
from agent.drivers import nut
from agent.drivers.exchange import AskNamed, Exchange, Named, Request, Sample
from agent.profiles.form import Profile, Tier

PROFILE = Profile(id="apcupsd", driver="apcupsd", title=("apcupsd", "apcupsd"), source="apcupsd manual: NIS, status report fields")  # fmt: skip

#: field -> (variable of NUT, the unit that must stand behind the number, factor to NUT's unit)
_FIELDS: dict[str, tuple[str, str, float]] = {
    "LINEV": ("input.voltage", "Volts", 1), "LINEFREQ": ("input.frequency", "Hz", 1), "OUTPUTV": ("output.voltage", "Volts", 1),
    "OUTCURNT": ("output.current", "Amps", 1), "LOADPCT": ("ups.load", "Percent", 1), "BCHARGE": ("battery.charge", "Percent", 1),
    "TIMELEFT": ("battery.runtime", "Minutes", 60), "BATTV": ("battery.voltage", "Volts", 1),
    "ITEMP": ("ups.temperature", "C", 1), "AMBTEMP": ("ambient.temperature", "C", 1), "HUMIDITY": ("ambient.humidity", "Percent", 1), "LOTRANS": ("input.transfer.low", "Volts", 1),
    "HITRANS": ("input.transfer.high", "Volts", 1), "NOMINV": ("input.voltage.nominal", "Volts", 1),
    "NOMOUTV": ("output.voltage.nominal", "Volts", 1), "NOMBATTV": ("battery.voltage.nominal", "Volts", 1),
    "NOMPOWER": ("ups.realpower.nominal", "Watts", 1), "NOMAPNT": ("ups.power.nominal", "VA", 1),
}  # fmt: skip
_TEXTS = {"MODEL": "device.model", "SERIALNO": "device.serial", "FIRMWARE": "ups.firmware", "BATTDATE": "battery.date"}
_STATUS = {
    "ONLINE": "OL", "ONBATT": "OB", "LOWBATT": "LB", "REPLACEBATT": "RB", "OVERLOAD": "OVER", "TRIM": "TRIM", "BOOST": "BOOST",
    "CAL": "CAL", "BYPASS": "BYPASS",
}  # fmt: skip
_TESTS = {"OK": "Done and passed", "NO": "No test initiated", "NG": "Failed", "BT": "Failed", "IP": "In progress"}
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s+([A-Za-z]+).*")


def plan(_profile: Profile, _url: DeviceUrl, _tier: Tier) -> list[Request]:
    """The one question."""
    return [AskNamed()]


def narrow(_profile: Profile, _url: DeviceUrl, _tier: Tier, _refused: Request) -> list[Request]:
    """There is nothing smaller."""
    return []


def read(_profile: Profile, _url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """The points of a tier."""
    return [sample for one in exchanges for sample in nut.samples(_answer(one.answer), tier, one.at)]


def _answer(answer: object) -> object:
    return Named(in_words_of_nut(answer.values)) if isinstance(answer, Named) else answer


def in_words_of_nut(fields: Mapping[str, str]) -> dict[str, str]:
    """A status list by NUT's names and in NUT's units. A number with another unit than expected is left out."""
    values = {"driver.name": "apcupsd", "device.mfr": "APC"}
    for field, (name, unit, factor) in _FIELDS.items():
        found = _QUANTITY.fullmatch(fields.get(field, ""))
        if found and found[2] == unit:
            values[name] = f"{float(found[1]) * factor:.6f}".rstrip("0").rstrip(".")
    values |= {name: fields[field] for field, name in _TEXTS.items() if fields.get(field)}
    said = fields.get("STATUS", "").upper()
    words = [word for name, word in _STATUS.items() if name in said.split()]
    if "SHUTTING DOWN" in said:
        words.insert(0, "FSD")
    alarms = ["No battery"] if "NOBATT" in said else []
    values["ups.status"] = " ".join(["ALARM", *words] if alarms else words)
    values |= {"ups.alarm": "! ".join(alarms)} if alarms else {}
    test = _TESTS.get(fields.get("SELFTEST", "").strip())
    return values | ({"ups.test.result": test} if test else {})
