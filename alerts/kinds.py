"""Every kind of finding: its name, what it means for the load, how long it must hold, and its cause.

A kind is a line here. `raise_after_s` counts from the finding's own start (event time); `clear_after_s` is how long
it must stay away: a return within that time is the same episode. Detectors have persistence of their own in
samples; these times are about calling a person.

`cause` and `root` make the incident's key: all alerts with the same cause at the same root are one incident.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from alerts.types import Impact
from model.finding import Severity
from model.text import Text


class Root(StrEnum):
    """What the cause hangs on."""

    SITE = "site"
    DEVICE = "device"
    PORT = "port"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of finding means. It is raised after lasting `raise_after_s`, cleared after `clear_after_s` of quiet."""

    id: str
    title: Text
    severity: Severity  #: by default; the finding's own counts
    impact: Impact
    cause: str
    root: Root
    raise_after_s: float = 0.0
    clear_after_s: float = 60.0
    ticket: bool = True  #: False: shown, but alone no reason for a job
    by_hand: bool = False  #: done by people at work: a job only when it outlasts the announced work


def _kind(
    id: str,
    en: str,
    zh: str,
    severity: Severity,
    impact: Impact,
    cause: str,
    root: Root,
    raise_after_s: float,
    clear_after_s: float,
    *,
    ticket: bool = True,
    by_hand: bool = False,
) -> Kind:
    return Kind(
        id=id,
        title=Text(en, zh),
        severity=severity,
        impact=impact,
        cause=cause,
        root=root,
        raise_after_s=raise_after_s,
        clear_after_s=clear_after_s,
        ticket=ticket,
        by_hand=by_hand,
    )


