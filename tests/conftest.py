"""For all tests: a count of what was skipped that nobody can overlook, and the marker rules."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings

# A machine under load is slow; that is no fault of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, then by their number of tests, so that no worker is left with a long one at the end."""
    alone = {item.path for item in items if item.get_closest_marker("alone")}
    elsewhere = [path for path in alone if not {"journeys", "simulation"} & set(path.parts)]
    assert not elsewhere, f"{elsewhere}: make test looks for what is marked `alone` in journeys and simulation only"
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -tests[item.path], item.path))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests did not run and why, in a block of its own above the last line."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    reasons: dict[str, int] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    terminalreporter.write_sep("!", f"{len(skipped)} TESTS DID NOT RUN ON THIS MACHINE", red=True, bold=True)
    for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"  {count:4d}  {reason}", red=True)
    terminalreporter.write_line("  In CI nothing may be skipped: see tests/services/install.sh", red=True)
