"""The dictionary of points: one name, one unit, everywhere.

UPS names follow NUT's variable names (RFC 9271) where there is one, with the phase as the reading's
index ("1".."3") instead of L1..L3 in the name; interfaces follow IF-MIB. States keep the numbers of
the standard that defines them (named beside each). `low` and `high` bound what can physically be: a
value outside is a gap `not_plausible`, never a reading. A new point is a line here.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, StrEnum

import msgspec

from model.finding import Severity
from model.text import Text


class Kind(StrEnum):
    """How a point behaves, and so what may be done with its values."""

    GAUGE = "gauge"
    COUNTER = "counter"  #: only rises, but for wraps and reboots
    STATE = "state"  #: coded by an enumeration
    FLAG = "flag"  #: 0 or 1; 1 = the alarm stands
    TEXT = "text"  #: travels as an identity event, never as a reading


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity. A value outside `low`..`high` (in `unit`, both included) is a gap `not_plausible`, never a reading."""

    id: str
    unit: str
    kind: Kind
    low: float
    high: float
    meaning: Text
    states: dict[int, Text] = {}
    #: States that are trouble, and how grave. A state that stands neither here nor in `unknown` is well.
    severities: dict[int, Severity] = {}
    unknown: frozenset[int] = frozenset()  #: states by which the device says that it does not know


class Source(IntEnum):
    """`ups.source`: what feeds the output (RFC 1628 upsOutputSource)."""

    OTHER = 1
    NONE = 2
    NORMAL = 3
    BYPASS = 4
    BATTERY = 5
    BOOSTER = 6
    REDUCER = 7


class BatteryStatus(IntEnum):
    """`battery.status` (RFC 1628 upsBatteryStatus)."""

    UNKNOWN = 1
    NORMAL = 2
    LOW = 3
    DEPLETED = 4


class TestResult(IntEnum):
    """`ups.test.result` (RFC 1628 upsTestResultsSummary)."""

    __test__ = False
    PASSED = 1
    WARNING = 2
    ERROR = 3
    ABORTED = 4
    IN_PROGRESS = 5
    NONE = 6


class OperStatus(IntEnum):
    """`ifOperStatus` and `ifAdminStatus` (RFC 2863)."""

    UP = 1
    DOWN = 2
    TESTING = 3
    UNKNOWN = 4
    DORMANT = 5
    NOT_PRESENT = 6
    LOWER_LAYER_DOWN = 7


class ChargeMode(IntEnum):
    """`battery.charger.status` (NUT battery.charger.status)."""

    RESTING = 1
    FLOATING = 2
    CHARGING = 3
    DISCHARGING = 4


def _gauge(id: str, unit: str, low: float, high: float, en: str, zh: str) -> Point:
    return Point(id=id, unit=unit, kind=Kind.GAUGE, low=low, high=high, meaning=Text(en, zh))


def _counter(id: str, unit: str, en: str, zh: str) -> Point:
    return Point(id=id, unit=unit, kind=Kind.COUNTER, low=0, high=2.0**64, meaning=Text(en, zh))


def _state(
    id: str,
    en: str,
    zh: str,
    states: dict[int, Text],
    grave: dict[int, Severity] | None = None,
    unknown: Sequence[int] = (),
) -> Point:
    return Point(
        id=id,
        unit="",
        kind=Kind.STATE,
        low=min(states),
        high=max(states),
        meaning=Text(en, zh),
        states=states,
        severities=grave or {},
        unknown=frozenset(unknown),
    )


_CRITICAL, _MAJOR, _MINOR, _WARNING = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR, Severity.WARNING


def _flag(id: str, en: str, zh: str) -> Point:
    return Point(id=id, unit="", kind=Kind.FLAG, low=0, high=1, meaning=Text(en, zh))


def _text(id: str, en: str, zh: str) -> Point:
    return Point(id=id, unit="", kind=Kind.TEXT, low=0, high=0, meaning=Text(en, zh))


_OPER = {
    1: Text("up", "连通"), 2: Text("down", "断开"), 3: Text("testing", "测试"), 4: Text("unknown", "未知"),
    5: Text("dormant", "休眠"), 6: Text("not present", "不存在"), 7: Text("lower layer down", "下层断开"),
}  # fmt: skip

#: How a part is: power supplies, fans, modules, sensors. Makers' own numbers are mapped to these.
_HEALTH = {
    1: Text("ok", "正常"), 2: Text("warning", "警告"), 3: Text("failed", "故障"), 4: Text("unknown", "未知"),
    5: Text("not present", "未安装"), 6: Text("off", "关闭"), 7: Text("standby", "备用"),
}  # fmt: skip


def _part(id: str, en: str, zh: str) -> Point:
    return _state(id, en, zh, _HEALTH, {2: _WARNING, 3: _MAJOR, 6: _WARNING}, [4])


def _path(id: str, en: str, zh: str) -> Point:
    names = {1: Text("up", "连通"), 2: Text("down", "断开"), 3: Text("disabled", "未启用"), 4: Text("unknown", "未知")}
    return _state(id, en, zh, names, {2: _MAJOR}, [4])


_FOUND = {0: Text("not told", "未说明"), 1: Text("none", "无"), 2: Text("found", "检出")}

