"""`roundsman run FILE`: one site on one machine. The same parts as on many: a collector and an agent as
children, a real spool between them, loopback HTTP. FILE holds the tables of both; what it leaves out of
`[collector]` is the default (loopback, data in `var/` beside the file)."""

from __future__ import annotations

import asyncio
import signal
import tomllib
from pathlib import Path

import httpx

from collector import enrol
from collector.config import read_file
from collector.serving import EXIT_CONFIG
from collector.store import open_engine, writing
from model.text import Text
from model.timescale import TimeScale
from roundsman.children import Child, command
from roundsman.clock import real_ms
from roundsman.speech import complain, say, tell_problems


async def run_alone(file: Path, scale: TimeScale) -> int:
    """Run until SIGINT or SIGTERM. 78 when the file is unusable, 1 when the collector does not come up."""
    from agent.check import check

    problems = check(file)
    config, more = read_file(file)
    tell_problems(problems + more, as_json=False)
    site = _site(file)
    if site is None or any(problem.severity == "error" for problem in more):
        return EXIT_CONFIG
    clock = ("--clock", scale.dump())
    log = config.data / "log"
    centre = Child("collector", command("collector", str(file), *clock), log / "collector.log")
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    url = f"{'https' if config.tls_cert else 'http'}://{config.host}:{config.port}"
    await centre.start()
    if not await _healthy(url, end):
        complain(Text(f"the collector did not come up: see {log}", f"采集中心未能启动：见 {log}"))
        await centre.stop()
        return 1
    words = command("agent", str(file), *clock)
    engine = open_engine(config.data / "centre.sqlite")
    with writing(engine) as conn:
        now = scale.story(real_ms())
        if not _key(file).exists():
            words += ["--enrol", enrol.new_code(conn, site, now)]
        from console.login import one_time_code

        login = f"{url}/login?code={one_time_code(conn, 'local', 'manager', now, speed=scale.speed)}"
    engine.dispose()
    agent = Child("agent", words, log / "agent.log")
    await agent.start()
    say(Text(f"Console: {url}\nOne-time login: {login}", f"控制台：{url}\n一次性登录：{login}"))
    await end.wait()
    await agent.stop()
    await centre.stop()
    return 0


def _site(file: Path) -> str | None:
    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8"))["agent"]["site"])
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None


def _key(file: Path) -> Path:
    reference = tomllib.loads(file.read_text(encoding="utf-8"))["agent"].get("key", "file:agent.key")
    return file.parent / str(reference).removeprefix("file:")


async def _healthy(url: str, end: asyncio.Event) -> bool:
    async with httpx.AsyncClient(timeout=1) as client:
        for _ in range(300):
            if end.is_set():
                return False
            try:
                if (await client.get(f"{url}/healthz")).status_code == 200:
                    return True
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
    return False
