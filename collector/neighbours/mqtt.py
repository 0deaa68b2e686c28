"""An MQTT broker's messages: subscribed with QoS 1 in a session that the broker keeps, acknowledged when they are kept.

    broker ── PUBLISH ──> topics.line_of ── mapping.take ── one batch ── writer (history, transaction) ── PUBACK ──> broker

Rules. A message is acknowledged only after it is on disk, so a kill of ours, a full disk or a cut loses none: the broker
sends it again, marked as such, and what was kept already is known by `memory.begun` and the writer's mark. (The mark is
only asked of messages that are marked as sent again: the same value twice is two readings.) What comes in one go is one
batch. A value is of the payload's time, or of when it came. A retained message is old: without a time of its own it is
counted and left, unless its map says `retained`; then it counts once. A broker that is away is tried again after 1 s,
2 s … 60 s, and /healthz says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import aiomqtt
import msgspec
import structlog
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from collector.neighbours import topics
from collector.neighbours.broker import Broker
from collector.neighbours.line_protocol import Line
from collector.neighbours.mapping import MOST_COUNTED, Taken, take
from collector.neighbours.memory import Memory
from collector.neighbours.silence import Silence, Source
from collector.neighbours.topics import Reader
from collector.store import deliveries
from collector.store.fleet import WRITER
from collector.writer import Post
from model.batch import Batch, encode
from model.secret import SecretError, resolve

if TYPE_CHECKING:
    from collector.running import Running

#: Messages in one batch.
_MOST = 1000
#: Messages that a broker may have under way to us: bounds what is in memory, and what it sends again.
_UNDER_WAY = 1000
#: How long a broker keeps our session and its messages while we are away (s).
_SESSION_S = 14 * 86_400
_FIRST_S, _LONGEST_S = 1.0, 60.0
_NOT_KEPT_S = 5.0
_TIMEOUT_S = 15.0
#: Topics without a time of their own whose last arrival is remembered, so that two of one instant stay two.
_MOST_TOPICS = 100_000
log = structlog.get_logger()


class _Session(aiomqtt.Client):
    """aiomqtt, with paho's own acknowledgement by hand and its `dup` mark, which aiomqtt does not hand on."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._client.manual_ack_set(True)
        self.came: asyncio.Queue[MQTTMessage] = asyncio.Queue()

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:  # noqa: ARG002 paho's signature
        self.came.put_nowait(message)

    async def some(self) -> list[MQTTMessage]:
        """What has come, at least one message. Raises `aiomqtt.MqttError` when the connection ends."""
        waiting = asyncio.ensure_future(self.came.get())
        try:
            await asyncio.wait((waiting, self._disconnected), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not waiting.done():
                waiting.cancel()
        if not waiting.done() or waiting.cancelled():
            raise aiomqtt.MqttError("the broker ended the connection") from self._disconnected.exception()
        found = [waiting.result()]
        while len(found) < _MOST and not self.came.empty():
            found.append(self.came.get_nowait())
        return found

    def keep(self, messages: Sequence[MQTTMessage]) -> None:
        """Acknowledge; on a connection that is gone it is in vain, and the broker sends them again."""
        for message in messages:
            self._client.ack(message.mid, message.qos)


class BrokerSource:
    """One broker of one centre. `counts` (by outcome) and `left` (topic, field, why) are for /metrics."""

    def __init__(self, centre: Running, broker: Broker, memory: Memory, silence: Silence) -> None:
        self.broker = broker
        self.counts: Counter[str] = Counter()
        self.left: Counter[tuple[str, str, str]] = Counter()
        self.problem = "not connected yet"
        self._centre = centre
        self._memory = memory
        self._silence = silence
        self._source = Source(id=broker.client_id, site=broker.site, silent_after_s=broker.silent_after_s)
        self._reader = Reader(broker.topics)
        self._newest: dict[str, int] = {}

    @property
    def name(self) -> str:
        """How it is called in /healthz and /metrics."""
        return f"{self.broker.host}:{self.broker.port} as {self.broker.client_id}"

    async def run(self) -> None:
        """Connect, take in, connect again, for as long as the centre runs."""
        pause_s = _FIRST_S
        while True:
            try:
                async with self._connected() as session:
                    pause_s = _FIRST_S
                    self._well()
                    while True:
                        await self._take_in(session, await session.some())
            except (aiomqtt.MqttError, SecretError, OSError, ValueError) as error:
                self._trouble(str(error) or type(error).__name__)
            except Exception as error:  # supervisor: one broker that fails must not end the others
                log.exception("a broker's messages were not taken in", broker=self.name)
                self._trouble(repr(error))
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))
            pause_s = min(pause_s * 2, _LONGEST_S)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[_Session]:
        broker = self.broker
        five = broker.protocol == "5"
        session = _Session(
            broker.host,
            broker.port,
            username=broker.user or None,
            password=self._password() if broker.password else None,
            identifier=broker.client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else False,
            clean_start=False if five else MQTT_CLEAN_START_FIRST_ONLY,
            properties=_properties() if five else None,
            tls_context=await asyncio.to_thread(_tls, broker) if broker.tls else None,
            timeout=_TIMEOUT_S,
            keepalive=30,
        )
        async with session:
            wanted = topics.filters(broker.topics, broker.wider)
            # Retained messages come with a subscription that is new, not with each connection (MQTT 5).
            options = SubscribeOptions(qos=1, retainHandling=1)
            asked = [(one, options) for one in wanted]
            codes = await session.subscribe(asked if five else [(one, 1) for one in wanted])
            refused = [one for one, code in zip(wanted, codes, strict=True) if _refused(code)]
            if refused:
                raise aiomqtt.MqttError(f"the broker refuses to let {broker.user or 'us'} read {', '.join(refused)}")
            yield session

    def _password(self) -> str:
        return resolve(
            self.broker.password, os.environ.get, lambda path: (self._centre.config.folder / path).read_text("utf-8")
        )

    def _well(self) -> None:
        log.info("broker_connected", broker=self.name)
        self.problem = ""
        self._centre.upkeep_problems.pop(f"mqtt {self.name}", None)

    def _trouble(self, why: str) -> None:
        if why != self.problem:
            log.warning("broker_away", broker=self.name, why=why, fix="trying again; look at the broker and its log")
        self.problem = why
        self._centre.upkeep_problems[f"mqtt {self.name}"] = why

    async def _take_in(self, session: _Session, messages: list[MQTTMessage]) -> None:
        """Write what is new, then acknowledge all of it."""
        again = await asyncio.to_thread(self._begun, [message for message in messages if message.dup])
        new = [message for message in messages if again.get(_key(message), 0) is not None]
        self.counts["repeated"] += len(messages) - len(new)
        now = self._centre.now()
        times: dict[bytes, int] = {}
        lines, held = self._lines(new, again, times, now)
        taken = take(lines, [one.map for one in self.broker.topics], self.broker.site, now)
        await self._write(times, taken, now)
        if held:
            await asyncio.to_thread(self._memory.retain, self._source.id, held)
        session.keep(messages)
        self._silence.hear(self._source, taken.heard, taken.limits, now)
        self.counts["messages"] += len(new)
        self.counts["readings"] += len(taken.readings)
        for (pattern, field, why), count in taken.left.items():
            self._leave(pattern, field, why, count)

    def _begun(self, repeated: list[MQTTMessage]) -> dict[bytes, int | None]:
        """What was begun of messages that the broker says it sends again: None: kept; else the time it was given. Blocks."""
        known = {_key(message): self._memory.begun(self._source.id, _key(message)) for message in repeated}
        found = {key: begun for key, begun in known.items() if begun is not None}
        if not found:
            return {}
        with self._centre.engine.connect() as conn:
            kept = deliveries.delivered(conn, sorted({(spool, row) for spool, row, _ in found.values()}))
        return {key: None if (spool, row) in kept else at for key, (spool, row, at) in found.items()}

    def _lines(
        self, messages: list[MQTTMessage], again: dict[bytes, int | None], times: dict[bytes, int], now: int
    ) -> tuple[list[Line], dict[str, bytes]]:
        """The messages as lines with their times, noted in `times`, and what was retained of those that count once. `again`: the
        times of those that were begun before: history may have them."""
        lines: list[Line] = []
        held: dict[str, bytes] = {}
        for message in messages:
            found = self._reader.find(message.topic)
            if found is None:
                self._leave(message.topic, "*", "no [[topic]]")
                continue
            topic, names = found
            line = topics.line_of(topic, names, bytes(message.payload))
            if isinstance(line, str):
                self._leave(topic.map.measurement, "*", line)
                continue
            if line.at is None and not self._counts(message, held, topic.retained):
                self.counts["retained"] += 1
                continue
            at = line.at if line.at is not None else again.get(_key(message)) or self._stamp(message.topic, now)
            times[_key(message)] = at
            lines.append(msgspec.structs.replace(line, at=at))
        return lines, held

    def _counts(self, message: MQTTMessage, held: dict[str, bytes], retained: bool) -> bool:
        """Whether a message without a time is to be taken now; `retained`: an old one is, once."""
        if not retained:
            return not message.retain
        digest = sha256(message.payload).digest()
        old = held.get(message.topic) or self._memory.retained(self._source.id, message.topic)
        if message.retain and old == digest:
            return False
        if old != digest:
            held[message.topic] = digest
        return True

    def _stamp(self, topic: str, now: int) -> int:
        """The time of a message that came now; two of one topic in one instant stay two."""
        if len(self._newest) > _MOST_TOPICS:
            self._newest.clear()
        at = self._newest[topic] = max(now, self._newest.get(topic, 0) + 1)
        return at

    async def _write(self, times: dict[bytes, int], taken: Taken, now: int) -> None:
        """Have it kept, however long that takes: the broker holds the rest meanwhile."""
        if not taken.readings and not taken.events:
            return
        spool, row = await asyncio.to_thread(self._memory.begin, self._source.id, times)
        batch = Batch(
            spool=spool,
            row=row,
            site=self.broker.site,
            boot=f"{WRITER}{self._source.id}",
            at=now,
            readings=sorted(taken.readings, key=lambda one: (one.device, one.at)),
            gaps=[],
            events=taken.events,
        )
        post = Post(agent="", site=self.broker.site, batch=batch, body=encode(batch), received_at=now)
        while not (answer := await self._centre.deliver(post)).kept:
            self._trouble(f"the centre does not take it now: {answer.why}")
            await asyncio.sleep(_NOT_KEPT_S)
        if self.problem:
            self._well()

    def _leave(self, topic: str, field: str, why: str, count: int = 1) -> None:
        key = (topic[:200], field[:64], why)
        if key not in self.left:
            if len(self.left) >= MOST_COUNTED:
                key = ("…", "*", "more names than are counted")
            else:
                log.warning(
                    "not_mapped", broker=self.name, topic=key[0], field=field, why=why, map=str(self.broker.map)
                )
        self.left[key] += count


def _key(message: MQTTMessage) -> bytes:
    """What tells a message from others that are under way."""
    return sha256(f"{message.mid}\n{message.topic}\n".encode() + message.payload).digest()


def _properties() -> Properties:
    found = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    found.SessionExpiryInterval = _SESSION_S
    found.ReceiveMaximum = _UNDER_WAY
    return found


def _refused(code: Any) -> bool:
    return bool(code.is_failure if hasattr(code, "is_failure") else code >= 128)


def _tls(broker: Broker) -> ssl.SSLContext:
    """The context; reads files. Raises `OSError` (ssl.SSLError is one)."""
    context = ssl.create_default_context(cafile=broker.ca)
    if broker.cert and broker.key:
        context.load_cert_chain(broker.cert, broker.key, password=lambda: b"")
    return context