_ALL: tuple[Point, ...] = (
    # Battery
    _gauge("battery.voltage", "V", 0, 1200, "Battery voltage", "电池电压"),
    _gauge("battery.current", "A", -5000, 5000, "Battery current", "电池电流"),
    _gauge("battery.charge", "%", 0, 100, "Battery charge", "电池电量"),
    _gauge("battery.runtime", "s", 0, 14 * 86400, "Runtime left, as the UPS estimates it", "UPS 估计的剩余时间"),
    _gauge("battery.runtime.low", "s", 0, 86400, "Runtime at which the UPS says low", "低电量报警的剩余时间"),
    _gauge("battery.charge.low", "%", 0, 100, "Charge at which the UPS says low", "低电量报警的电量"),
    _gauge("battery.temperature", "°C", -40, 120, "Battery temperature", "电池温度"),
    _gauge("battery.capacity", "Ah", 0.1, 20000, "Rated battery capacity", "电池额定容量"),
    _gauge("battery.voltage.nominal", "V", 1, 1200, "Rated battery voltage", "电池额定电压"),
    _gauge("battery.packs", "", 0, 1000, "Batteries or packs", "电池组数"),
    _gauge("battery.discharge.seconds", "s", 0, 30 * 86400, "Time on battery", "电池供电时间"),
    _state("battery.status", "Battery status", "电池状态", {
        1: Text("unknown", "未知"), 2: Text("normal", "正常"), 3: Text("low", "电量低"), 4: Text("depleted", "耗尽"),
        5: Text("fault", "故障"), 6: Text("no battery", "无电池"), 7: Text("charging", "充电"),
        8: Text("discharging", "放电"), 9: Text("in test", "测试中"), 10: Text("disconnected", "已断开"),
    }, {3: _MAJOR, 4: _CRITICAL, 5: _CRITICAL, 6: _CRITICAL, 8: _WARNING, 10: _CRITICAL}, [1]),
    _state("battery.charger.status", "Charger status", "充电状态", {
        1: Text("resting", "静置"), 2: Text("floating", "浮充"), 3: Text("charging", "充电"),
        4: Text("discharging", "放电"), 5: Text("unknown", "未知"), 6: Text("disconnected", "已断开"),
        7: Text("battery test", "电池测试"), 8: Text("check battery", "检查电池"), 9: Text("off", "关闭"),
    }, {4: _WARNING, 6: _CRITICAL, 8: _MAJOR}, [5]),
    _gauge("battery.packs.bad", "", 0, 1000, "Bad batteries or packs", "故障电池组数"),
    _gauge("battery.strings", "", 0, 100, "Battery strings", "电池串数"),
    _gauge("battery.age", "a", 0, 50, "Battery age", "电池使用年数"),
    _gauge("battery.health", "%", 0, 100, "Battery health", "电池健康度"),
    _gauge("battery.capacity.remaining", "Ah", 0, 20000, "Battery charge in ampere-hours", "电池剩余安时"),
    _gauge("battery.capacity.used", "Ah", 0, 20000, "Battery ampere-hours used", "电池已放安时"),
    _gauge("battery.capacity.charged", "Ah", 0, 1e6, "Ampere-hours charged", "电池已充安时"),
    _gauge("battery.tests", "", 0, 100000, "Battery test results kept", "电池测试结果数"),
    _counter("battery.discharges", "", "Battery discharges", "电池放电次数"),
    _gauge("battery.charging.current", "A", 0, 5000, "Battery charging current", "电池充电电流"),
    _gauge("battery.discharging.current", "A", 0, 5000, "Battery discharging current", "电池放电电流"),
    _gauge("battery.capacity.effective", "Ah", 0, 20000, "Battery capacity as measured", "电池实测容量"),
    _gauge("battery.resistance", "mohm", 0, 1e6, "Battery internal resistance", "电池内阻"),
    _gauge("battery.efficiency", "%", 0, 100, "Battery charge efficiency", "电池充电效率"),
    _counter("battery.cycles", "", "Battery cycles", "电池循环次数"),
    _counter("battery.cycles.aborted", "", "Battery cycles broken off", "电池未完成循环次数"),
    _gauge("battery.depth.maximum", "%", 0, 100, "Deepest discharge", "最大放电深度"),
    _gauge("battery.depth.mean", "%", 0, 100, "Mean depth of discharge", "平均放电深度"),
    _text("battery.date", "Battery installed or replaced", "电池安装或更换日期"),
    _text("battery.date.due", "Battery replacement due", "建议更换电池日期"),
    # Input, bypass, output
    _gauge("input.voltage", "V", 0, 1000, "Input voltage", "输入电压"),
    _gauge("input.voltage.fault", "V", 0, 1000, "Last input fault voltage", "上次输入异常电压"),
    _gauge("input.voltage.nominal", "V", 1, 1000, "Rated input voltage", "额定输入电压"),
    _gauge("input.frequency", "Hz", 0, 500, "Input frequency", "输入频率"),
    _gauge("input.frequency.nominal", "Hz", 1, 500, "Rated input frequency", "额定输入频率"),
    _gauge("input.current", "A", 0, 10000, "Input current", "输入电流"),
    _gauge("input.current.nominal", "A", 0, 10000, "Rated input current", "额定输入电流"),
    _gauge("input.realpower", "W", 0, 5e6, "Input power", "输入有功功率"),
    _gauge("input.phases", "", 0, 3, "Input phases", "输入相数"),
    _gauge("input.transfer.low", "V", 0, 1000, "Low transfer voltage", "低压切换点"),
    _gauge("input.transfer.high", "V", 0, 1000, "High transfer voltage", "高压切换点"),
    _counter("input.line_bads", "", "Input out of tolerance, times", "输入超限次数"),
    _gauge("input.bypass.voltage", "V", 0, 1000, "Bypass voltage", "旁路电压"),
    _gauge("input.bypass.frequency", "Hz", 0, 500, "Bypass frequency", "旁路频率"),
    _gauge("input.bypass.current", "A", 0, 10000, "Bypass current", "旁路电流"),
    _gauge("input.bypass.realpower", "W", 0, 5e6, "Bypass power", "旁路有功功率"),
    _gauge("input.bypass.phases", "", 0, 3, "Bypass phases", "旁路相数"),
    _gauge("input.voltage.maximum", "V", 0, 1000, "Highest input voltage of late", "近期最高输入电压"),
    _gauge("input.voltage.minimum", "V", 0, 1000, "Lowest input voltage of late", "近期最低输入电压"),
    _gauge("input.power", "VA", 0, 5e6, "Input apparent power", "输入视在功率"),
    _gauge("input.powerfactor", "", -1, 1, "Input power factor", "输入功率因数"),
    _state("input.status", "Input condition", "输入状况", {
        1: Text("good", "正常"), 2: Text("over-voltage", "过压"), 3: Text("under-voltage", "欠压"),
        4: Text("frequency out of range", "频率超限"), 5: Text("blackout", "停电"), 6: Text("unknown", "未知"),
    }, {2: _MAJOR, 3: _MAJOR, 4: _MAJOR, 5: _MAJOR}, [6]),
    _state("input.transfer.reason", "Why it last went to battery", "上次转电池的原因", {
        0: Text("none", "无"), 1: Text("high voltage", "电压过高"), 2: Text("brownout", "电压过低"),
        3: Text("blackout", "停电"), 4: Text("short sag", "短时跌落"), 5: Text("deep sag", "深度跌落"),
        6: Text("short spike", "短时尖峰"), 7: Text("large spike", "大尖峰"), 8: Text("self-test", "自检"),
        9: Text("voltage changed too fast", "电压变化过快"), 10: Text("voltage out of tolerance", "电压超限"),
        11: Text("frequency out of tolerance", "频率超限"),
    }),
    _gauge("output.voltage", "V", 0, 1000, "Output voltage", "输出电压"),
    _gauge("output.voltage.nominal", "V", 1, 1000, "Rated output voltage", "额定输出电压"),
    _gauge("output.frequency", "Hz", 0, 500, "Output frequency", "输出频率"),
    _gauge("output.frequency.nominal", "Hz", 1, 500, "Rated output frequency", "额定输出频率"),
    _gauge("output.voltage.low", "V", 0, 1000, "Low limit of the output voltage", "输出电压下限"),
    _gauge("output.voltage.high", "V", 0, 1000, "High limit of the output voltage", "输出电压上限"),
    _gauge("output.voltage.thd", "%", 0, 200, "Distortion of the output voltage", "输出电压谐波畸变率"),
    _gauge("output.current", "A", 0, 10000, "Output current", "输出电流"),
    _gauge("output.realpower", "W", 0, 5e6, "Output active power", "输出有功功率"),
    _gauge("output.power", "VA", 0, 5e6, "Output apparent power", "输出视在功率"),
    _gauge("output.phases", "", 0, 3, "Output phases", "输出相数"),
    _gauge("output.powerfactor", "", -1, 1, "Output power factor", "输出功率因数"),
    _counter("output.energy", "kWh", "Energy delivered", "输出电能"),
    # The UPS itself
    _gauge("ups.load", "%", 0, 300, "Load", "负载率"),
    _gauge("ups.load.apparent", "%", 0, 300, "Load of the rated VA", "视在负载率"),
    _gauge("ups.realpower", "W", 0, 5e6, "Active power of all phases", "总有功功率"),
    _gauge("ups.power", "VA", 0, 5e6, "Apparent power of all phases", "总视在功率"),
    _gauge("ups.efficiency", "%", 0, 100, "Efficiency", "效率"),
    _gauge("ups.temperature", "°C", -40, 150, "UPS temperature", "UPS 温度"),
    _gauge("charger.temperature", "°C", -40, 150, "Charger temperature", "充电器温度"),
    _gauge("ambient.temperature", "°C", -40, 120, "Ambient temperature", "环境温度"),
    _state("ambient.water", "Water on the floor", "漏水检测", _FOUND, {2: _CRITICAL}, [0]),
    _state("ambient.smoke", "Smoke", "烟雾检测", _FOUND, {2: _CRITICAL}, [0]),
    _gauge("ambient.temperature.low", "°C", -40, 120, "Low limit of the ambient temperature", "环境温度下限"),
    _gauge("ambient.temperature.high", "°C", -40, 120, "High limit of the ambient temperature", "环境温度上限"),
    _gauge("ambient.humidity.low", "%", 0, 100, "Low limit of the ambient humidity", "环境湿度下限"),
    _gauge("ambient.humidity.high", "%", 0, 100, "High limit of the ambient humidity", "环境湿度上限"),
    _gauge("ambient.humidity", "%", 0, 100, "Ambient humidity", "环境湿度"),
    _gauge("ups.temperature.low", "°C", -40, 150, "Low limit of the UPS temperature", "UPS 温度下限"),
    _gauge("ups.temperature.high", "°C", -40, 150, "High limit of the UPS temperature", "UPS 温度上限"),
    _gauge("ups.timer.shutdown", "s", 0, 10 * 86400, "Output goes off in", "距关闭输出"),
    _gauge("ups.timer.start", "s", 0, 10 * 86400, "Output comes on in", "距开启输出"),
    _gauge("ups.timer.reboot", "s", 0, 10 * 86400, "Restart takes or comes in", "距重启"),
    _gauge("ups.delay.shutdown", "s", 0, 86400, "Delay before the output goes off", "关闭输出延时"),
    _gauge("ups.delay.start", "s", 0, 86400, "Delay before the output comes on", "开启输出延时"),
    _state("ups.start.auto", "Starts by itself when mains return", "来电自动开机", {1: Text("yes", "是"), 2: Text("no", "否")}),
    _text("ups.test.date", "Day of the last self-test", "上次自检日期"),
    _gauge("ups.power.nominal", "VA", 1, 5e6, "Rated apparent power", "额定视在功率"),
    _gauge("ups.realpower.nominal", "W", 1, 5e6, "Rated active power", "额定有功功率"),
    _gauge("ups.alarms", "", 0, 10000, "Alarms present", "当前告警数"),
    _state("ups.source", "Output fed by", "输出来源", {
        1: Text("other", "其他"), 2: Text("none", "无输出"), 3: Text("mains", "市电"), 4: Text("bypass", "旁路"),
        5: Text("battery", "电池"), 6: Text("mains, boosted", "市电升压"), 7: Text("mains, reduced", "市电降压"),
    }, {2: _CRITICAL, 4: _MAJOR, 5: _MAJOR, 6: _WARNING, 7: _WARNING}, [1]),
    _state("ups.test.result", "Last self-test", "上次自检", {
        1: Text("passed", "通过"), 2: Text("warning", "警告"), 3: Text("failed", "失败"), 4: Text("aborted", "中止"),
        5: Text("running", "进行中"), 6: Text("none yet", "尚无"), 0: Text("not told", "未说明"),
    }, {2: _WARNING, 3: _MAJOR, 4: _WARNING}, [0, 6]),
    _gauge("ups.test.elapsed", "s", 0, 366 * 86400, "Time since the last self-test began", "距上次自检开始的时间"),
    _state("ups.beeper.status", "Beeper setting", "蜂鸣器设定", {
        1: Text("disabled", "禁用"), 2: Text("enabled", "启用"), 3: Text("muted", "静音"),
    }),
    # Alarms that the equipment itself raises (RFC 1628 upsWellKnownAlarms first)
    _flag("alarm.battery_bad", "Battery bad", "电池不良"),
    _flag("alarm.on_battery", "On battery", "电池供电"),
    _flag("alarm.battery_low", "Battery low", "电池电量低"),
    _flag("alarm.battery_depleted", "Battery depleted", "电池耗尽"),
    _flag("alarm.temperature", "Temperature out of tolerance", "温度异常"),
    _flag("alarm.input_bad", "Input out of tolerance", "输入异常"),
    _flag("alarm.output_bad", "Output out of tolerance", "输出异常"),
    _flag("alarm.overload", "Overload", "过载"),
    _flag("alarm.on_bypass", "On bypass", "旁路供电"),
    _flag("alarm.bypass_bad", "Bypass out of tolerance", "旁路异常"),
    _flag("alarm.output_off_requested", "Output off as requested", "已按要求关闭输出"),
    _flag("alarm.ups_off_requested", "UPS off as requested", "已按要求关机"),
    _flag("alarm.charger_failed", "Charger failed", "充电器故障"),
    _flag("alarm.output_off", "Output off", "输出关闭"),
    _flag("alarm.system_off", "System off", "系统关闭"),
    _flag("alarm.fan_failure", "Fan failed", "风扇故障"),
    _flag("alarm.fuse_failure", "Fuse failed", "熔断器故障"),
    _flag("alarm.general_fault", "General fault", "一般故障"),
    _flag("alarm.test_failed", "Self-test failed", "自检失败"),
    _flag("alarm.communication_lost", "Card lost the UPS", "管理卡与 UPS 失联"),
    _flag("alarm.awaiting_power", "Awaiting power", "等待来电"),
    _flag("alarm.shutdown_pending", "Shutdown pending", "即将关机"),
    _flag("alarm.shutdown_imminent", "Shutdown imminent", "马上关机"),
    _flag("alarm.test_in_progress", "Test in progress", "自检进行中"),
    _flag("alarm.replace_battery", "Replace battery", "更换电池"),
    _flag("alarm.battery_missing", "No battery", "无电池"),
    _flag("alarm.battery_voltage_high", "Battery over-voltage", "电池过压"),
    _flag("alarm.battery_voltage_low", "Battery under-voltage", "电池欠压"),
    _flag("alarm.rectifier_fault", "Rectifier fault", "整流器故障"),
    _flag("alarm.inverter_fault", "Inverter fault", "逆变器故障"),
    _flag("alarm.redundancy_lost", "Redundancy lost", "冗余丢失"),
    _flag("alarm.emergency_power_off", "Emergency power off", "紧急断电"),
    _flag("alarm.maintenance_bypass", "Maintenance bypass closed", "维修旁路闭合"),
    _flag("alarm.battery_low_condition", "Battery below its end-of-discharge warning", "电池达到放电告警点"),
    _flag("alarm.mains_failed", "Mains failed", "市电中断"),
    _flag("alarm.inverter_off", "Inverter off", "逆变器关闭"),
    _flag("alarm.sensor_fault", "Sensor faulty or absent", "传感器故障或缺失"),
    _flag("alarm.short_circuit", "Output short-circuited", "输出短路"),
    _flag("alarm.service", "Service due", "需维护"),
    _flag("ups.beeper", "Beeper on", "蜂鸣器"),
    _flag("ups.online", "On mains", "市电供电"),
    _flag("ups.boosting", "Raises the mains voltage", "正在升压"),
    _flag("ups.trimming", "Lowers the mains voltage", "正在降压"),
    _flag("ups.calibrating", "Runtime calibration", "正在校准续航"),
    _flag("battery.charging", "Battery charging", "电池充电中"),
    _flag("battery.discharging", "Battery discharging", "电池放电中"),
    _flag("ups.shutdown_active", "Shutdown active", "关机进行中"),
    # DC power plants: rectifiers, a battery, loads that are shed. The index is a module, a bank, a fuse, an output
    _part("system.status", "The whole system", "系统状态"),
    _part("mains.status", "Mains judged", "市电状态"),
    _part("mains.low.status", "Mains voltage judged", "市电电压状态"),
    _part("battery.condition", "Battery judged", "电池总体状态"),
    _part("battery.bank.status", "Battery bank", "电池组状态"),
    _part("fuse.battery.status", "Battery fuse", "电池熔断器"),
    _part("fuse.load.status", "Load fuse", "负载熔断器"),
    _part("digital_input.status", "Digital input", "数字输入"),
    _gauge("battery.string.current", "A", -5000, 5000, "Current of a battery string", "电池串电流"),
    _gauge("rectifiers", "", 0, 1000, "Rectifiers", "整流模块数"),
    _gauge("rectifier.current", "A", 0, 20000, "Rectifier current", "整流器电流"),
    _gauge("rectifier.voltage.set", "V", 0, 1000, "Rectifier voltage wanted", "整流器设定电压"),
    _gauge("rectifier.voltage.nominal", "V", 0, 1000, "Rectifier rated voltage", "整流器额定电压"),
    _state("rectifier.state", "Rectifiers", "整流模块", {1: Text("on", "开"), 2: Text("off", "关"), 3: Text("not told", "未说明")}, {2: _WARNING}, [3]),
    _state("rectifier.sleep", "Rectifier sleep", "整流模块休眠", {1: Text("disabled", "禁用"), 2: Text("enabled", "启用"), 3: Text("not supported", "不支持")}),
    _state("battery.charge.limited", "Charging current limited", "充电限流", {1: Text("no", "否"), 2: Text("yes", "是"), 3: Text("unknown", "未知")}, {}, [3]),
    _gauge("input.sources", "", 0, 100, "Mains inputs", "交流输入数"),
    _gauge("dc.voltage", "V", 0, 1000, "DC voltage", "直流电压"),
    _gauge("dc.ripple", "V", 0, 200, "Ripple of the DC voltage", "直流纹波电压"),
    _gauge("dc.power", "W", -5e6, 5e6, "DC power", "直流功率"),
    _gauge("dc.current", "A", -20000, 20000, "DC load current", "直流负载电流"),
    _gauge("dc.outputs", "", 0, 1000, "DC distributions", "直流配电数"),
    _gauge("dc.output.voltage", "V", 0, 1000, "DC distribution voltage", "直流配电电压"),
    _gauge("dc.output.current", "A", -20000, 20000, "DC distribution current", "直流配电电流"),
    _gauge("lvd.voltage", "V", 0, 1000, "Voltage at which a load is shed", "下电电压"),
    _state("contactor.state", "Contactor", "接触器", {
        1: Text("not energized", "未吸合"), 2: Text("energized", "吸合"), 3: Text("disconnected", "断开"), 4: Text("connected", "接通"),
    }),
    _state("site.state", "Site power", "站点供电", {1: Text("idle", "空闲"), 2: Text("working", "工作"), 3: Text("unknown", "未知")}, {}, [1, 3]),
    _state("monitor.status", "Monitoring unit", "监控单元", {
        1: Text("normal", "正常"), 2: Text("RS-485 lost", "RS485 通信失败"), 3: Text("network lost", "网络通信失败"),
        4: Text("fault", "故障"), 5: Text("alarm over", "告警恢复"), 6: Text("other", "其他"),
    }, {2: _MAJOR, 3: _MAJOR, 4: _MAJOR, 5: _WARNING}, [6]),
    _state("control.mode", "Control", "控制方式", {1: Text("manual", "手动"), 2: Text("automatic", "自动"), 3: Text("unknown", "未知")}, {}, [3]),
    # Transfer switches and their generator; the index is the source, or source.phases
    _state("ats.source", "Source that feeds", "当前电源", {
        0: Text("none", "无"), 1: Text("A", "A 路"), 2: Text("B", "B 路"), 3: Text("fault", "故障"), 4: Text("unknown", "未知"),
    }, {0: _CRITICAL, 3: _CRITICAL}, [4]),
    _state("ats.building.source", "Source that feeds the building", "建筑当前电源", {
        0: Text("none", "无"), 1: Text("mains", "市电"), 2: Text("generator", "发电机"), 3: Text("fault", "故障"), 4: Text("unknown", "未知"),
    }, {0: _CRITICAL, 2: _WARNING, 3: _CRITICAL}, [4]),
    _part("ats.status", "Transfer switch", "转换开关"),
    _part("ats.redundancy", "Redundancy of the sources", "电源冗余"),
    _part("ats.source.status", "Source judged", "电源状态"),
    _part("ats.phases_in_step", "Sources in step", "电源同相"),
    _state("ats.mode", "Transfer switch mode", "转换开关方式", {
        1: Text("automatic", "自动"), 2: Text("not in automatic, abnormal", "非自动（异常）"), 3: Text("not in automatic", "非自动"), 4: Text("unknown", "未知"),
    }, {2: _MAJOR, 3: _WARNING}, [4]),
    _state("ats.breaker", "Source breaker", "电源断路器", {
        1: Text("open", "断开"), 2: Text("closed", "闭合"), 3: Text("tripped", "跳闸"), 4: Text("unknown", "未知"),
    }, {3: _CRITICAL}, [4]),
    _state("ats.source.quality", "Source quality", "电源质量", {
        1: Text("good", "良好"), 2: Text("low voltage", "电压低"), 3: Text("high voltage", "电压高"), 4: Text("phases unbalanced", "三相不平衡"),
        5: Text("frequency out of range", "频率超限"), 6: Text("wrong rotation", "相序错"), 7: Text("unknown", "未知"),
    }, {2: _WARNING, 3: _WARNING, 4: _WARNING, 5: _WARNING, 6: _WARNING}, [7]),
    _gauge("ats.input.voltage", "V", 0, 1000, "Voltage of a source", "电源电压"),
    _gauge("ats.input.frequency", "Hz", 0, 500, "Frequency of a source", "电源频率"),
    _state("ats.test.status", "Transfer test", "转换测试", {1: Text("none", "无"), 2: Text("running", "进行中")}),
    _state("ats.test.result", "Last transfer test", "上次转换测试", {
        1: Text("passed", "通过"), 2: Text("warning", "警告"), 3: Text("failed", "失败"), 4: Text("cancelled", "取消"), 6: Text("none yet", "尚无"),
    }, {2: _WARNING, 3: _MAJOR}, [4]),
    _state("generator.mode", "Generator switch", "发电机开关", {
        1: Text("off", "关"), 2: Text("manual", "手动"), 3: Text("automatic", "自动"), 4: Text("unknown", "未知"),
    }, {1: _WARNING, 2: _WARNING}, [4]),
    _state("generator.start_signal", "Generator start signal", "发电机启动信号", {
        1: Text("run", "运行"), 2: Text("stop", "停止"), 3: Text("unknown", "未知"),
    }, {1: _WARNING}, [3]),
    _part("generator.coolant", "Coolant", "冷却液"),
    _gauge("generator.battery.voltage", "V", 0, 100, "Starter battery", "启动电池电压"),
    # Inverters and meters behind SunSpec
    _state("inverter.state", "Inverter", "逆变器状态", {
        1: Text("off", "关"), 2: Text("sleeping", "休眠"), 3: Text("starting", "启动"), 4: Text("running", "运行"),
        5: Text("throttled", "限功率"), 6: Text("shutting down", "正在关机"), 7: Text("fault", "故障"), 8: Text("standby", "待机"),
    }, {7: _MAJOR}),
    _gauge("meter.voltage", "V", 0, 1e6, "Metered voltage", "电表电压"),
    _gauge("meter.current", "A", -20000, 20000, "Metered current", "电表电流"),
    _gauge("meter.frequency", "Hz", 0, 500, "Metered frequency", "电表频率"),
    _gauge("meter.realpower", "W", -1e8, 1e8, "Metered power; below zero it goes out", "电表有功功率（负为送出）"),
    _counter("meter.energy.in", "kWh", "Energy taken in", "输入电能"),
    _counter("meter.energy.out", "kWh", "Energy given out", "输出电能（送出）"),
    _flag("alarm.ground_fault", "Ground fault", "接地故障"),
    # Network gear (RFC 2863, RFC 3418); the index is ifIndex
    _gauge("sysUpTime", "s", 0, 100 * 366 * 86400, "Time since the agent started", "设备运行时间"),
    _gauge("ifNumber", "", 0, 1e6, "Interfaces", "接口数"),
    _state("ifAdminStatus", "Port wanted", "端口设定", _OPER),
    _state("ifOperStatus", "Port state", "端口状态", _OPER),
    _gauge("ifHighSpeed", "Mbit/s", 0, 1e7, "Port speed", "端口速率"),
    _gauge("ifMtu", "B", 0, 1e6, "Port MTU", "端口 MTU"),
    _gauge("ifLastChange", "s", 0, 100 * 366 * 86400, "sysUpTime at the last change", "上次变化时的运行时间"),
    _counter("ifHCInOctets", "B", "Octets in", "接收字节"),
    _counter("ifHCOutOctets", "B", "Octets out", "发送字节"),
    _counter("ifInUcastPkts", "", "Unicast packets in", "接收单播包"),
    _counter("ifOutUcastPkts", "", "Unicast packets out", "发送单播包"),
    _counter("ifInErrors", "", "Errors in", "接收错误"),
    _counter("ifOutErrors", "", "Errors out", "发送错误"),
    _counter("ifInDiscards", "", "Discards in", "接收丢弃"),
    _counter("ifOutDiscards", "", "Discards out", "发送丢弃"),
    # What equipment is made of (ENTITY-MIB and its kin); the index is the maker's: an entity, a slot, a number. `entity.name` names it
    _text("entity.name", "Part", "部件"),
    _gauge("entity.temperature", "°C", -60, 150, "Temperature within", "内部温度"),
    _part("entity.temperature.status", "Temperature judged", "温度状态"),
    _gauge("entity.fan.speed", "RPM", 0, 60000, "Fan speed", "风扇转速"),
    _gauge("entity.fan.level", "%", 0, 100, "Fan drive", "风扇速率"),
    _part("entity.fan.status", "Fan", "风扇状态"),
    _part("entity.power.status", "Power supply", "电源状态"),
    _part("entity.status", "Module", "模块状态"),
    _gauge("entity.voltage", "V", -1000, 1000, "Voltage within", "内部电压"),
    _gauge("entity.current", "A", -5000, 5000, "Current within", "内部电流"),
    _gauge("entity.power", "W", 0, 1e6, "Power taken", "耗电功率"),
    _gauge("entity.frequency", "Hz", 0, 500, "Frequency", "频率"),
    _part("entity.sensor.status", "Sensor judged", "传感器状态"),
    _gauge("cpu.load", "%", 0, 100, "Processor load", "处理器占用率"),
    _gauge("cpu.idle", "%", 0, 100, "Processor idle", "处理器空闲率"),
    _gauge("load.average", "", 0, 100000, "Load average over so many minutes", "平均负载（按分钟）"),
    _gauge("memory.used", "%", 0, 100, "Memory in use", "内存占用率"),
    _gauge("memory.size", "B", 0, 1e15, "Memory", "内存容量"),
    _gauge("memory.free", "B", 0, 1e15, "Memory free", "空闲内存"),
    _gauge("memory.taken", "B", 0, 1e15, "Memory taken", "已用内存"),
    _gauge("storage.used", "%", 0, 100, "Storage in use", "存储占用率"),
    _gauge("storage.size", "B", 0, 1e18, "Storage", "存储容量"),
    _gauge("storage.taken", "B", 0, 1e18, "Storage taken", "已用存储"),
    _text("storage.name", "Storage", "存储名称"),
    # Optics; the index is the port's, as the maker numbers it
    _gauge("optics.rx_power", "dBm", -60, 30, "Light received", "接收光功率"),
    _gauge("optics.tx_power", "dBm", -60, 30, "Light sent", "发送光功率"),
    _gauge("optics.power", "dBm", -60, 30, "Light, as the sensor's name says", "光功率（见传感器名）"),
    _gauge("optics.bias", "A", 0, 2, "Laser bias current", "激光器偏置电流"),
    _gauge("optics.temperature", "°C", -60, 130, "Optics temperature", "光模块温度"),
    _gauge("optics.voltage", "V", 0, 20, "Optics supply voltage", "光模块电压"),
    # Power over Ethernet (RFC 3621); the index is the port's, or none for the whole device
    _state("poe.status", "Power to the port", "端口供电状态", {
        1: Text("disabled", "禁用"), 2: Text("searching", "检测中"), 3: Text("delivering", "供电"),
        4: Text("fault", "故障"), 5: Text("test", "测试"), 6: Text("other fault", "其他故障"),
        7: Text("off", "未供电"), 8: Text("turning on", "正在上电"), 9: Text("overload", "过载"),
        10: Text("short circuit", "短路"), 11: Text("voltage too low", "电压过低"),
        12: Text("voltage too high", "电压过高"), 13: Text("too hot", "过热"), 14: Text("not standard", "非标准设备"),
        15: Text("no valid supply", "无有效电源"), 16: Text("current too low", "电流过低"),
        17: Text("powered from the far end", "由对端供电"),
        18: Text("short circuit, or a load that takes no PoE", "短路或非受电设备"),
    }, {4: _WARNING, 6: _WARNING, 8: _WARNING, 9: _WARNING, 10: _WARNING, 11: _WARNING, 12: _WARNING, 13: _WARNING,
        14: _WARNING, 15: _WARNING, 16: _WARNING}),
    _gauge("poe.power", "W", 0, 1000, "Power to the port", "端口供电功率"),
    _gauge("poe.voltage", "V", 0, 100, "Voltage to the port", "端口供电电压"),
    _gauge("poe.current", "A", 0, 20, "Current to the port", "端口供电电流"),
    _gauge("poe.total", "W", 0, 100000, "Power to all ports", "总供电功率"),
    _gauge("poe.budget", "W", 0, 100000, "Power that there is for ports", "供电功率上限"),
    _gauge("poe.remaining", "W", 0, 100000, "Power left for ports", "剩余供电功率"),
    _gauge("poe.devices", "", 0, 100000, "Devices powered", "受电设备数"),
    # What several boxes or paths are to each other; the index is a group, a member, a path
    _state("redundancy.role", "Role among its peers", "冗余角色", {
        1: Text("active", "主用"), 2: Text("standby", "备用"), 3: Text("member", "成员"),
        4: Text("not settled", "未稳定"), 5: Text("down", "未就绪"), 6: Text("disabled", "未启用"),
        7: Text("unknown", "未知"), 8: Text("head", "首端"), 9: Text("tail", "末端"),
    }, {4: _WARNING, 5: _MAJOR}, [7]),
    _state("redundancy.protocol", "Redundancy protocol", "冗余协议", {
        1: Text("none", "无"), 2: Text("spanning tree", "生成树"), 3: Text("ring", "环网"), 4: Text("chain", "链网"),
    }),
    _state("redundancy.port", "Redundant port", "冗余端口状态", {
        1: Text("forwarding", "转发"), 2: Text("blocked as meant", "正常阻塞"), 3: Text("blocking", "阻塞中"),
        4: Text("link down", "链路断开"), 5: Text("no such port", "非冗余端口"), 6: Text("not told", "未说明"),
    }, {3: _WARNING, 4: _MAJOR, 5: _WARNING}),
    _path("path.status", "Watched path", "受监测链路状态"),
    _path("vpn.status", "VPN service", "VPN 服务状态"),
    _path("vpn.tunnel.status", "VPN tunnel", "VPN 隧道状态"),
    _gauge("path.latency", "ms", 0, 3.6e6, "Latency of the path", "链路时延"),
    _gauge("path.jitter", "ms", 0, 3.6e6, "Jitter of the path", "链路抖动"),
    _gauge("path.loss", "%", 0, 100, "Loss on the path", "链路丢包率"),
    _gauge("sessions", "", 0, 1e12, "Sessions or connections", "会话或连接数"),
    _gauge("sessions.rate", "", 0, 1e9, "New sessions a second, over so many minutes", "每秒新建会话（按分钟）"),
    _gauge("vpn.tunnels", "", 0, 1e6, "VPN tunnels up", "VPN 隧道数"),
    _gauge("vpn.users", "", 0, 1e6, "VPN users", "VPN 用户数"),
    _gauge("dhcp.leases", "", 0, 1e7, "DHCP leases", "DHCP 租约数"),
    _counter("security.events", "", "Attacks and pages found or blocked, by kind", "安全事件（按类别）"),
    _flag("alarm.major", "Major alarm of the chassis", "设备重要告警"),
    _flag("alarm.minor", "Minor alarm of the chassis", "设备次要告警"),
    # Who stands at the other end of a port (IEEE 802.1AB); the index is the local port's
    _text("device.chassis", "Chassis id as neighbours hear of it", "本机机箱标识"),
    _text("port.name", "Port as neighbours hear of it", "本地端口标识"),
    _text("neighbour.chassis", "Neighbour's chassis id", "邻居机箱标识"),
    _text("neighbour.port", "Neighbour's port", "邻居端口"),
    _text("neighbour.port.description", "Neighbour's port, in words", "邻居端口描述"),
    _text("neighbour.name", "Neighbour's name", "邻居名称"),
    _text("neighbour.description", "Neighbour's description", "邻居描述"),
    # Rack PDUs: what comes in stands under input.*; the index is the outlet, the bank, the phase
    _state("outlet.status", "Outlet", "插座状态", {
        1: Text("on", "通电"), 2: Text("off", "断电"), 3: Text("restarting", "重启中"), 4: Text("unknown", "未知"),
        5: Text("fault", "故障"),
    }, {3: _WARNING, 4: _WARNING, 5: _MAJOR}),
    _gauge("outlet.count", "", 0, 10000, "Outlets or outlet groups", "插座数"),
    _text("outlet.name", "Outlet's name", "插座名称"),
    _gauge("outlet.current", "A", 0, 1000, "Current of the outlet", "插座电流"),
    _gauge("outlet.realpower", "W", 0, 1e6, "Power of the outlet", "插座功率"),
    _counter("outlet.energy", "kWh", "Energy of the outlet", "插座电能"),
    _gauge("bank.current", "A", 0, 1000, "Current of the bank", "支路电流"),
    _state("load.status", "Load judged", "负载状态", {
        1: Text("low", "偏低"), 2: Text("normal", "正常"), 3: Text("near overload", "接近过载"),
        4: Text("overload", "过载"), 5: Text("not told", "未说明"),
    }, {3: _WARNING, 4: _MAJOR}, [5]),
    _text("sensor.name", "Sensor's name", "传感器名称"),
    _gauge("ambient.dew_point", "°C", -60, 60, "Dew point", "露点温度"),
    # Name plate (text: identity events)
    _text("device.mfr", "Maker", "厂家"),
    _text("device.model", "Model", "型号"),
    _text("device.serial", "Serial number", "序列号"),
    _text("device.firmware", "Firmware", "固件版本"),
    _text("device.firmware.aux", "Card firmware version", "管理卡固件版本"),
    _text("device.attached", "Attached equipment", "所带设备"),
    _text("device.description", "Description", "描述"),
    _text("device.name", "Name", "名称"),
    _text("ifDescr", "Port description", "端口描述"),
    _text("ifName", "Port name", "端口名"),
    _text("ifAlias", "Port alias", "端口别名"),
    # The round itself
    _gauge("device.round_trip", "s", 0, 3600, "Time of one round of the device", "轮询一次用时"),
    # How a device is on its line (the agent measures it; a share is of the last minute)
    _gauge("device.airtime", "%", 0, 100, "Share of its line's time", "占用线路时间比例"),
    _counter("device.requests", "", "Requests sent", "请求次数"),
    _counter("device.retries", "", "Requests repeated", "重试次数"),
    _counter("device.timeouts", "", "Requests without answer", "超时次数"),
    _counter("device.crc_errors", "", "Garbled answers", "校验错误次数"),
    _counter("device.quarantined", "", "Late or foreign answers not taken", "隔离的迟到或错位应答"),
    _flag("device.reachable", "Answers on the network", "网络可达"),
    # How a line is, told by the agent's own device `site/agent`; the index is the line's name
    _gauge("link.airtime", "%", 0, 100, "Share of time in which the line is busy", "线路忙时比例"),
    _gauge("link.round_time", "s", 0, 86400, "Time to ask every device of the line once", "整条线路轮询一圈用时"),
    _counter("link.requests", "", "Requests sent on the line", "线路请求次数"),
    _counter("link.retries", "", "Requests repeated on the line", "线路重试次数"),
    _counter("link.timeouts", "", "Requests without answer on the line", "线路超时次数"),
    _counter("link.crc_errors", "", "Garbled answers on the line", "线路校验错误次数"),
    _counter("link.quarantined", "", "Late or foreign answers on the line", "线路隔离的应答"),
    _counter("link.reopened", "", "Times the port was opened again", "端口重开次数"),
    # A program that tells the centre of devices (Telegraf, an MQTT broker): a device of its own, heard or silent
    _counter("neighbour.messages", "", "Messages of a program that tells of devices", "第三方程序上报的消息数"),
    # Dry contacts; the index is the input's number
    _flag("contact.closed", "Contact closed", "触点闭合"),
    _text("contact.name", "Contact's name", "触点名称"),
    _flag("contact.alarm", "Contact not as it should be", "触点异常"),
    _counter("snmpEngineBoots", "", "Restarts of the SNMP engine", "SNMP 引擎重启次数"),
)  # fmt: skip

#: What an agent itself says about a device that it asks: no sign that the device lives.
SAID_OF_DEVICE = frozenset(
    f"device.{name}"
    for name in ("airtime", "requests", "retries", "timeouts", "crc_errors", "quarantined", "reachable")
)

POINTS: dict[str, Point] = {point.id: point for point in _ALL}
if len(POINTS) != len(_ALL):
    raise RuntimeError("two points share an id")


def plausible(point: Point, value: float) -> bool:
    """Whether `value` can physically be: finite and within the point's bounds.

    >>> plausible(POINTS["input.voltage"], 2302.0)
    False
    """
    return point.low <= value <= point.high
