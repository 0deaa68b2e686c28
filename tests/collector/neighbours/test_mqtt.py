"""A real broker's messages: none lost over a restart of either side, none counted twice, what is unknown is named."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from collector import store
from collector.config import read, read_file
from collector.neighbours import topics
from collector.neighbours.broker import Broker
from collector.neighbours.mqtt import BrokerSource, _Session
from collector.running import Running
from model.timescale import REAL
from tests.collector.centres import SITE, ChildCentre, centre_at
from tests.services import need
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.service

MAPPING = """
[[topic]]
topic = "plant/{ups}/state"
device = "{ups}"
time = "ts"
[topic.fields]
"battery.charge" = { point = "battery.charge" }
"phase.0.v" = { point = "input.voltage", index = "1" }
state = { point = "ups.source", states = { OL = 3, OB = 5 } }
model = { point = "device.model" }
[[topic]]
topic = "plant/{ups}/charge"
device = "{ups}"
payload = "plain"
[topic.fields]
value = { point = "battery.charge" }
[[topic]]
topic = "plant/{room}/door"
device = "room-{room}"
index = "1"
payload = "plain"
retained = true
[topic.fields]
value = { point = "contact.alarm", states = { OPEN = 1, CLOSED = 0 } }
"""
UPS = f"{SITE}/ups-1"


def broker_of(mosquitto: Mosquitto, mapping: str = MAPPING, **more: object) -> Broker:
    found, problems = topics.read(mapping, "mqtt.toml")
    assert problems == []
    plain = {"host": "127.0.0.1", "port": mosquitto.port, "tls": False, "site": SITE, "client_id": f"roundsman-{SITE}"}
    return Broker(**{**plain, "map": Path("mqtt.toml"), "topics": found, "wider": ("plant/#",), **more})  # type: ignore[arg-type]


@asynccontextmanager
async def reading_from(data: Path, broker: Broker) -> AsyncIterator[tuple[Running, BrokerSource, httpx.AsyncClient]]:
    async with centre_at(data, REAL, brokers=(broker,)) as (centre, client):
        client.headers.clear()
        source = centre.brokers[0]
        await until(lambda: not source.problem, lambda: source.problem)
        yield centre, source, client


async def until(done: Callable[[], bool], why: Callable[[], object] = lambda: "") -> None:
    for _ in range(600):
        if done():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"it did not come within 30 s: {why()}")


async def publish(mosquitto: Mosquitto, topic: str, *payloads: str, retain: bool = False) -> None:
    await asyncio.to_thread(mosquitto.publish_many, topic, payloads, *(["-r"] if retain else []))


def values(centre: Running) -> dict[tuple[str, str, str | None], float]:
    found = {(one.device, one.point, one.index): one.value for one in centre.history.latest()}
    return {key: value for key, value in found.items() if key[1] != "neighbour.messages"}


def charges(centre: Running, device: str = UPS) -> list[float]:
    return list(centre.history.range((device, "battery.charge", None), 0, centre.now() + 60_000).value)


async def test_messages_become_readings_and_what_is_not_known_or_cannot_be_is_told(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path / "broker")
    with mosquitto.up():
        async with reading_from(tmp_path, broker_of(mosquitto)) as (centre, source, client):
            at = centre.now() - 3000
            whole = f'{{"ts": {at / 1000}, "battery": {{"charge": 97}}, "phase": [{{"v": 229.8}}], "state": "OB", "model": "C3K", "x": null}}'
            await publish(mosquitto, "plant/ups-1/state", whole, whole.replace("229.8", "2302"), "{", '{"a": 1}')
            await publish(mosquitto, "plant/ups-2/charge", "55.5", "n/a")
            await publish(mosquitto, "plant/7/unknown", "1")
            await until(lambda: source.counts["messages"] == 7, lambda: source.counts)
            assert values(centre) == {
                (UPS, "battery.charge", None): 97.0,
                (UPS, "input.voltage", "1"): 229.8,
                (UPS, "ups.source", None): 5.0,
                (f"{SITE}/ups-2", "battery.charge", None): 55.5,
            }
            assert centre.history.latest(UPS)[0].at == at
            with centre.engine.connect() as conn:
                assert store.identity(conn, UPS) == {"device.model": "C3K"}
                assert [one.reason for one in store.quarantine(conn)] == ["not_plausible"]
            shown = (await client.get("/metrics")).text
            name = f'broker="127.0.0.1:{mosquitto.port} as roundsman-{SITE}"'
            for labels in (
                f'{name},field="*",topic="plant/7/unknown",why="no [[topic]]"',
                f'{name},field="*",topic="plant/{{ups}}/state",why="no JSON"',
                f'{name},field="*",topic="plant/{{ups}}/state",why="no time in `ts`"',
                f'{name},field="value",topic="plant/{{ups}}/charge",why="text where a number is due"',
            ):
                assert f"roundsman_centre_mqtt_unmapped_total{{{labels}}} 1.0" in shown, shown
            assert f"roundsman_centre_mqtt_connected{{{name}}} 1.0" in shown


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_comes_while_we_are_away_waits_at_the_broker(tmp_path: Path, protocol: str) -> None:
    mosquitto = Mosquitto(tmp_path / "broker")
    broker = broker_of(mosquitto, protocol=protocol)
    with mosquitto.up():
        async with reading_from(tmp_path, broker) as (_, source, _):
            await publish(mosquitto, "plant/ups-1/charge", "1")
            await until(lambda: source.counts["messages"] == 1)
        await publish(mosquitto, "plant/ups-1/charge", *(str(n) for n in range(2, 61)))
        async with reading_from(tmp_path, broker) as (centre, source, _):
            await until(lambda: source.counts["messages"] == 59, lambda: source.counts)
            assert charges(centre) == [float(n) for n in range(1, 61)]


async def test_what_the_broker_sends_again_counts_once_and_what_was_not_kept_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the transaction and the acknowledgement, and once more between reading and transaction."""
    mosquitto = Mosquitto(tmp_path / "broker")
    broker = broker_of(mosquitto)
    with mosquitto.up():
        with monkeypatch.context() as patch:
            patch.setattr(_Session, "keep", lambda *_: None)
            async with reading_from(tmp_path, broker) as (_, source, _):
                await publish(mosquitto, "plant/ups-1/charge", "11", "12", "12")
                await until(lambda: source.counts["messages"] == 3)
        with monkeypatch.context() as patch:
            patch.setattr(BrokerSource, "_take_in", _never)
            async with reading_from(tmp_path, broker):
                await publish(mosquitto, "plant/ups-1/charge", "13")
                await asyncio.sleep(0.3)
        async with reading_from(tmp_path, broker) as (centre, source, _):
            await until(lambda: source.counts["messages"] + source.counts["repeated"] == 4, lambda: source.counts)
            assert source.counts["repeated"] == 3
            assert charges(centre) == [11.0, 12.0, 12.0, 13.0]


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


