"""Absences are told once an hour, and at once when something changed."""

from __future__ import annotations

from agent.backlog import Found
from agent.quiet import TELL_AGAIN_MS, Quiet
from model.reading import Gap, GapCause, Reading


def gap(at: int, cause: GapCause = GapCause.NOT_SUPPORTED, index: str | None = None, device: str = "sz/ups-1") -> Gap:
    return Gap(device=device, point="battery.temperature", index=index, at=at, cause=cause)


def value(at: int) -> Reading:
    return Reading(device="sz/ups-1", point="battery.temperature", index=None, at=at, value=25.0)


def test_what_a_device_does_not_have_is_told_once_and_again_after_an_hour() -> None:
    quiet = Quiet()
    told = [at for at in range(0, 2 * TELL_AGAIN_MS + 1, 2_000) if quiet.sift([gap(at)])]
    assert told == [0, TELL_AGAIN_MS, 2 * TELL_AGAIN_MS]


def test_each_point_index_and_device_is_told_for_itself() -> None:
    quiet = Quiet()
    found = [gap(1), gap(1, index="2"), gap(1, device="sz/ups-2")]
    assert quiet.sift(found) == found
    assert quiet.sift(found) == []


def test_another_cause_is_told_each_time_and_makes_the_absence_news_again() -> None:
    quiet = Quiet()
    said = [gap(1), gap(2, GapCause.GARBLED), gap(3, GapCause.GARBLED), gap(4), gap(5)]
    assert quiet.sift(said) == said[:4]


def test_a_value_in_between_makes_the_absence_news_again() -> None:
    quiet = Quiet()
    said: list[Found] = [gap(1), value(2), gap(3), gap(4)]
    assert quiet.sift(said) == said[:3]


def test_a_device_of_which_nothing_is_known_is_told_each_time() -> None:
    quiet = Quiet()
    whole = [Gap(device="sz/ups-1", point=None, index=None, at=at, cause=GapCause.NOT_SUPPORTED) for at in (1, 2)]
    assert quiet.sift(whole) == whole


def test_a_clock_that_went_back_hides_nothing() -> None:
    quiet = Quiet()
    quiet.sift([gap(9_000)])
    assert quiet.sift([gap(5_000)]) == [gap(5_000)]
