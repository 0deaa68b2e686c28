"""Every driver, and the blueprint that new ones are copied from."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import agent.drivers
from agent.address import SCHEMES, DeviceUrl
from agent.drivers import DRIVERS, _blueprint
from agent.drivers.exchange import Command, Exchange, Failure, Line
from agent.profiles import Tier
from agent.profiles.form import Profile, Value
from model.reading import GapCause

FOLDER = Path(agent.drivers.__file__).parent
_IMPURE = {"asyncio", "socket", "serial", "time", "datetime", "random", "os", "gufo", "threading", "subprocess"}
URL = DeviceUrl.parse("megatec:///dev/ttyS0")


def test_every_scheme_of_an_address_has_a_driver() -> None:
    assert set(DRIVERS) == set(SCHEMES)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_driver_opens_nothing_waits_for_nothing_and_reads_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.partition(".")[0] for name in names} & _IMPURE, path.name
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await)


def test_the_blueprint_runs() -> None:
    row = Value(point="battery.charge", at="CHARGE", tier=Tier.STATUS)
    profile = Profile(id="x", driver="x", title=("x", "x"), source="x", values=(row,))
    (request,) = _blueprint.plan(profile, URL, Tier.STATUS)
    assert request == Command(text="CHARGE", starts="", length=0)
    said = [Line("97"), Line("?"), Failure(cause=GapCause.NO_ANSWER), Line("250")]
    found = [_blueprint.read(profile, URL, Tier.STATUS, [Exchange(request=request, answer=a, at=1)])[0] for a in said]
    assert [one.value for one in found] == [97.0, None, None, None]
    assert [one.cause for one in found[1:]] == [GapCause.GARBLED, GapCause.NO_ANSWER, GapCause.NOT_PLAUSIBLE]
    assert _blueprint.narrow(profile, URL, Tier.STATUS, request) == []