async def test_a_broker_that_restarts_is_found_again(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path / "broker")
    with mosquitto.up():
        start = reading_from(tmp_path, broker_of(mosquitto))
        centre, source, _ = await start.__aenter__()
    try:
        await until(lambda: bool(source.problem))
        assert "mqtt" in centre.health()["problems"][0]
        with mosquitto.up():
            await publish(mosquitto, "plant/ups-1/charge", "42")
            await until(lambda: charges(centre) == [42.0], lambda: (source.problem, source.counts))
            assert centre.health()["problems"] == []
    finally:
        await start.__aexit__(None, None, None)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_retained_message_is_old_and_counts_once_at_most(tmp_path: Path, protocol: str) -> None:
    mosquitto = Mosquitto(tmp_path / "broker")
    broker = broker_of(mosquitto, protocol=protocol)
    with mosquitto.up():
        await publish(mosquitto, "plant/ups-1/charge", "90", retain=True)
        await publish(mosquitto, "plant/r1/door", "OPEN", retain=True)
        for start in range(3):
            async with reading_from(tmp_path, broker) as (centre, source, _):
                await publish(mosquitto, "plant/ups-1/charge", f"{80 + start}")
                await until(lambda: charges(centre)[-1:] == [80.0 + start], lambda: source.counts)  # noqa: B023
                assert charges(centre) == [80.0, 81.0, 82.0][: start + 1]
                door = centre.history.range((f"{SITE}/room-r1", "contact.alarm", "1"), 0, centre.now() + 1)
                assert list(door.value) == [1.0]


async def test_tls_and_a_password_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "cert.pem"
    words = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key.pem"), "-out", str(certificate)]
    subprocess.run([need("openssl", "openssl"), *words], check=True, capture_output=True)
    mosquitto = Mosquitto(
        tmp_path / "broker", f"certfile {certificate}", f"keyfile {tmp_path / 'key.pem'}", users={"reader": "hush"}
    )
    (tmp_path / "mqtt.toml").write_text(MAPPING)
    file = tmp_path / "collector.toml"
    file.write_text(
        f'[collector]\n[[collector.mqtt]]\nurl = "mqtts://127.0.0.1:{mosquitto.port}"\nsite = "{SITE}"\nmap = "mqtt.toml"\n'
        'user = "reader"\npassword = "env:MQTT_PASSWORD"\nca = "cert.pem"\n'
    )
    config, problems = read_file(file)
    assert problems == []
    with mosquitto.up():
        monkeypatch.setenv("MQTT_PASSWORD", "wrong")
        async with centre_at(tmp_path, REAL, brokers=config.brokers) as (centre, _):
            await until(lambda: "not auth" in centre.brokers[0].problem.lower(), lambda: centre.brokers[0].problem)
        monkeypatch.setenv("MQTT_PASSWORD", "hush")
        async with reading_from(tmp_path, config.brokers[0]) as (centre, source, _):
            login = ["-u", "reader", "-P", "hush", "--cafile", str(certificate)]
            await asyncio.to_thread(mosquitto.publish, "plant/ups-1/charge", "7", *login)
            await until(lambda: charges(centre) == [7.0], lambda: source.counts)
        unknown = msgspec.structs.replace(config.brokers[0], ca=None)
        async with centre_at(tmp_path, REAL, brokers=(unknown,)) as (centre, _):
            await until(lambda: "certificate" in centre.brokers[0].problem.lower(), lambda: centre.brokers[0].problem)


