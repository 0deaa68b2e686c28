"""The child process that reads the trap port: `python -m agent.traps.receiver`, started by `ears` and by nobody else.

Standard input brings one `Setup` line and then stays open: when it closes, the agent is gone and so are we. Standard
output takes one line a message (`message`). References are resolved here, so no secret passes the pipe, a command line or a log.

Rules. Nothing waits: what the pipe does not take at once is dropped and counted. Nothing grows: buckets are one a
device, pysnmp sees only users and engines of the file. The processor is shared politely (nice), memory has a hard end.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from pysnmp.error import PySnmpError

from agent.address import PUBLIC
from agent.traps import community, message, usm
from agent.traps.addresses import Addresses, plain
from agent.traps.community import Said, Undecoded
from agent.traps.gate import Gate, Verdict
from agent.traps.message import Level, Notice, Ready, Setup, Tally, Trouble
from agent.traps.own_engine import own_engine
from agent.traps.port import Port
from model.secret import SecretError, resolve

#: Real seconds.
TALLY_S = 2.0
_MOST_MEMORY = 512 * 1024 * 1024
_NICE = 5
_V3 = 3


class Receiver:
    """The sockets, and what is known to judge what they bring."""

    def __init__(self, setup: Setup, write: Callable[[bytes], bool]) -> None:
        self.setup = setup
        self.tally = Tally()
        self.gate = Gate()
        self._write = write
        self.addresses = Addresses(setup.hosts, self.gate.know)
        self._secrets: dict[str, bytes] = {}
        self._usm: usm.Usm | None = None
        self._told: set[str] = set()

    def say(self, what: message.Up) -> None:
        """One line to the agent, or none when it does not listen."""
        if not self._write(message.line_of(what)):
            self.tally.unheard += 1

    def trouble(self, what: str, fix: str) -> None:
        """Tell it once."""
        if what not in self._told and len(self._told) < 1000:
            self._told.add(what)
            self.say(Trouble(what=what, fix=fix))

    def unlock(self) -> str:
        """Resolve every reference and make the v3 engine. Returns our engine id."""
        folder = Path(self.setup.folder)

        def secret(reference: str) -> str:
            return resolve(reference, os.environ.get, lambda path: (folder / path).read_text(encoding="utf-8"))

        for reference in dict.fromkeys((*self.setup.settings.communities, *self.setup.communities)):
            try:
                self._secrets[reference] = (PUBLIC if reference == PUBLIC else secret(reference)).encode()
            except SecretError as error:
                self.trouble(f"a community cannot be checked: {error}", "set it, or remove the reference")
        if not self.setup.settings.users:
            return ""
        keys: list[usm.Keys] = []
        for user in self.setup.settings.users:
            try:
                auth_key = secret(user.auth_key) if user.auth else ""
                priv_key = secret(user.priv_key) if user.priv else ""
            except SecretError as error:
                self.trouble(f"user {user.name} cannot be checked: {error}", "set the key, or remove the user")
                continue
            keys.append(
                usm.Keys(
                    name=user.name,
                    auth=user.auth,
                    auth_key=auth_key,
                    priv=user.priv,
                    priv_key=priv_key,
                    engine_ids=user.engine_ids,
                )
            )
        engine_id, boots = own_engine(Path(self.setup.engine_file), self.trouble)
        try:
            self._usm = usm.Usm(tuple(keys), engine_id, boots)
        except PySnmpError as error:
            self.trouble(f"SNMPv3 is off: {usm.problem_of(error)}", "correct [[traps.user]]")
        return engine_id

    def tick(self) -> None:
        """Let the v3 engine forget what is too old."""
        if self._usm:
            self._usm.tick(time.monotonic())

    def lost(self, count: int) -> None:
        """The kernel dropped so many: more came than we read."""
        self.tally.received += count
        self.tally.lost += count

    def heard(self, datagram: bytes, source: tuple[str, int], answer: Callable[[bytes], None]) -> None:
        """One datagram. Never raises on what it holds."""
        now = time.monotonic()
        address = plain(source[0])
        self.tally.received += 1
        verdict = self.gate.judge(address, datagram, now)
        if verdict is Verdict.NOT_SNMP:
            self.tally.garbled += 1
            return
        if verdict in (Verdict.TOO_MANY, Verdict.TOO_MANY_STRANGERS):
            self.tally.dropped += 1
            self.tally.unknown_source += verdict is Verdict.TOO_MANY_STRANGERS
            return
        try:
            v3 = community.version_of(datagram) == _V3
            notices = self._v3(datagram, source, now, answer) if v3 else self._communal(datagram, address, answer)
        except Undecoded:
            self.tally.garbled += 1
            return
        for notice in notices:
            self._pass(notice)

    def _communal(self, datagram: bytes, address: str, answer: Callable[[bytes], None]) -> list[Notice]:
        said = community.said(datagram)
        proofs = tuple(
            reference for reference, secret in self._secrets.items() if hmac.compare_digest(secret, said.community)
        )
        if said.inform and proofs:
            answer(community.acknowledgement(datagram))
            self.tally.informs += 1
        if said.community == PUBLIC.encode():
            proofs = (PUBLIC,) if proofs else ()  # a reference to what everyone knows proves nothing
        return [self._notice(said, address, Level.COMMUNITY, proofs=proofs)]

    def _v3(
        self, datagram: bytes, source: tuple[str, int], now: float, answer: Callable[[bytes], None]
    ) -> list[Notice]:
        header = usm.header_of(datagram)
        address = plain(source[0])
        refusal = self._usm.refusal(header, now) if self._usm else "SNMPv3 is not set up: add [[traps.user]]"
        if refusal:
            said = Said(version="3")
            return [self._notice(said, address, Level.NONE, header, problem=refusal)]
        assert self._usm
        answers: list[bytes] = []
        said_all = self._usm.take(datagram, header, source, now, answers.append)
        for one in answers:
            answer(one)
        self.tally.informs += sum(said.inform for said in said_all)
        wrong_key = not said_all and header.level is not Level.NONE and header.boots and not answers
        if wrong_key:
            problem = f"user {header.user}: a wrong key, or a message that was changed"
            return [self._notice(Said(version="3"), address, Level.NONE, header, problem=problem)]
        return [self._notice(said, address, header.level, header) for said in said_all]

    def _notice(
        self,
        said: Said,
        address: str,
        level: Level,
        header: usm.Header | None = None,
        *,
        proofs: tuple[str, ...] = (),
        problem: str = "",
    ) -> Notice:
        hosts = self.addresses.hosts(address)
        return Notice(
            source=address,
            version=said.version,
            level=level,
            hosts=hosts,
            via=() if hosts else self.addresses.hosts(said.agent),
            proofs=proofs,
            user=header.user[:32] if header else "",
            engine_id=header.engine_id[:64] if header else "",
            inform=said.inform,
            oid=said.oid,
            uptime_s=said.uptime_s,
            binds=said.binds,
            problem=problem,
        )

    def _pass(self, notice: Notice) -> None:
        """To the agent: whatever may be of a device. The rest is told once."""
        named = any(user.device and user.name == notice.user for user in self.setup.settings.users)
        proved = bool(notice.proofs) or notice.level in (Level.AUTH, Level.AUTH_PRIV)
        if not notice.hosts and not (proved and (notice.via or named)):
            self.tally.unknown_source += 1
            fix = "if it is a device of this site, write its address into its url, or name it in [[traps.user]] device"
            self.trouble(f"traps from {notice.source}, which is no device of this site", fix)
            return
        if not proved:
            self.tally.unauthenticated += 1
        self.say(notice)


def _writer(descriptor: int) -> Callable[[bytes], bool]:
    os.set_blocking(descriptor, False)

    def write(line: bytes) -> bool:
        try:
            return os.write(descriptor, line) == len(line)
        except (BlockingIOError, BrokenPipeError):
            return False

    return write


def _bound(receiver: Receiver) -> list[str] | None:
    """Open every address; None, told, when one cannot be."""
    bound: list[str] = []
    for host, port in receiver.setup.settings.listen:
        try:
            opened = Port(host, port, receiver.heard, receiver.lost)
        except OSError as error:
            fix = "let the agent bind low ports (AmbientCapabilities=CAP_NET_BIND_SERVICE), or forward 162 to a higher one"
            if not isinstance(error, PermissionError):
                fix = "stop what has the port, or listen on another"
            receiver.say(Trouble(what=f"cannot listen on {host}:{port}: {error.strerror}", fix=fix, fatal=True))
            return None
        bound.append(opened.name)
    return bound


async def _run(setup: Setup, gone: asyncio.Event) -> int:
    receiver = Receiver(setup, _writer(sys.stdout.fileno()))
    engine_id = receiver.unlock()
    bound = _bound(receiver)
    if bound is None:
        return 1
    receiver.say(Ready(listen=tuple(bound), engine_id=engine_id))
    looking = asyncio.create_task(receiver.addresses.keep_looking_up())
    while not gone.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(gone.wait(), TALLY_S)
        receiver.say(receiver.tally)
        receiver.tick()
    looking.cancel()
    return 0


async def _serve() -> int:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        setup = msgspec.json.decode(await reader.readline(), type=Setup)
    except (msgspec.DecodeError, ValueError):
        return 2
    gone = asyncio.Event()

    async def watch() -> None:
        await reader.read()  # to the end: the agent closed it, or died
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        return await _run(setup, gone)
    finally:
        watching.cancel()


def main() -> int:
    """Run until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the agent's; it closes our input
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    return asyncio.run(_serve())


if __name__ == "__main__":
    sys.exit(main())
