"""Fleet memory: what the devices of one model do, at all customers, as a nightly snapshot.

    summary(device, model, firmware, customer, states) -> Summary   what one device's detectors have measured, normalised
    snapshot(summaries, made) -> Cohorts                            robust medians and spreads by model and by firmware
    Cohorts.of(device, model) -> Cohort | None                      what a detector may know: `Context.cohort`
    standing(cohort, quantity, limit) -> Standing                   alone, all of the model, or all with this firmware

A cohort is a prior for a device that has no past yet, and a third witness beside the device's own past and its neighbours: what its siblings do
not do either is this device's fault; what all of them do is the maker's. Only shares and medians leave a customer, and only of at least
`LEAST_DEVICES` devices of `LEAST_CUSTOMERS` customers: nobody is told of one other customer. When it does not work: a model with fewer; devices
whose inventory names no model. All is plain data (msgpack) and pure; who runs it nightly is `collector/jobs`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np

from model.finding import Evidence
from model.text import Text

LEAST_DEVICES, LEAST_CUSTOMERS = 8, 2

#: Quantity: its name in words, its unit. A detector that measures one says so by `quantities(state)`.
QUANTITIES: dict[str, tuple[Text, str]] = {
    "restarts_a_month": (Text("restarts in 30 days", "30 天内重启次数"), ""),
    "memory_slope": (Text("memory taken more each day", "每日内存占用增量"), "%"),
    "storage_slope": (Text("storage taken more each day", "每日存储占用增量"), "%"),
    "temperature_rise": (Text("warmest sensor above the coolest", "最热与最冷测点温差"), "°C"),
    "bias_drift": (Text("laser current gained in a month", "激光器电流每月增幅"), "%"),
    "rx_drift": (Text("light lost in a month", "收光每月损失"), "dB"),
    "cpu_level": (Text("processor's usual load", "处理器日常占用率"), "%"),
    "fan_level": (Text("usual fan drive", "风扇日常速率"), "%"),
}


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What one device brings into its cohort. `values` by quantity, only what was measured long enough."""

    device: str
    customer: str
    model: str
    firmware: str = ""
    values: dict[str, float] = {}


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity over many devices, in the quantity's unit. `spread`: 1.4826 times the median absolute deviation."""

    devices: int
    customers: int
    median: float
    spread: float
    low: float  #: a tenth of the devices lie below
    high: float  #: a tenth lie above


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """The siblings of one device everywhere: `model` all, `same` with its firmware, `others` with another."""

    name: str
    firmware: str
    made: int
    model: dict[str, Spread] = {}
    same: dict[str, Spread] = {}
    others: dict[str, Spread] = {}


class Cohorts(msgspec.Struct, frozen=True, kw_only=True):
    """A whole snapshot. `models[model]`, `firmwares[model][firmware]` and `others[model][firmware]` by quantity; `firmware[device]`."""

    made: int
    models: dict[str, dict[str, Spread]] = {}
    firmwares: dict[str, dict[str, dict[str, Spread]]] = {}
    others: dict[str, dict[str, dict[str, Spread]]] = {}
    firmware: dict[str, str] = {}

    def of(self, device: str, model: str) -> Cohort | None:
        """What is known of this device's siblings; None when too few are."""
        known = self.models.get(model)
        if not model or known is None:
            return None
        firmware = self.firmware.get(device, "")
        return Cohort(
            name=model,
            firmware=firmware,
            made=self.made,
            model=known,
            same=self.firmwares.get(model, {}).get(firmware, {}) if firmware else {},
            others=self.others.get(model, {}).get(firmware, {}) if firmware else {},
        )


class Standing(StrEnum):
    """Where a device that is over a limit stands among its siblings."""

    UNKNOWN = "unknown"  #: too few siblings, or they lie between
    ALONE = "alone"  #: nine in ten of them stay below the limit
    MODEL = "model"  #: most of the model are over it, whatever their firmware
    FIRMWARE = "firmware"  #: most with this firmware are over it, and nine in ten with another are not


def summary(
    device: str,
    model: str,
    firmware: str,
    customer: str,
    states: Mapping[str, Mapping[str, Any]],
    measured: Mapping[str, Any],
) -> Summary:
    """One device's part, from its detectors' states (`Watch.states[device]`); `measured`: detectors by name that have `quantities(state)`."""
    values: dict[str, float] = {}
    for name, detector in measured.items():
        if name in states:
            told: Mapping[str, float] = detector.quantities(states[name])
            values.update({what: value for what, value in told.items() if math.isfinite(value)})
    return Summary(device=device, customer=customer, model=model, firmware=firmware, values=values)


