"""What must fit what in a device that powers things. Pure; each rule looks at a `View` and notes what it sees.

Rules of the rules. WRONG needs a reason: a value that cannot be beside a second witness, and a slip that explains it. What merely looks
odd is DOUBTFUL. What an outage may do (input away, battery falling) is not judged: a device is commissioned while it is on the mains.
A rule that has no witness says nothing, and the point stays UNTESTED.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from agent.commissioning_view import Key, Remedy, Slip, Verdict, View, number
from model.points import POINTS
from model.text import Text

Rule = Callable[[View], None]

#: Mains as they are, 100 to 127, 200 to 240, 380 to 480 V, with what a grid may do.
_BANDS = ((85.0, 150.0), (170.0, 280.0), (325.0, 530.0))
_MAINS = Text("mains of 100 to 127, 200 to 240 or 380 to 480 V", "市电 100～127、200～240 或 380～480 V")
_HZ = Text("45 to 66 Hz", "45～66 Hz")
_FACTORS = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001)
_VOLTS = ("output.voltage", "input.voltage", "input.bypass.voltage", "output.voltage.nominal", "input.voltage.nominal")
_HERTZ = (
    "output.frequency",
    "input.frequency",
    "input.bypass.frequency",
    "output.frequency.nominal",
    "input.frequency.nominal",
)
#: point -> the warmest that is believed
_HOTTEST = {
    "battery.temperature": 60.0,
    "ambient.temperature": 60.0,
    "ups.temperature": 95.0,
    "charger.temperature": 95.0,
}
#: Raw numbers by which devices say "not available".
_MARKS = frozenset({65535.0, 32767.0, 32768.0, -32768.0, 4294967295.0, 2147483647.0, -2147483648.0, 2147483648.0})
_MEASURED = ("battery.", "input.", "output.", "ups.", "ambient.", "charger.", "bank.", "outlet.", "entity.")
_LONGEST_S = 8 * 3600.0
_KVA = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d)?)\s?k", re.IGNORECASE)
_VA = re.compile(r"(?<!\d)(\d{3,6})(?!\d)")
#: What a refused number should have been, to look for the slip that explains it.
_USUAL: dict[str, tuple[float, float]] = {
    "ups.load": (0, 130),
    "battery.charge": (0, 100),
    "battery.runtime": (60, _LONGEST_S),
    "battery.voltage": (10, 600),
    "ups.power.nominal": (300, 1e6),
    "ups.realpower.nominal": (300, 1e6),
    "ambient.humidity": (5, 95),
    "output.current": (0, 1000),
    **dict.fromkeys(_HOTTEST, (5.0, 60.0)),
    **dict.fromkeys(_HERTZ, (45.0, 66.0)),
}


def mains(v: float) -> bool:
    """Whether a voltage is one of the world's mains."""
    return any(low <= v <= high for low, high in _BANDS)


def scaled(value: float, holds: Callable[[float], bool]) -> Iterator[Remedy]:
    """The first power of ten that makes a value hold."""
    for factor in _FACTORS:
        if holds(value * factor):
            shown = f"×{factor:g}"
            yield Remedy(
                slip=Slip.SCALE,
                words=Text(f"{shown} gives {value * factor:g}", f"{shown} 得 {value * factor:g}"),
                value=round(value * factor, 6),
                factor=factor,
            )
            return


def sentinels(view: View) -> None:
    """Marks for "not available" that passed as values."""
    for key in list(view.values):
        if not key[0].startswith(_MEASURED):
            continue
        said = view.samples[key].raw
        raw = number(said) if said else view.values[key]
        runtime = key[0] == "battery.runtime" and raw in (999.0, 9999.0, 99999.0)
        busy = (view.mean("ups.load") or 0.0) > 5 and view.values[key] > _LONGEST_S
        if raw in _MARKS or runtime:
            verdict = Verdict.WRONG if raw in _MARKS or busy else Verdict.DOUBTFUL
            words = Text(
                f"{raw:g} is a mark for “not available”: name it under missing",
                f"{raw:g} 为“无数据”标记：应写入 missing",
            )
            view.note(key, verdict, Text("a measurement", "测量值"), [Remedy(slip=Slip.SENTINEL, words=words)])


