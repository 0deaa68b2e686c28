from __future__ import annotations

import msgspec
import numpy as np
import pytest

from analytics.cohort import Summary, snapshot
from analytics.detectors.cpu_high import CpuHigh
from analytics.detectors.memory_leak import MemoryLeak
from analytics.detectors.storage_filling import StorageFilling
from model.finding import Severity
from tests.analytics.network.switch import (
    DAY,
    bend,
    cleared,
    day_of,
    measured,
    play,
    raised,
    restart,
    seen,
    silence,
    story,
    told_of,
)
from tests.analytics.timeline import SWITCH, context


class TestMemoryLeak:
    def test_a_leak_is_raised_within_a_fortnight_with_its_date(self) -> None:
        told = story(60)
        bend(told, "memory.used", "1", lambda days: 0.6 * days, day=20)
        [finding] = raised(play(MemoryLeak(), told))
        assert seen(finding) < 34
        assert finding.forecast is not None
        last = told_of(play(MemoryLeak(), told))[-1]
        assert last.forecast is not None
        assert day_of(last.forecast) == pytest.approx(20 + (95 - 52) / 0.6, abs=6)

    def test_it_is_major_when_less_than_a_week_is_left(self) -> None:
        told = story(48)
        bend(told, "memory.used", "1", lambda days: 1.5 * days, day=20)
        assert told_of(play(MemoryLeak(), told))[-1].severity is Severity.MAJOR

    def test_a_restart_clears_it_and_the_next_tooth_remembers(self) -> None:
        told = story(100)
        bend(told, "memory.used", "1", lambda days: 0.8 * (days % 30), day=10)
        restart(told, 40, 70)
        changes = play(MemoryLeak(), told)
        assert len(cleared(changes)) >= 2
        assert "alike" in raised(changes)[-1].evidence[1].text.en

    def test_a_cache_that_fills_and_flattens_is_none_in_the_end(self) -> None:
        told = story(120)
        bend(told, "memory.used", "1", lambda days: 25 * (1 - np.exp(-days / 6)), day=20)
        changes = play(MemoryLeak(), told)
        assert len(raised(changes)) == len(cleared(changes))

    def test_free_and_taken_bytes_serve_as_well(self) -> None:
        told = story(60)
        used = told.pop(("memory.used", "1"))
        for point, share in (("memory.taken", 1.0), ("memory.free", -1.0)):
            rows = told[point, "1"] = used.copy()
            rows[:, 1:6] = 4e6 * (rows[:, 1:6] if share > 0 else 100 - rows[:, 1:6])
        bend(told, "memory.taken", "1", lambda days: 4e6 * 0.6 * days, day=20)
        bend(told, "memory.free", "1", lambda days: -4e6 * 0.6 * days, day=20)
        assert len(raised(play(MemoryLeak(), told))) == 1

    def test_a_month_of_silence_and_a_unit_told_otherwise_are_none(self) -> None:
        told = story(100)
        silence(told, 30, 60)
        for point, sign in (("memory.taken", 1), ("memory.free", -1)):
            rows = told[point, "9"] = told["memory.used", "1"].copy()
            rows[:, 1:6] = 1e6 * (rows[:, 1:6] if sign > 0 else 100 - rows[:, 1:6])
            rows[70 * DAY :, 1:6] /= 1024
        assert play(MemoryLeak(), told) == []

    def test_what_the_firmware_does_elsewhere_is_told(self) -> None:
        rows = [
            Summary(device=f"s/{fw}{n}", customer=f"c{n % 3}", model="X", firmware=fw, values={"memory_slope": slope})
            for fw, slope in (("V1", 0.5), ("V2", 0.0))
            for n in range(12)
        ]
        rows.append(Summary(device=SWITCH, customer="c0", model="X", firmware="V1"))
        known = msgspec.structs.replace(context(SWITCH), cohort=snapshot(rows, made=0).of(SWITCH, "X"))
        told = story(40)
        bend(told, "memory.used", "1", lambda days: 0.6 * days, day=20)
        plain, informed = raised(play(MemoryLeak(), told))[0], raised(play(MemoryLeak(), told, known=known))[0]
        assert "upgrade" in informed.evidence[-1].text.en
        assert informed.score > plain.score

    def test_its_slope_is_what_the_cohort_is_told(self) -> None:
        told = story(40)
        bend(told, "memory.used", "1", lambda days: 0.3 * days)
        assert measured(MemoryLeak(), told) == {"memory_slope": pytest.approx(0.3, abs=0.05)}


class TestStorageFilling:
    def test_a_disk_that_fills_is_dated(self) -> None:
        told = story(60)
        bend(told, "storage.used", "1", lambda days: 1.2 * days, day=20)
        finding = told_of(play(StorageFilling(), told))[-1]
        assert finding.forecast is not None
        assert day_of(finding.forecast) == pytest.approx(20 + (95 - 31) / 1.2, abs=5)

    def test_a_copy_that_ended_clears_it(self) -> None:
        told = story(60)
        bend(told, "storage.used", "1", lambda days: 2 * np.minimum(days, 12), day=20)
        changes = play(StorageFilling(), told)
        assert len(cleared(changes)) == len(raised(changes)) == 1

    def test_a_recorder_that_overwrites_near_the_top_is_none(self) -> None:
        told = story(60)
        told["storage.used", "1"][:, 1:6] = 94.9
        assert play(StorageFilling(), told) == []


class TestCpuHigh:
    def test_a_step_is_raised_within_three_hours(self) -> None:
        told = story(40)
        bend(told, "cpu.load", "1", lambda days: np.full(len(days), 60.0), day=30)
        [finding] = raised(play(CpuHigh(), told))
        assert seen(finding) < 30.15
        assert day_of(finding.since) == 30

    def test_one_busy_hour_is_none_and_neither_is_a_backup_each_night(self) -> None:
        told = story(60)
        told["cpu.load", "1"][30 * DAY, 1:6] = 95
        for day in range(60):
            told["cpu.load", "1"][day * DAY + 2 : day * DAY + 5, 1:6] = 90
        assert play(CpuHigh(), told) == []

    def test_it_clears_when_the_load_is_back(self) -> None:
        told = story(40)
        bend(told, "cpu.load", "1", lambda days: np.where(days < 2, 60.0, 0.0), day=30)
        assert [day_of(end.at) for end in cleared(play(CpuHigh(), told))] == [pytest.approx(32, abs=0.1)]

    def test_a_new_use_is_taken_for_normal_after_a_fortnight(self) -> None:
        told = story(80)
        bend(told, "cpu.load", "1", lambda days: np.full(len(days), 55.0), day=30)
        assert [day_of(end.at) for end in cleared(play(CpuHigh(), told))] == [pytest.approx(44, abs=0.3)]

    def test_idle_time_serves_as_well_and_silence_is_none(self) -> None:
        told = story(60)
        rows = told["cpu.idle", "1"] = told.pop(("cpu.load", "1"))
        rows[:, 1:6] = 100 - rows[:, 1:6]
        silence(told, 20, 50)
        bend(told, "cpu.idle", "1", lambda days: np.full(len(days), -60.0), day=56)
        assert [seen(finding) < 56.2 for finding in raised(play(CpuHigh(), told))] == [True]