def snapshot(summaries: Iterable[Summary], made: int) -> Cohorts:
    """All devices' parts as one snapshot. Devices without a model are left out; a device named twice counts as its last."""
    rows = {one.device: one for one in summaries if one.model}
    by_model: dict[str, list[Summary]] = defaultdict(list)
    for one in rows.values():
        by_model[one.model].append(one)
    models, firmwares, others = {}, {}, {}
    for model, members in sorted(by_model.items()):
        whole = _spreads(members)
        if not whole:
            continue
        models[model] = whole
        names = sorted({one.firmware for one in members if one.firmware})
        firmwares[model] = {name: _spreads([one for one in members if one.firmware == name]) for name in names}
        others[model] = {name: _spreads([one for one in members if one.firmware not in ("", name)]) for name in names}
    known = {device: one.firmware for device, one in rows.items() if one.firmware}
    return Cohorts(made=made, models=models, firmwares=firmwares, others=others, firmware=known)


def standing(cohort: Cohort | None, quantity: str, limit: float) -> Standing:
    """How the siblings of a device that is over `limit` (in the quantity's unit) stand to it."""
    if cohort is None:
        return Standing.UNKNOWN
    same, others, all_ = cohort.same.get(quantity), cohort.others.get(quantity), cohort.model.get(quantity)
    if same is not None and others is not None and same.median >= limit and others.high < limit:
        return Standing.FIRMWARE
    if all_ is None:
        return Standing.UNKNOWN
    if all_.median >= limit:
        return Standing.MODEL
    return Standing.ALONE if all_.high < limit else Standing.UNKNOWN


def witness(cohort: Cohort | None, quantity: str, limit: float, value: float, at: int) -> list[Evidence]:
    """The siblings' word as a line of evidence; nothing when they say nothing."""
    stands = standing(cohort, quantity, limit)
    if cohort is None or stands is Standing.UNKNOWN:
        return []
    of = (cohort.same if stands is Standing.FIRMWARE else cohort.model)[quantity]
    name, unit = QUANTITIES[quantity]
    here, there = f"{value:.3g} {unit}".strip(), f"{of.median:.3g} {unit}".strip()
    group_en = f"{of.devices} devices of model {cohort.name}"
    group_zh = f"{of.devices} 台 {cohort.name} 型设备"
    if stands is Standing.FIRMWARE:
        group_en, group_zh = f"{group_en} with firmware {cohort.firmware}", f"{group_zh}（固件 {cohort.firmware}）"
    end = {
        Standing.ALONE: Text("they do not do this: it is this device", "它们没有此现象：问题在本机"),
        Standing.MODEL: Text("they all do: ask the maker", "它们普遍如此：请咨询厂家"),
        Standing.FIRMWARE: Text(
            "they all do, and other firmware does not: upgrade the software", "它们普遍如此，而其他固件没有：请升级软件"
        ),
    }[stands]
    text = Text(
        f"{name.en}: here {here}, median {there} of {group_en}; {end.en}",
        f"{name.zh}：本机 {here}，{group_zh}的中位数为 {there}；{end.zh}",
    )
    return [Evidence(text=text, at=at, value=value, expected=of.median)]


def _spreads(members: list[Summary]) -> dict[str, Spread]:
    values: dict[str, list[float]] = defaultdict(list)
    owners: dict[str, set[str]] = defaultdict(set)
    for one in members:
        for quantity, value in one.values.items():
            values[quantity].append(value)
            owners[quantity].add(one.customer)
    return {
        quantity: _spread(np.array(some), len(owners[quantity]))
        for quantity, some in sorted(values.items())
        if len(some) >= LEAST_DEVICES and len(owners[quantity]) >= LEAST_CUSTOMERS
    }


def _spread(values: np.ndarray[Any, np.dtype[np.float64]], customers: int) -> Spread:
    low, median, high = (float(q) for q in np.quantile(values, (0.1, 0.5, 0.9)))
    return Spread(
        devices=len(values),
        customers=customers,
        median=median,
        spread=1.4826 * float(np.median(np.abs(values - median))),
        low=low,
        high=high,
    )