def refusals(view: View) -> None:
    """What was refused already: which slip would explain it."""
    for sample, value in view.refused():
        key = (sample.point, sample.index)
        holds = _usual(view, sample.point)
        if holds is None:
            continue
        remedies = [*_orders(view, key, holds), *scaled(value, lambda v, holds=holds: holds(v))]  # type: ignore[misc]
        known = sample.point in _VOLTS or sample.point in _HERTZ or any(r.slip is not Slip.SCALE for r in remedies)
        if number(sample.raw) in _MARKS:
            words = Text("a mark that the profile does not name", "配置未列出的“无数据”标记")
            view.note(key, Verdict.DOUBTFUL, _range(sample.point), [Remedy(slip=Slip.SENTINEL, words=words)])
        elif remedies and value:
            view.note(key, Verdict.WRONG if known else Verdict.DOUBTFUL, _range(sample.point), remedies)


def _usual(view: View, point: str) -> Callable[[float], bool] | None:
    if point in _VOLTS:
        return mains if _alternating(view) else None
    bounds = _USUAL.get(point)
    return None if bounds is None else lambda v: bounds[0] <= v <= bounds[1]


def _range(point: str) -> Text:
    if point in _VOLTS:
        return _MAINS
    low, high = _USUAL[point]
    said = f"{low:g}–{high:g} {POINTS[point].unit}".strip()
    return Text(said, said)


def _orders(view: View, key: Key, holds: Callable[[float], bool]) -> Iterator[Remedy]:
    for slip, value in view.reordered(view.samples[key]):
        if value and holds(value):
            words = {
                Slip.WORDS: Text(f"the words the other way round give {value:g}", f"交换字序得 {value:g}"),
                Slip.BYTES: Text(f"the bytes the other way round give {value:g}", f"交换字节序得 {value:g}"),
            }[slip]
            yield Remedy(slip=slip, words=words, value=round(value, 6))


def _alternating(view: View) -> bool:
    """Whether the device has anything to do with alternating current."""
    return any(view.of(point) for point in _HERTZ) or any(mains(v) for p in _VOLTS for v in view.of(p).values())


def volts(view: View) -> None:
    """Mains voltages belong to a family, and input, output and rating to one another."""
    if not _alternating(view):
        return
    sound = [v for point in _VOLTS for v in view.of(point).values() if mains(v)]
    for point in _VOLTS:
        for index, v in view.of(point).items():
            key = (point, index)
            away = point.startswith("input") and not point.endswith("nominal") and view.online is not True
            if v < 1 or (away and not mains(v)):
                continue
            if mains(v):
                view.fits(key)
                continue
            if point == "output.voltage" and 11 <= v <= 60 and not view.of("output.frequency"):
                continue  # a direct-current plant
            remedies = [*_orders(view, key, mains), *scaled(v, mains)]
            witness = any(_kin(r.value or 0.0, other) for r in remedies for other in sound) or not sound
            view.note(key, Verdict.WRONG if remedies and witness else Verdict.DOUBTFUL, _MAINS, remedies)


def _kin(a: float, b: float) -> bool:
    """Whether two voltages may stand on one device: alike, or phase and line."""
    ratio = max(a, b) / min(a, b) if min(a, b) > 0 else 0.0
    return 1 <= ratio <= 1.25 or 1.55 <= ratio <= 2.2


def hertz(view: View) -> None:
    """Mains frequency, or 400 Hz on ships and aeroplanes."""
    for point in _HERTZ:
        for index, v in view.of(point).items():
            if 45 <= v <= 66 or 380 <= v <= 420:
                view.fits((point, index))
            elif v > 0 and (view.online is not False or not point.startswith("input")):
                remedies = [
                    *_orders(view, (point, index), lambda f: 45 <= f <= 66),
                    *scaled(v, lambda f: 45 <= f <= 66),
                ]
                view.note((point, index), Verdict.WRONG if remedies else Verdict.DOUBTFUL, _HZ, remedies)


