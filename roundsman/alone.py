"""`roundsman run FILE`: one site on one machine. The same parts as on many: a collector and an agent as
children, a real spool between them, loopback HTTP. FILE holds the tables of both; `[collector]` may be empty
(loopback, data in `var/` beside the file), and the agent delivers to it unless told otherwise.

Exit codes: 0 stopped · 78 the file has errors · 75 its port is taken · else what the collector ended with when it does not come up.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
from pathlib import Path

import httpx

from agent.check import check
from agent.config import AgentConfig, load
from agent.enrolment import key_of
from collector import enrol
from collector.config import CollectorConfig, read_file
from collector.serving import EXIT_CONFIG, EXIT_NOT_NOW, EXIT_TAKEN, bind
from collector.store import database_of, open_engine, writing
from console.login import one_time_code
from model.secret import SecretError
from model.text import Text
from model.timescale import TimeScale
from roundsman.children import Child, command
from roundsman.clock import real_ms
from roundsman.speech import complain, say, tell_problems


async def run_alone(file: Path, scale: TimeScale) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit code."""
    config, problems = read_file(file)
    ours = [p for p in check(file) if p.severity == "error" or p.key != "agent.key"]  # a missing key we make below
    tell_problems([*ours, *(p for p in problems if p not in ours)], as_json=False)
    site = load(file)[0]
    if site is None or any(problem.severity == "error" for problem in problems):
        return EXIT_CONFIG
    clock = ("--clock", scale.dump())
    log = config.data / "log"
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    died: list[int] = []
    centre = Child(
        "collector",
        command("collector", str(file), *clock),
        log / "collector.log",
        on_exit=lambda _, code: died.append(code),
    )
    if not _free(config):
        return EXIT_TAKEN
    await centre.start()
    if not await _healthy(config, end, died):
        await centre.stop()
        if end.is_set():
            return 0
        complain(Text(f"the collector did not come up: see {log}", f"采集中心未能启动：见 {log}"))
        return died[-1] if died and died[-1] > 0 else EXIT_NOT_NOW
    code, login = _admit(site, config, scale)
    words = command("agent", str(file), *clock, *(("--enrol", code) if code else ()))
    agent = Child("agent", words, log / "agent.log")
    await agent.start()
    login = f"{config.url}/login?code={login}"
    say(Text(f"Console: {config.url}\nOne-time login: {login}", f"控制台：{config.url}\n一次性登录：{login}"))
    await end.wait()
    await agent.stop()
    await centre.stop()
    return 0


def _admit(site: AgentConfig, config: CollectorConfig, scale: TimeScale) -> tuple[str | None, str]:
    """A code for an agent without a key, or its key made known to a centre that may be a new one; and a login."""
    engine = open_engine(database_of(config.database, config.data, config.folder))
    now = scale.story(real_ms())
    code = None
    try:
        with writing(engine) as conn:
            try:
                enrol.register(conn, site.site, key_of(site), now)
            except SecretError:
                code = enrol.new_code(conn, site.site, now)
            return code, one_time_code(conn, "local", "manager", now, speed=scale.speed)
    finally:
        engine.dispose()


def _free(config: CollectorConfig) -> bool:
    """Whether nobody else listens there: another collector's health must not be taken for ours."""
    try:
        bind(config).close()
    except OSError as error:
        complain(
            Text(
                f"{config.url}: expected a free port, got: {error}; fix: stop who listens there, or change `listen`",
                f"{config.url}：端口应空闲，实为：{error}；改法：停止占用者，或改 `listen`",
            )
        )
        return False
    return True


async def _healthy(config: CollectorConfig, end: asyncio.Event, died: list[int]) -> bool:
    """Whether the collector answers within half a minute; not when it ended with what no restart can mend."""
    trusted = ssl.create_default_context(cafile=str(config.tls_cert) if config.tls_cert else None)
    trusted.check_hostname = False  # it is our own child, whatever name its certificate bears
    async with httpx.AsyncClient(timeout=1, verify=trusted, trust_env=False) as client:
        for _ in range(300):
            if end.is_set() or {EXIT_CONFIG, EXIT_TAKEN} & set(died):
                return False
            try:
                if (await client.get(f"{config.url}/healthz")).status_code == httpx.codes.OK:
                    return True
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
    return False
