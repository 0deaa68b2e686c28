"""Commands of the centre's own machine: they open the collector's database beside the running collector.

Which centre: `--collector FILE`, else $ROUNDSMAN_COLLECTOR, else ./collector.toml, else
/etc/roundsman/collector.toml. Both databases let a second process write; the running centre sees it at its next
tick. Only the collector makes or upgrades a database. Times are the centre's own: a demo's clock is kept in its database.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

import sqlalchemy as sa

from collector import enrol, inventory
from collector.config import CollectorConfig, read_file
from collector.store import StoreError, agents, database_of, in_words, kept_clock, open_engine, writing
from model.text import Text
from model.timescale import TimeScale
from roundsman.clock import real_ms
from roundsman.speech import complain, put, say, tell_problems

PLACES = (Path("collector.toml"), Path("/etc/roundsman/collector.toml"))


class NoCentreError(Exception):
    """No collector file, or its database cannot be opened. Carries what to say."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class Centre:
    """The opened database, the collector's file, and the centre's time."""

    def __init__(self, config: CollectorConfig, engine: sa.Engine, scale: TimeScale) -> None:
        self.config = config
        self.engine = engine
        self.scale = scale

    def now(self) -> int:
        """The centre's time, ms."""
        return self.scale.story(real_ms())

    @property
    def url(self) -> str:
        """Where people find the console."""
        return self.config.url


@contextmanager
def opened(file: Path | None) -> Iterator[Centre]:
    """The centre that `file` (or the usual places) describes. Raises `NoCentreError`."""
    path = _find(file)
    config, problems = read_file(path)
    if any(problem.severity == "error" for problem in problems):
        tell_problems(problems, as_json=False)
        raise NoCentreError(Text(f"{path} has errors, see above", f"{path} 有错误，见上"))
    try:
        database = database_of(config.database, config.data, config.folder)
    except StoreError as error:
        raise NoCentreError(Text(str(error), str(error))) from error
    if isinstance(database, Path) and not database.exists():
        raise NoCentreError(
            Text(
                f"{database} is not there: start the collector once (roundsman collector {path})",
                f"{database} 不存在：请先启动采集中心（roundsman collector {path}）",
            )
        )
    try:
        engine = open_engine(database, make=False)
    except StoreError as error:
        raise NoCentreError(Text(str(error), str(error))) from error
    try:
        with engine.connect() as conn:
            scale = kept_clock(conn)
        yield Centre(config, engine, scale)
    except sa.exc.OperationalError as error:
        got = in_words(engine, error)
        raise NoCentreError(
            Text(
                f"nothing was changed: {got}; fix: free the disk or let this user write there, then again",
                f"未作任何改动：{got}；改法：清理磁盘或授予写权限后重试",
            )
        ) from error
    finally:
        engine.dispose()


def _find(file: Path | None) -> Path:
    named = file or (Path(os.environ["ROUNDSMAN_COLLECTOR"]) if "ROUNDSMAN_COLLECTOR" in os.environ else None)
    for path in (named,) if named else PLACES:
        if path and path.exists():
            return path
    tried = str(named) if named else ", ".join(map(str, PLACES))
    raise NoCentreError(
        Text(
            f"no collector file: looked at {tried}; name it with --collector FILE or $ROUNDSMAN_COLLECTOR",
            f"找不到采集中心配置：已查 {tried}；请用 --collector FILE 或 $ROUNDSMAN_COLLECTOR 指定",
        )
    )


def lint_inventory(file: Path, as_json: bool) -> int:
    """`roundsman inventory lint FILE`."""
    found, problems = inventory.read_file(file)
    status = tell_problems(problems, as_json)
    if not status and not as_json:
        say(
            Text(
                f"{file}: {len(found.customers)} customers, {len(found.sites)} sites, {len(found.devices)} devices, no error",
                f"{file}：{len(found.customers)} 个客户，{len(found.sites)} 个站点，{len(found.devices)} 台设备，无错误",
            )
        )
    return status