_FIELDS = '[topic.fields]\nx = { point = "battery.charge" }\n'


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ("", "topic"),
        ('[[topic]]\ntopic = "a/#/b"\ndevice = "x"\n' + _FIELDS, "topic.0.topic"),
        ('[[topic]]\ntopic = "a/{n}"\ndevice = "{m}"\n' + _FIELDS, "topic.0.device"),
        ('[[topic]]\ntopic = "a/b"\ndevice = "x"\npayload = "xml"\n' + _FIELDS, "topic.0.payload"),
        ('[[topic]]\ntopic = "a/b"\ndevice = "x"\n', "topic.0.fields"),
        ('[[topic]]\ntopic = "a/b"\ndevice = "x"\n[topic.fields]\nx = { point = "ups.spin" }\n', "point"),
        (
            f'[[topic]]\ntopic = "a/+/c"\ndevice = "x"\n{_FIELDS}[[topic]]\ntopic = "a/b/+"\ndevice = "x"\n{_FIELDS}',
            "topic.1.topic",
        ),
    ],
)
def test_a_map_of_topics_is_linted_with_line_and_fix(wrong: str, key: str) -> None:
    _, problems = topics.read(wrong, "mqtt.toml")
    assert any(key in problem.key and problem.severity == "error" for problem in problems), problems


@pytest.mark.parametrize(
    ("line", "key", "severity"),
    [
        ('url = "http://x"', "url", "error"),
        ('url = "mqtt://me:hush@x"', "url", "error"),
        ('url = "mqtt://x"\npassword = "hush"', "password", "error"),
        ('url = "mqtt://x"\npassword = "env:P"', "url", "warning"),
        ('url = "mqtt://x"\nclient_id = "a b"', "client_id", "error"),
        ('url = "mqtt://x"\ncert = "c.pem"', "cert", "error"),
    ],
)
def test_a_broker_is_linted_and_no_secret_is_shown(line: str, key: str, severity: str) -> None:
    body = f'[collector]\n[[collector.mqtt]]\nsite = "s"\nmap = "m.toml"\n{line}\n'
    _, problems = read(body, "collector.toml", Path())
    assert [(problem.key.rpartition(".")[2], problem.severity) for problem in problems] == [(key, severity)]
    assert "hush" not in problems[0].render("en") + problems[0].render("zh")


@pytest.mark.parametrize(
    ("pattern", "topic", "names"),
    [
        ("a/{x}/b", "a/1/b", {"x": "1"}),
        ("a/{x}/b", "a/1/2/b", None),
        ("a/ups-{n}/{what}", "a/ups-7/v", {"n": "7", "what": "v"}),
        ("a/{x}/{x}", "a/1/2", None),
        ("a/#", "a/b/c", {}),
        ("a/#", "a", {}),
        ("#", "a/b", {}),
        ("a.b/+", "axb/c", None),
    ],
)
def test_a_pattern_names_levels(pattern: str, topic: str, names: dict[str, str] | None) -> None:
    body = f'[[topic]]\ntopic = "{pattern}"\ndevice = "x"\n{_FIELDS}'
    found, problems = topics.read(body, "mqtt.toml")
    assert problems == []
    seen = topics.Reader(found).find(topic)
    assert (seen and seen[1]) == names


@pytest.mark.slow
async def test_killed_again_and_again_it_has_each_message_once(tmp_path: Path) -> None:
    """A collector of its own, SIGKILL in the middle of a stream of values without times, twice."""
    mosquitto = Mosquitto(tmp_path / "broker")
    child = ChildCentre(tmp_path)
    (tmp_path / "mqtt.toml").write_text(MAPPING)
    with child.file.open("a") as file:
        url = f"mqtt://127.0.0.1:{mosquitto.port}"
        file.write(f"[[collector.mqtt]]\nurl = '{url}'\nsite = '{SITE}'\nmap = 'mqtt.toml'\nsubscribe = ['plant/#']\n")

    def shown(words: str) -> bool:
        return words in httpx.get(f"{child.url}/metrics", verify=False).text

    sent = [n / 10 for n in range(1, 401)]
    with mosquitto.up():
        for part in (sent[:200], sent[200:]):
            with child.up() as process:
                await until(lambda: shown(f'roundsman-{SITE}"}} 1.0'))
                await publish(mosquitto, "plant/ups-1/charge", *map(str, part))
                process.kill()
        with child.up():
            await publish(mosquitto, "plant/ups-1/end", "x")
            await until(lambda: shown('topic="plant/ups-1/end"'))
    async with centre_at(tmp_path / "var", REAL) as (centre, _):
        assert charges(centre) == sent
