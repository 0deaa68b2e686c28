"""The detectors, one idea a file. To add one: copy `_blueprint.py`, write its line here and in `alerts/kinds.py`.

The table is explicit and its order is the order of their changes. docs/detectors.md is made from their docstrings.
"""

from __future__ import annotations

from analytics.detector import Detector
from analytics.detectors.bad_state import BadState
from analytics.detectors.battery_block_weak import BatteryBlockWeak
from analytics.detectors.battery_flag import BATTERY_FLAG
from analytics.detectors.battery_low import BatteryLow
from analytics.detectors.battery_runaway import BatteryRunaway
from analytics.detectors.battery_verdict import BatteryVerdict
from analytics.detectors.bypass import BYPASS
from analytics.detectors.capacitors import Capacitors
from analytics.detectors.card_frozen import CardFrozen
from analytics.detectors.charger import CHARGER
from analytics.detectors.charger_fault import ChargerFault
from analytics.detectors.congestion import Congestion
from analytics.detectors.contact import CONTACT
from analytics.detectors.cooling_worn import CoolingWorn
from analytics.detectors.cpu_high import CpuHigh
from analytics.detectors.device_silent import DeviceSilent
from analytics.detectors.fan import FAN
from analytics.detectors.fan_tray import FanTray
from analytics.detectors.feed import Feed
from analytics.detectors.fibre_loss import FibreLoss
from analytics.detectors.float_wrong import FloatWrong
from analytics.detectors.generator_absent import GeneratorAbsent
from analytics.detectors.generator_battery import GeneratorBattery
from analytics.detectors.heating_fast import HeatingFast
from analytics.detectors.input_quality import InputQuality
from analytics.detectors.inverter_off import INVERTER_OFF
from analytics.detectors.laser_ageing import LaserAgeing
from analytics.detectors.line_errors import LineErrors
from analytics.detectors.link_flapping import LinkFlapping
from analytics.detectors.mains_failed import MAINS_FAILED
from analytics.detectors.memory_leak import MemoryLeak
from analytics.detectors.not_charging import NotCharging
from analytics.detectors.on_battery import OnBattery
from analytics.detectors.output_off import OutputOff
from analytics.detectors.output_quality import OutputQuality
from analytics.detectors.over_temperature import OVER_TEMPERATURE
from analytics.detectors.overheating import Overheating
from analytics.detectors.overload import OVERLOAD
from analytics.detectors.overload_trend import OverloadTrend
from analytics.detectors.paths_unstable import PathsUnstable
from analytics.detectors.port_down import PortDown
from analytics.detectors.port_errors import PortErrors
from analytics.detectors.power_supply import PowerSupply
from analytics.detectors.reboots import Reboots
from analytics.detectors.rectifier_lost import RectifierLost
from analytics.detectors.regulating import Regulating
from analytics.detectors.runtime_shortfall import RuntimeShortfall
from analytics.detectors.sensor_stuck import SensorStuck
from analytics.detectors.storage_filling import StorageFilling
from analytics.detectors.transfers_rising import TransfersRising
from analytics.detectors.unusual import Unusual
from analytics.detectors.ups_fault import UPS_FAULT
from analytics.detectors.ups_hot import UpsHot
from analytics.hours import HourlyDetector

#: By name: the name is the key of the state in the snapshot, so it never changes.
DETECTORS: dict[str, Detector] = {
    "on_battery": OnBattery(),
    "mains_failed": MAINS_FAILED,
    "output_off": OutputOff(),
    "battery_low": BatteryLow(),
    "runtime_shortfall": RuntimeShortfall(),
    "battery_flag": BATTERY_FLAG,
    "battery_runaway": BatteryRunaway(),
    "battery_verdict": BatteryVerdict(),
    "overload": OVERLOAD,
    "bypass": BYPASS,
    "over_temperature": OVER_TEMPERATURE,
    "charger": CHARGER,
    "not_charging": NotCharging(),
    "fan": FAN,
    "ups_fault": UPS_FAULT,
    "inverter_off": INVERTER_OFF,
    "bad_state": BadState(),
    "contact": CONTACT,
    "device_silent": DeviceSilent(),
    "port_down": PortDown(),
    "port_errors": PortErrors(),
    "link_flapping": LinkFlapping(),
    "reboots": Reboots(),
    "generator_absent": GeneratorAbsent(),
    "input_quality": InputQuality(),
    "output_quality": OutputQuality(),
    "transfers_rising": TransfersRising(),
    "regulating": Regulating(),
    "heating_fast": HeatingFast(),
}

#: Those that are shown closed hours (`analytics.hours`): slow faults. One table of names with the above: they share the snapshot.
HOURLY: dict[str, HourlyDetector] = {
    "sensor_stuck": SensorStuck(),
    "unusual": Unusual(),
    "charger_fault": ChargerFault(),
    "float_wrong": FloatWrong(),
    "battery_block_weak": BatteryBlockWeak(),
    "power_supply": PowerSupply(),
    "fan_tray": FanTray(),
    "overheating": Overheating(),
    "laser_ageing": LaserAgeing(),
    "fibre_loss": FibreLoss(),
    "line_errors": LineErrors(),
    "congestion": Congestion(),
    "memory_leak": MemoryLeak(),
    "storage_filling": StorageFilling(),
    "cpu_high": CpuHigh(),
    "paths_unstable": PathsUnstable(),
    "cooling_worn": CoolingWorn(),
    "ups_hot": UpsHot(),
    "overload_trend": OverloadTrend(),
    "feed": Feed(),
    "capacitors": Capacitors(),
    "rectifier_lost": RectifierLost(),
    "card_frozen": CardFrozen(),
    "generator_battery": GeneratorBattery(),
}