_S, _I, _R = Severity, Impact, Root
#: The table. Columns: id, title en, zh, severity, impact, cause, root, raise after s, clear after s.
_ALL = (
    _kind("on_battery", "On battery", "电池供电", _S.MINOR, _I.DEGRADED, "mains", _R.SITE, 0, 60),
    _kind("mains_failed", "Mains failed", "市电中断", _S.MINOR, _I.DEGRADED, "mains", _R.SITE, 10, 60),
    _kind("output_off", "Output off", "输出关闭", _S.CRITICAL, _I.OUTAGE, "device", _R.DEVICE, 5, 30),
    _kind("battery_low", "Battery nearly empty", "电池即将耗尽", _S.CRITICAL, _I.OUTAGE, "mains", _R.SITE, 0, 30),
    _kind("runtime_shortfall", "Battery empties too fast", "电池续航不足", _S.MAJOR, _I.UNPROTECTED, "battery", _R.DEVICE, 0, 0),
    _kind("battery_flag", "UPS asks for a new battery", "UPS 提示更换电池", _S.WARNING, _I.ADVISORY, "battery", _R.DEVICE, 10, 60, ticket=False),
    _kind("battery_runaway", "Battery heats itself", "电池热失控征兆", _S.MAJOR, _I.UNPROTECTED, "battery", _R.DEVICE, 0, 600),
    _kind("battery_replace", "Replace the battery", "更换电池", _S.MAJOR, _I.DEGRADED, "battery", _R.DEVICE, 0, 0),
    _kind("battery_unproven", "Battery suspected, not enough evidence", "电池可疑，证据不足", _S.WARNING, _I.ADVISORY, "battery", _R.DEVICE, 0, 0, ticket=False),
    _kind("battery_due", "Battery near its end, plan the exchange", "电池寿命将尽，请计划更换", _S.WARNING, _I.ADVISORY, "battery", _R.DEVICE, 0, 0, ticket=False),
    _kind("battery_untested", "Battery untested for a year", "电池一年未测试", _S.WARNING, _I.ADVISORY, "battery", _R.DEVICE, 0, 0, ticket=False),
    _kind("battery_block_weak", "Battery block unlike the others", "单节电池异常", _S.MINOR, _I.DEGRADED, "battery", _R.DEVICE, 0, 600),
    _kind("battery_dry_out", "Battery dries out", "电池失水", _S.MINOR, _I.DEGRADED, "battery", _R.DEVICE, 0, 600),
    _kind("battery_sulphated", "Battery sulphated", "电池硫化", _S.MINOR, _I.DEGRADED, "battery", _R.DEVICE, 0, 600),
    _kind("cell_shorted", "Shorted cell", "电池单格短路", _S.MAJOR, _I.UNPROTECTED, "battery", _R.DEVICE, 0, 600),
    _kind("float_wrong", "Battery floated at a wrong voltage", "电池浮充电压不当", _S.WARNING, _I.ADVISORY, "battery", _R.DEVICE, 0, 600, ticket=False),
    _kind("charger_fault", "Battery charged wrongly", "电池充电异常", _S.MAJOR, _I.UNPROTECTED, "battery", _R.DEVICE, 0, 600),
    _kind("overload", "Overload", "过载", _S.MAJOR, _I.UNPROTECTED, "device", _R.DEVICE, 10, 60),
    _kind("bypass", "On bypass", "旁路供电", _S.MAJOR, _I.UNPROTECTED, "device", _R.DEVICE, 5, 60, by_hand=True),
    _kind("over_temperature", "Too hot", "温度过高", _S.MAJOR, _I.DEGRADED, "device", _R.DEVICE, 30, 120),
    _kind("charger", "Charger failed", "充电器故障", _S.MAJOR, _I.UNPROTECTED, "device", _R.DEVICE, 10, 60),
    _kind("not_charging", "Battery is not being charged", "电池未充电", _S.MAJOR, _I.UNPROTECTED, "device", _R.DEVICE, 0, 60),
    _kind("fan", "Fan failed", "风扇故障", _S.MINOR, _I.DEGRADED, "device", _R.DEVICE, 5, 60),
    _kind("ups_fault", "UPS fault", "UPS 故障", _S.MAJOR, _I.UNPROTECTED, "device", _R.DEVICE, 5, 60),
    _kind("inverter_off", "Inverter off", "逆变器关闭", _S.WARNING, _I.ADVISORY, "device", _R.DEVICE, 10, 60, ticket=False),
    _kind("bad_state", "Part in a bad state", "部件状态异常", _S.MAJOR, _I.DEGRADED, "device", _R.DEVICE, 30, 60),
    _kind("contact", "Contact not as it should be", "触点异常", _S.WARNING, _I.ADVISORY, "device", _R.DEVICE, 10, 30, ticket=False),
    _kind("device_silent", "Device does not answer", "设备失联", _S.MINOR, _I.DEGRADED, "device", _R.DEVICE, 20, 10),
    _kind("unusual", "Not as usual", "状态异常", _S.WARNING, _I.ADVISORY, "unusual", _R.DEVICE, 0, 600, ticket=False),
    _kind("sensor_stuck", "Sensor stuck", "传感器数值卡死", _S.WARNING, _I.ADVISORY, "telemetry", _R.DEVICE, 0, 600, ticket=False),
    _kind("agent_silent", "No data from the site", "站点无数据", _S.MAJOR, _I.DEGRADED, "agent", _R.SITE, 0, 0),
    _kind("port_down", "Port down", "端口断开", _S.MINOR, _I.DEGRADED, "port", _R.PORT, 5, 30),
    _kind("port_errors", "Port errors", "端口错包", _S.MINOR, _I.DEGRADED, "port", _R.PORT, 0, 120),
    _kind("link_flapping", "Link goes up and down", "链路反复通断", _S.MINOR, _I.DEGRADED, "port", _R.PORT, 0, 0),
    _kind("reboots", "Restarts again and again", "反复重启", _S.MAJOR, _I.DEGRADED, "device", _R.DEVICE, 0, 0),
    _kind("power_supply", "Power supply failing", "电源模块失效征兆", _S.MAJOR, _I.DEGRADED, "power", _R.DEVICE, 0, 600),
    _kind("fan_tray", "Fan wearing out", "风扇磨损", _S.MINOR, _I.DEGRADED, "cooling", _R.DEVICE, 0, 600),
    _kind("overheating", "Grows too hot by itself", "设备自身过热", _S.MINOR, _I.DEGRADED, "cooling", _R.DEVICE, 0, 600),
    _kind("room_warm", "Room too warm", "机房偏热", _S.MINOR, _I.DEGRADED, "cooling", _R.SITE, 0, 600),
    _kind("laser_ageing", "Laser ageing", "激光器老化", _S.MINOR, _I.DEGRADED, "port", _R.PORT, 0, 600),
    _kind("fibre_loss", "Less light than at first", "收光下降", _S.MINOR, _I.DEGRADED, "port", _R.PORT, 0, 600),
    _kind("line_errors", "Line damages frames", "线路偶发错包", _S.MINOR, _I.DEGRADED, "port", _R.PORT, 0, 600),
    _kind("congestion", "Port full at busy hours", "端口繁忙时段拥塞", _S.MINOR, _I.DEGRADED, "capacity", _R.PORT, 0, 600),
    _kind("memory_leak", "Memory leaks", "内存泄漏", _S.MINOR, _I.DEGRADED, "software", _R.DEVICE, 0, 600),
    _kind("storage_filling", "Storage fills up", "存储将满", _S.MINOR, _I.DEGRADED, "storage", _R.DEVICE, 0, 600),
    _kind("cpu_high", "Processor works far more than usual", "处理器占用异常升高", _S.MINOR, _I.DEGRADED, "software", _R.DEVICE, 0, 600),
    _kind("paths_unstable", "Roles and paths keep changing", "角色与路径频繁变化", _S.MINOR, _I.DEGRADED, "network", _R.DEVICE, 0, 600),
    _kind("generator_absent", "Generator did not take over", "发电机未接替供电", _S.CRITICAL, _I.UNPROTECTED, "mains", _R.SITE, 0, 60),
    _kind("input_quality", "Mains out of tolerance", "市电质量异常", _S.MINOR, _I.DEGRADED, "supply", _R.SITE, 0, 600),
    _kind("loose_neutral", "Neutral loose", "零线接触不良", _S.MAJOR, _I.UNPROTECTED, "supply", _R.SITE, 0, 600),
    _kind("input_unbalanced", "Mains unbalanced", "市电三相不平衡", _S.MINOR, _I.DEGRADED, "supply", _R.SITE, 0, 600),
    _kind("transfers_rising", "More transfers to battery", "转电池次数增多", _S.MINOR, _I.DEGRADED, "supply", _R.SITE, 0, 600),
    _kind("regulating_long", "Mains raised or lowered for days", "持续升降压运行", _S.MINOR, _I.DEGRADED, "supply", _R.SITE, 0, 600),
    _kind("avr_wear", "Voltage regulated more often", "调压次数增多", _S.WARNING, _I.ADVISORY, "supply", _R.SITE, 0, 600, ticket=False),
    _kind("feed_contact", "Feed has a bad contact", "供电支路接触不良", _S.MINOR, _I.DEGRADED, "feed", _R.DEVICE, 0, 600),
    _kind("output_quality", "Output off nominal", "输出偏离额定", _S.MAJOR, _I.UNPROTECTED, "device", _R.DEVICE, 0, 300),
    _kind("rectifier_lost", "Rectifier module lost", "整流模块失去", _S.MAJOR, _I.DEGRADED, "device", _R.DEVICE, 0, 600),
    _kind("capacitors", "Capacitors ageing", "电容老化", _S.MINOR, _I.DEGRADED, "device", _R.DEVICE, 0, 600),
    _kind("heating_fast", "Trips by heat within the hour", "一小时内将过热停机", _S.MAJOR, _I.UNPROTECTED, "cooling", _R.DEVICE, 0, 600),
    _kind("heat_unexplained", "Hotter than usual: room or UPS", "温度高于往常：机房或 UPS", _S.MINOR, _I.DEGRADED, "cooling", _R.SITE, 0, 600),
    _kind("ups_hot", "UPS hotter than usual", "UPS 温度高于往常", _S.MINOR, _I.DEGRADED, "cooling", _R.DEVICE, 0, 600),
    _kind("cooling_worn", "Fan worn or filter blocked", "风扇磨损或滤网堵塞", _S.MINOR, _I.DEGRADED, "cooling", _R.DEVICE, 0, 600),
    _kind("overload_trend", "Load grows towards the rating", "负载趋近额定", _S.MINOR, _I.DEGRADED, "load", _R.DEVICE, 0, 600),
    _kind("phase_imbalance", "Phases loaded unevenly", "三相负载不平衡", _S.MINOR, _I.DEGRADED, "load", _R.DEVICE, 0, 600),
    _kind("card_frozen", "Card tells old values", "管理卡数值冻结", _S.MAJOR, _I.UNPROTECTED, "device", _R.DEVICE, 0, 600),
    _kind("generator_battery", "Starter battery weak", "发电机启动电池偏弱", _S.MINOR, _I.DEGRADED, "generator", _R.DEVICE, 0, 600),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.id: kind for kind in _ALL}
#: Of alerts that begin at one instant the cause comes before the symptom.
ORDER: dict[str, int] = {kind.id: place for place, kind in enumerate(_ALL)}


def kind_of(id: str) -> Kind:
    """The kind, or a plain stand-in for one that only a newer version knows (a snapshot read by an older one)."""
    known = KINDS.get(id)
    return known or Kind(
        id=id, title=Text(id, id), severity=_S.MINOR, impact=_I.DEGRADED, cause="device", root=_R.DEVICE
    )