def import_inventory(file: Path, collector: Path | None, as_json: bool) -> int:
    """`roundsman inventory import FILE`."""
    try:
        with opened(collector) as centre, writing(centre.engine) as conn:
            taken, problems = inventory.import_file(conn, file, centre.now())
    except NoCentreError as error:
        complain(error.text)
        return 1
    status = tell_problems(problems, as_json)
    if taken is None:
        return status or 1
    if as_json:
        put({"revision": taken.revision, "sites": len(taken.sites), "devices": len(taken.devices)})
    else:
        say(Text(f"revision {taken.revision} is in force", f"第 {taken.revision} 版已生效"))
    return 0


def enrol_site(site: str, collector: Path | None, as_json: bool) -> int:
    """`roundsman enrol SITE`."""
    try:
        with opened(collector) as centre, writing(centre.engine) as conn:
            code = enrol.new_code(conn, site, centre.now())
            known = inventory.latest(conn).sites
    except NoCentreError as error:
        complain(error.text)
        return 1
    except enrol.EnrolError as error:
        complain(str(error))
        return 1
    if site not in known:
        near = get_close_matches(site, known, 1)
        complain(
            Text(
                f"{site} is not in the inventory: its devices will be unassigned, under policy default"
                + (f"; did you mean {near[0]}?" if near else ""),
                f"清单中没有 {site}：其设备将为未分配，按 default 策略" + (f"；是否为 {near[0]}？" if near else ""),
            )
        )
    if as_json:
        put({"site": site, "code": code})
    else:
        say(
            Text(
                f"Within 24 hours, once, on the agent's machine:\n  roundsman agent FILE --enrol {code}",
                f"24 小时内，在采集端机器上执行一次：\n  roundsman agent FILE --enrol {code}",
            )
        )
    return 0


def enrol_writer(site: str, collector: Path | None, as_json: bool) -> int:
    """`roundsman enrol SITE --key`: a key for a program that writes lines. It is shown once and never kept."""
    key = secrets.token_hex(32)
    try:
        with opened(collector) as centre, writing(centre.engine) as conn:
            agent = enrol.register(conn, site, key, centre.now())
    except NoCentreError as error:
        complain(error.text)
        return 1
    except enrol.EnrolError as error:
        complain(str(error))
        return 1
    if as_json:
        put({"site": site, "agent": agent, "key": key})
    else:
        say(
            Text(
                f"Shown once. It may write for {site} only; take it away with: roundsman revoke {agent}\n  {key}",
                f"仅显示一次，只能写入 {site}；撤销：roundsman revoke {agent}\n  {key}",
            )
        )
    return 0


def revoke_agent(name: str, collector: Path | None, as_json: bool) -> int:
    """`roundsman revoke SITE|AGENT`."""
    try:
        with opened(collector) as centre, writing(centre.engine) as conn:
            count = enrol.revoke(conn, name, centre.now())
            valid = [agent for agent in agents(conn) if agent.revoked_at is None]
    except NoCentreError as error:
        complain(error.text)
        return 1
    if as_json:
        put({"revoked": count, "name": name})
    elif count:
        say(Text(f"{name}: {count} keys revoked", f"{name}：已吊销 {count} 个密钥"))
    else:
        known = ", ".join(f"{agent.site} ({agent.id})" for agent in valid) or "—"
        complain(
            Text(
                f"expected a site or an agent with a valid key: {known}; got {name}",
                f"应为持有效密钥的站点或采集端：{known}；实为 {name}",
            )
        )
    return 0 if count else 1


def login_address(name: str, role: str, customer: str | None, collector: Path | None, as_json: bool) -> int:
    """`roundsman login NAME`."""
    from console.login import one_time_code

    try:
        with opened(collector) as centre, writing(centre.engine) as conn:
            known = inventory.latest(conn).customers
            if customer is not None and customer not in known:
                complain(
                    Text(
                        f"expected a customer of {', '.join(known) or '—'}, got {customer}",
                        f"客户应为 {'、'.join(known) or '—'} 之一，实为 {customer}",
                    )
                )
                return 1
            code = one_time_code(conn, name, role, centre.now(), customer=customer, speed=centre.scale.speed)
    except NoCentreError as error:
        complain(error.text)
        return 1
    except ValueError as error:
        complain(str(error))
        return 1
    address = f"{centre.url}/login?code={code}"
    if as_json:
        put({"login": name, "role": role, "url": address})
    else:
        print(address, file=sys.stdout)
    return 0
