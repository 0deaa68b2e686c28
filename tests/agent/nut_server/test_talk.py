"""The protocol as upsd speaks it, read-only; and its table in the agent's file."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.config import parse
from agent.nut_server import serve
from agent.nut_server.serve import NutServer
from agent.nut_server.settings import NutSettings, NutUser
from agent.nut_server.shown import Shown
from agent.nut_server.talk import Session
from model.reading import Reading
from tests.services import free_port, need


def of_ups(point: str, value: float) -> Reading:
    return Reading(device="sz/ups-1", point=point, index=None, at=1, value=value)


def shown() -> Shown:
    one = Shown(["sz/ups-1", "sz/ups-2"], measure_s=10)
    one.hear([of_ups("ups.source", 5), of_ups("battery.status", 3), of_ups("battery.charge", 12)], 0.0)
    return one


def session(clients: list[str] | None = None) -> Session:
    return Session(
        shown(),
        lambda name, word: (name, word) == ("monitor", "hush"),
        lambda _: clients or [],
        {"ups-1": 'The "one"'},
        "0.1",
    )


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("VER", ["Roundsman 0.1 - NUT protocol, reading only"]),
        ("NETVER", ["1.3"]),
        ("LIST UPS", ["BEGIN LIST UPS", 'UPS ups-1 "The \\"one\\""', 'UPS ups-2 "ups-2"', "END LIST UPS"]),
        ("GET VAR ups-1 ups.status", ['VAR ups-1 ups.status "OB LB"']),
        ('get var "ups-1" "battery.charge"', ['VAR ups-1 battery.charge "12"']),
        ("GET VAR ups-1 nonsense", ["ERR VAR-NOT-SUPPORTED"]),
        ("GET VAR ups-2 ups.status", ["ERR DATA-STALE"]),
        ("LIST VAR ups-2", ["ERR DATA-STALE"]),
        ("GET VAR ups-3 ups.status", ["ERR UNKNOWN-UPS"]),
        ("GET UPSDESC ups-1", ['UPSDESC ups-1 "The \\"one\\""']),
        ("GET NUMLOGINS ups-1", ["NUMLOGINS ups-1 0"]),
        ("GET TYPE ups-1 battery.charge", ["TYPE ups-1 battery.charge NUMBER"]),
        ("GET DESC ups-1 battery.charge", ['DESC ups-1 battery.charge "Battery charge"']),
        ("LIST RW ups-1", ["BEGIN LIST RW ups-1", "END LIST RW ups-1"]),
        ("LIST CMD ups-1", ["BEGIN LIST CMD ups-1", "END LIST CMD ups-1"]),
        ("LIST CLIENT ups-1", ["BEGIN LIST CLIENT ups-1", "END LIST CLIENT ups-1"]),
        ("LIST", ["ERR INVALID-ARGUMENT"]),
        ("GET VAR", ["ERR INVALID-ARGUMENT"]),
        ("STARTTLS", ["ERR FEATURE-NOT-CONFIGURED"]),
        ("NONSENSE", ["ERR UNKNOWN-COMMAND"]),
        ("", []),
        ('GET VAR "ups-1', ["ERR INVALID-ARGUMENT"]),
    ],
)
def test_an_answer_is_that_of_upsd(line: str, answer: list[str]) -> None:
    assert list(session().hear(line, 1.0).lines) == answer


@pytest.mark.parametrize(
    "line", ["SET VAR ups-1 battery.charge 1", "INSTCMD ups-1 load.off", "FSD ups-1", "PRIMARY ups-1", "MASTER ups-1"]
)
def test_nothing_can_be_set_or_done_whoever_asks(line: str) -> None:
    one = session()
    for said in ("USERNAME monitor", "PASSWORD hush", "LOGIN ups-1"):
        assert one.hear(said, 1.0).lines == ("OK",)
    assert one.hear(line, 1.0).lines == ("ERR ACCESS-DENIED",)


def test_a_login_needs_name_and_password_and_a_wrong_one_is_slow() -> None:
    one = session()
    assert one.hear("LOGIN ups-1", 1.0).lines == ("ERR USERNAME-REQUIRED",)
    one.hear("USERNAME monitor", 1.0)
    assert one.hear("LOGIN ups-1", 1.0).lines == ("ERR PASSWORD-REQUIRED",)
    one.hear("PASSWORD wrong", 1.0)
    assert one.hear("PASSWORD hush", 1.0).lines == ("ERR ALREADY-SET-PASSWORD",)
    refused = one.hear("LOGIN ups-1", 1.0)
    assert (refused.lines, refused.slow) == (("ERR ACCESS-DENIED",), True)
    assert one.login == ""
    assert one.hear("LOGOUT", 1.0).close


SERVERS: list[NutServer] = []


@asynccontextmanager
async def served(secret: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(serve, "WRONG_S", 0.01)
    secret.write_text("hush\n")
    port = free_port()
    users = (NutUser(name="monitor", password=f"file:{secret}"),)
    server = NutServer(
        NutSettings(listen=(("127.0.0.1", port),), users=users), Shown(["sz/ups-1"], measure_s=10), {}, "0.1"
    )
    SERVERS.append(server)
    server.hear([of_ups("ups.source", 3), of_ups("battery.charge", 97)])
    stop = asyncio.Event()
    task = asyncio.create_task(server.run(stop))
    await asyncio.sleep(0.05)
    try:
        yield port
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


@pytest.mark.service
async def test_upsc_reads_us_and_who_is_logged_in_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upsc = need("upsc", "nut-client")
    async with served(tmp_path / "secret", monkeypatch) as port:
        command = [upsc, f"ups-1@127.0.0.1:{port}"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=10, check=True)
        assert {"ups.status: OL", "battery.charge: 97"} <= set(done.stdout.splitlines())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"USERNAME monitor\nPASSWORD hush\nLOGIN ups-1\nLIST CLIENT ups-1\nGET NUMLOGINS ups-1\nLOGOUT\n")
        said = (await reader.read()).decode().splitlines()
        expected = [
            "OK",
            "OK",
            "OK",
            "BEGIN LIST CLIENT ups-1",
            "CLIENT ups-1 127.0.0.1",
            "END LIST CLIENT ups-1",
            "NUMLOGINS ups-1 1",
        ]
        assert said == [*expected, "OK Goodbye"]


async def test_the_status_counts_who_is_connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path / "secret", monkeypatch) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"USERNAME monitor\nPASSWORD hush\nLOGIN ups-1\n")
        for _ in range(3):
            assert await reader.readline() == b"OK\n"
        assert SERVERS[-1].counts == {"nut.connections": 1, "nut.logins": 1, "nut.refused": 0}
        writer.close()


async def test_a_client_that_raves_is_let_go_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path / "secret", monkeypatch) as port:
        raving, out = await asyncio.open_connection("127.0.0.1", port)
        out.write(b"x" * 100_000)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await raving.readexactly(1)
        _, half = await asyncio.open_connection("127.0.0.1", port)
        half.write(b"GET VAR ups-1")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET VAR ups-1 ups.status\n")
        assert await reader.readline() == b'VAR ups-1 ups.status "OL"\n'
        for each in (out, half, writer):
            each.close()


async def test_a_port_that_is_taken_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "AGAIN_S", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = NutServer(NutSettings(listen=(("127.0.0.1", port),)), Shown([], measure_s=10), {}, "0.1")
        stop = asyncio.Event()
        task = asyncio.create_task(server.run(stop))
        await asyncio.sleep(0.05)
        assert not task.done(), "a taken port ends no server"
    for _ in range(100):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(0.02)
    writer.write(b"NETVER\n")
    assert await reader.readline() == b"1.3\n"
    writer.close()
    stop.set()
    await asyncio.wait_for(task, 5)


FILE = '[agent]\nsite = "sz"\ncollector = "http://127.0.0.1:9"\n[[device]]\nid = "ups-1"\nurl = "nut://192.0.2.1/ups"\n'


def test_the_table_is_read_and_a_password_is_a_reference() -> None:
    config, problems = parse(FILE + '[nut]\nlisten = "127.0.0.1:3493"\ndevices = ["ups-1"]\n[[nut.user]]\nname = "m"\npassword = "env:P"\n', Path("a.toml"))  # fmt: skip
    assert problems == []
    assert config is not None
    assert config.nut == NutSettings(
        listen=(("127.0.0.1", 3493),), users=(NutUser(name="m", password="env:P"),), devices=("sz/ups-1",)
    )
    for wrong in (
        'listen = "3493"',
        'devices = ["ups-9"]',
        '[[nut.user]]\nname = "m"\npassword = "hush"',
        "nonsense = 1",
    ):
        config, problems = parse(f"{FILE}[nut]\n{wrong}\n", Path("a.toml"))
        assert config is not None
        assert config.nut is None
        assert [problem.severity for problem in problems] == ["error"]
        assert "hush" not in problems[0].render("en")
    open_, problems = parse(f'{FILE}[nut]\nlisten = "0.0.0.0:3493"\n', Path("a.toml"))
    assert open_ is not None
    assert open_.nut is not None
    assert [problem.severity for problem in problems] == ["warning"]