def heat(view: View) -> None:
    """Temperatures of rooms, batteries and boxes; Fahrenheit read as Celsius, tenths as degrees."""
    others = {key: v for key, v in view.values.items() if key[0] in _HOTTEST and 12 <= v <= 50}
    for point, most in _HOTTEST.items():
        for index, v in view.of(point).items():
            key, expected = (point, index), Text(f"-10 to {most:g} °C", f"-10～{most:g} °C")
            beside = any(other != key and abs(v * 10 - warm) <= 12 for other, warm in others.items())
            if 0 < v < 5 and 12 <= v * 10 <= 50:
                view.note(
                    key, Verdict.WRONG if beside else Verdict.DOUBTFUL, expected, scaled(v, lambda t: 12 <= t <= 50)
                )
            elif -10 <= v <= most:
                if v:
                    view.fits(key)
            else:
                celsius = (v - 32) / 1.8
                remedies = [*scaled(v, lambda t: 5 <= t <= 60)]
                if 5 <= celsius <= 50:
                    words = Text(f"as °F it is {celsius:.1f} °C", f"若为 °F 则是 {celsius:.1f} °C")
                    remedies.insert(0, Remedy(slip=Slip.UNIT, words=words, value=round(celsius, 1)))
                view.note(key, Verdict.WRONG if remedies else Verdict.DOUBTFUL, expected, remedies)


def battery(view: View) -> None:
    """Battery volts are those of its 12 V blocks, 10 to 15 V each."""
    v, key = view.one("battery.voltage"), ("battery.voltage", None)
    if v is None or not v:
        return
    packs, rated = view.one("battery.packs") or 0.0, view.one("battery.voltage.nominal")
    blocks = view.plate.blocks
    nominal = 12.0 * blocks if blocks else rated
    if nominal is None and packs >= 2:
        nominal = 12.0 * packs
        if not any(0.83 <= v * f / nominal <= 1.25 for f in (1.0, *_FACTORS)):
            return  # packs are cabinets, not blocks
    if not nominal:
        if v < 9:
            view.note(key, Verdict.DOUBTFUL, _BLOCKS, scaled(v, lambda u: 22 <= u <= 600))
        return
    expected = Text(
        f"{nominal * 10 / 12:g} to {nominal * 15 / 12:g} V", f"{nominal * 10 / 12:g}～{nominal * 15 / 12:g} V"
    )
    if 0.83 <= v / nominal <= 1.25:
        view.fits(key, ("battery.voltage.nominal", None), ("battery.packs", None))
        return
    remedies = [
        *_orders(view, key, lambda u: 0.83 <= u / nominal <= 1.25),
        *scaled(v, lambda u: 0.83 <= u / nominal <= 1.25),
    ]
    known = bool(blocks) or (rated is not None and rated >= 12)
    if not remedies:
        n = round(v / 13.5)
        known = bool(blocks)
        if n >= 1 and 11 <= v / n <= 14.7:
            words = Text(
                f"it is the voltage of {n} blocks of 12 V, not of {nominal / 12:g}",
                f"这是 {n} 节 12 V 电池的电压，而非 {nominal / 12:g} 节",
            )
            remedies = [Remedy(slip=Slip.COUNT, words=words, value=float(n))]
    view.note(key, Verdict.WRONG if remedies and known else Verdict.DOUBTFUL, expected, remedies)


_BLOCKS = Text("10 to 15 V for each 12 V block", "每节 12 V 电池 10～15 V")


def charge(view: View) -> None:
    """A battery at float voltage is not empty, and one that is full is not flat."""
    percent, v = view.one("battery.charge"), view.one("battery.voltage")
    nominal = 12.0 * view.plate.blocks or view.one("battery.voltage.nominal")
    if (
        percent is None
        or v is None
        or not nominal
        or view.online is not True
        or ("battery.voltage", None) in view.blamed
    ):
        return
    per_block = 12 * v / nominal
    key = ("battery.charge", None)
    if percent <= 15 and 13.3 <= per_block <= 14.8:
        expected = Text(f"nearly full at {per_block:.1f} V a block", f"每节 {per_block:.1f} V，应接近充满")
        view.note(key, Verdict.DOUBTFUL, expected, scaled(percent, lambda p: 80 <= p <= 100))
    elif percent >= 95 and per_block < 11.3:
        view.note(
            key,
            Verdict.DOUBTFUL,
            Text(f"nearly empty at {per_block:.1f} V a block", f"每节 {per_block:.1f} V，应接近放空"),
        )
    elif percent:
        view.fits(key)


def rated_by_name(model: str) -> list[float]:
    """What the numbers in a model's name may mean in VA.

    >>> rated_by_name("UPS2000-G-6KRTL"), rated_by_name("SMX750")
    ([6000.0, 2000.0], [750.0])
    """
    return [float(k) * 1000 for k in _KVA.findall(model)] + [float(n) for n in _VA.findall(model) if float(n) >= 300]
