"""A fleet of SNMP agents in one process of its own, fast enough never to be what is measured.

    .venv/bin/python -m tests.benchmarks.snmp_fleet --devices 1000 --port 16161 [--v3] [--dead 200]

Each device is an address of 127.0.0.0/8 with a socket of its own (so that a burst overflows nobody's buffer), v2c by
community or v3 authPriv (SHA1, AES128) with an engine id and localised keys of its own. Answers are BER templates made once
per question: GET, GETNEXT and GETBULK over one tree (system group, twenty scalars, an RFC 1628 UPS); numbers differ from
device to device and from answer to answer. What it is not: a judge of requests. A v3 request is decrypted, its digest not checked.
Every fifth address is mute when 200 of 1,000 are dead. Not product code: the simulators are `simulators/`.
"""

from __future__ import annotations

import argparse
import bisect
import hashlib
import hmac
import os
import select
import socket
import time
from collections.abc import Callable, Iterator

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

Oid = tuple[int, ...]
#: middle and swing of a number; octets; an OID
Content = tuple[int, int] | bytes | Oid
SCALARS: Oid = (1, 3, 6, 1, 4, 1, 59999, 1)
UPS: Oid = (1, 3, 6, 1, 2, 1, 33, 1)
VARIANTS = 64
USER, AUTH, PRIV = "bench", "bench-auth-words", "bench-priv-words"
#: raw values of the twenty scalars: middle, swing (`TWENTY_POINTS` of bench_snmp.py says what they are)
TWENTY = (
    (3, 0), (2310, 15), (500, 1), (2301, 8), (499, 1), (142, 9), (3100, 180), (3400, 190), (34, 2), (310, 7),
    (2184, 5), (8, 4), (97, 3), (2400, 50), (251, 4), (2, 0), (2290, 20), (500, 1), (147, 6), (1, 0),
)  # fmt: skip


def tree() -> dict[Oid, Content]:
    """What every device of the fleet holds."""
    held: dict[Oid, Content] = {
        (1, 3, 6, 1, 2, 1, 1, 1, 0): b"Fleet UPS card, firmware 1.0",
        (1, 3, 6, 1, 2, 1, 1, 2, 0): (1, 3, 6, 1, 4, 1, 59999, 7),
        (1, 3, 6, 1, 2, 1, 1, 3, 0): (123_456, 900),
    }
    held |= {(*SCALARS, n, 0): content for n, content in enumerate(TWENTY, 1)}
    ups: dict[str, Content] = {
        "1.1.0": b"Fleet", "1.2.0": b"Card 10k", "1.3.0": b"1.0", "1.4.0": b"1.0", "1.5.0": b"ups", "1.6.0": b"racks",
        "2.1.0": (2, 0), "2.2.0": (0, 0), "2.3.0": (40, 2), "2.4.0": (97, 3), "2.5.0": (2184, 5), "2.6.0": (8, 4),
        "2.7.0": (25, 1), "3.1.0": (4, 0), "3.2.0": (1, 0), "3.3.1.2.1": (500, 1), "3.3.1.3.1": (231, 2),
        "3.3.1.4.1": (140, 9), "3.3.1.5.1": (3100, 180), "4.1.0": (3, 0), "4.2.0": (500, 1), "4.3.0": (1, 0),
        "4.4.1.2.1": (230, 1), "4.4.1.3.1": (142, 9), "4.4.1.4.1": (3100, 180), "4.4.1.5.1": (34, 2),
        "5.1.0": (500, 1), "5.2.0": (1, 0), "5.3.1.2.1": (231, 2), "5.3.1.3.1": (0, 0), "5.3.1.4.1": (0, 0),
        "6.1.0": (0, 0), "7.3.0": (6, 0), "7.6.0": (0, 0), "9.1.0": (230, 0), "9.2.0": (500, 0), "9.3.0": (230, 0),
        "9.4.0": (500, 0), "9.5.0": (10_000, 0), "9.6.0": (9000, 0), "9.7.0": (3, 0), "9.8.0": (2, 0),
        "9.9.0": (176, 0), "9.10.0": (264, 0),
    }  # fmt: skip
    held |= {(*UPS, *map(int, place.split("."))): content for place, content in ups.items()}
    return dict(sorted(held.items()))


# ---- BER, as far as agents speak it


def tlv(tag: int, data: bytes) -> bytes:
    """One element."""
    size = len(data)
    if size < 128:
        return bytes((tag, size)) + data
    return (bytes((tag, 0x81, size)) if size < 256 else bytes((tag, 0x82, size >> 8, size & 255))) + data


def whole(number: int) -> bytes:
    """An INTEGER."""
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def inside(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends."""
    size = data[at + 1]
    if size < 128:
        return at + 2, at + 2 + size
    wide = size & 127
    return at + 2 + wide, at + 2 + wide + int.from_bytes(data[at + 2 : at + 2 + wide], "big")


def named(oid: Oid) -> bytes:
    """An OBJECT IDENTIFIER."""
    out = bytearray((oid[0] * 40 + oid[1],))
    for part in oid[2:]:
        digits = [part & 127]
        while part := part >> 7:
            digits.append(part & 127 | 128)
        out += bytes(reversed(digits))
    return tlv(6, bytes(out))


def oid_of(content: bytes) -> Oid:
    """The numbers of an OBJECT IDENTIFIER's content."""
    out, part = [content[0] // 40, content[0] % 40], 0
    for octet in content[1:]:
        part = part << 7 | octet & 127
        if octet < 128:
            out.append(part)
            part = 0
    return tuple(out)


class Answers:
    """Answers to questions: everything behind the request id, made once and kept in `VARIANTS` forms."""

    def __init__(self) -> None:
        self._held = tree()
        self._order = list(self._held)
        self._known: dict[tuple[int, bytes], list[bytes]] = {}

    def of(self, kind: int, tail: bytes, turn: int) -> bytes:
        """Error status, error index and variables that answer `tail` (the same of the request)."""
        forms = self._known.get((kind, tail))
        if forms is None:
            forms = self._known[kind, tail] = [self._make(kind, tail, n) for n in range(VARIANTS)]
        return forms[turn % VARIANTS]

    def _make(self, kind: int, tail: bytes, n: int) -> bytes:
        first, second = inside(tail, 0), inside(tail, inside(tail, 0)[1])
        asked: list[Oid] = []
        at, end = inside(tail, second[1])
        while at < end:
            start, stop = inside(tail, at)
            name = inside(tail, start)
            asked.append(oid_of(tail[name[0] : name[1]]))
            at = stop
        repeats = int.from_bytes(tail[second[0] : second[1]], "big") if kind == 0xA5 else 1
        del first
        found = b"".join(self._variable(oid, n) for oid in self._places(kind, asked, repeats))
        return whole(0) + whole(0) + tlv(0x30, found)

    def _places(self, kind: int, asked: list[Oid], repeats: int) -> Iterator[Oid]:
        if kind == 0xA0:
            yield from asked
            return
        for oid in asked:
            here = bisect.bisect_right(self._order, oid)
            yield from self._order[here : here + repeats] or [oid]

    def _variable(self, oid: Oid, n: int) -> bytes:
        content = self._held.get(oid)
        if content is None:
            value = b"\x82\x00"  # endOfMibView; to a GET our fleet has all that is asked
        elif isinstance(content, bytes):
            value = tlv(4, content)
        elif len(content) > 2:
            value = named(content)
        else:
            value = whole(content[0] + (n * 37 % (2 * content[1] + 1) - content[1]))
        return tlv(0x30, named(oid) + value)


class Plain:
    """v1 and v2c."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def answer(self, _device: int, data: bytes, turn: int) -> bytes:
        """The reply to one datagram."""
        at, _ = inside(data, 0)
        begin = at
        _, at = inside(data, at)
        _, at = inside(data, at)
        pdu, _ = inside(data, at)
        _, tail = inside(data, pdu)
        kind = data[at]
        body = self._answers.of(kind, data[tail:], turn)
        return tlv(0x30, data[begin:at] + tlv(0xA2, data[pdu:tail] + body))


class Secret:
    """v3 authPriv, one engine a device: its clock runs from the start of this process."""

    def __init__(self, answers: Answers, devices: int) -> None:
        self._answers = answers
        self._began = time.monotonic()
        masters = [_master(AUTH), _master(PRIV)]
        self._engines = [b"\x80\x00\xea\x5f\x04" + n.to_bytes(7, "big") for n in range(devices)]
        self._keys = [tuple(hashlib.sha1(m + e + m).digest() for m in masters) for e in self._engines]
        self._salt = int.from_bytes(os.urandom(7), "big")

    def answer(self, device: int, data: bytes, turn: int) -> bytes:
        """The reply to one datagram: a report for discovery and a foreign time, else what was asked."""
        at, _ = inside(data, 0)
        _, header = inside(data, at)
        start, end = inside(data, header)
        message = inside(data, start)
        params, scoped = inside(data, end)
        params, _ = inside(data, params)
        engine = inside(data, params)
        boots = inside(data, engine[1])
        clock = inside(data, boots[1])
        user = inside(data, clock[1])
        auth = inside(data, user[1])
        priv = inside(data, auth[1])
        msg_id = data[message[0] : message[1]]
        seconds = int(time.monotonic() - self._began) + 1
        if engine[0] == engine[1]:
            return self._message(device, msg_id, 0, seconds, self._report(device, 4, b"\x02\x01\x00"))
        secret = data[priv[0] : priv[1]]
        if not secret:  # authentic, not private: gufo asks for the time
            asked = data[scoped:]
        else:
            told = data[boots[0] : boots[1]].rjust(4, b"\0")[-4:] + data[clock[0] : clock[1]].rjust(4, b"\0")[-4:]
            box = inside(data, scoped)
            asked = _aes(self._keys[device][1][:16], told + secret).decryptor().update(data[box[0] : box[1]])
        pdu = inside(asked, 0)[0]
        _, pdu = inside(asked, pdu)
        _, pdu = inside(asked, pdu)
        kind, content = asked[pdu], inside(asked, pdu)
        _, tail = inside(asked, content[0])
        request = asked[content[0] : tail]
        if int.from_bytes(data[boots[0] : boots[1]], "big") == 0:
            return self._message(device, msg_id, 1, seconds, self._report(device, 2, request))
        body = self._answers.of(kind, asked[tail : content[1]], turn)
        return self._message(device, msg_id, 3 if secret else 1, seconds, self._scoped(device, 0xA2, request + body))

    def _scoped(self, device: int, kind: int, pdu: bytes) -> bytes:
        return tlv(0x30, tlv(4, self._engines[device]) + b"\x04\x00" + tlv(kind, pdu))

    def _report(self, device: int, which: int, request: bytes) -> bytes:
        counted = tlv(0x30, named((1, 3, 6, 1, 6, 3, 15, 1, 1, which, 0)) + b"\x41\x01\x01")
        return self._scoped(device, 0xA8, request + whole(0) + whole(0) + tlv(0x30, counted))

    def _message(self, device: int, msg_id: bytes, flags: int, seconds: int, scoped: bytes) -> bytes:
        salt = b""
        if flags & 2:
            self._salt += 1
            salt = self._salt.to_bytes(8, "big")
            iv = (1).to_bytes(4, "big") + seconds.to_bytes(4, "big") + salt
            scoped = tlv(4, _aes(self._keys[device][1][:16], iv).encryptor().update(scoped))
        header = tlv(0x30, tlv(2, msg_id) + b"\x02\x03\x00\xff\xe3" + bytes((4, 1, flags)) + b"\x02\x01\x03")
        front = tlv(4, self._engines[device]) + whole(1) + whole(seconds) + tlv(4, USER.encode() if flags else b"")
        back = tlv(4, salt)
        digest = tlv(4, bytes(12) if flags & 1 else b"")
        sent = tlv(0x30, b"\x02\x01\x03" + header + tlv(4, tlv(0x30, front + digest + back)) + scoped)
        if flags & 1:
            # The blank digest stands right before the last parameter.
            at = len(sent) - len(scoped) - len(back) - 12
            sent = sent[:at] + hmac.digest(self._keys[device][0], sent, "sha1")[:12] + sent[at + 12 :]
        return sent


def _master(words: str) -> bytes:
    """RFC 3414, A.2.2: a megabyte of the password."""
    octets = words.encode()
    return hashlib.sha1((octets * (1_048_576 // len(octets) + 1))[:1_048_576]).digest()


def _aes(key: bytes, iv: bytes) -> Cipher[CFB]:
    return Cipher(algorithms.AES(key), CFB(iv))


def address(n: int) -> str:
    """The address of device `n`."""
    return f"127.1.{n // 250}.{n % 250 + 1}"


def dead(n: int, devices: int, mute: int) -> bool:
    """Whether device `n` is one of `mute` dead ones, spread evenly."""
    return (n + 1) * mute // devices > n * mute // devices


def serve(devices: int, port: int, mute: int, answer: Callable[[int, bytes, int], bytes]) -> None:
    """Answer for ever. Whatever is no request is not answered."""
    poll = select.epoll()
    at: dict[int, tuple[int, socket.socket]] = {}
    for n in range(devices):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((address(n), port))
        one.setblocking(False)
        at[one.fileno()] = n, one
        poll.register(one, select.EPOLLIN)
    print("ready", flush=True)
    turn = first = 0
    while True:
        for fd, _ in poll.poll():
            n, one = at[fd]
            data, peer = one.recvfrom(4096)
            if data == b"served?":
                one.sendto(str(turn).encode(), peer)
                continue
            if data == b"first?":
                one.sendto(str(first).encode(), peer)
                continue
            first = first or time.time_ns() // 1_000_000
            turn += 1
            if mute and dead(n, devices, mute):
                continue
            one.sendto(answer(n, data, n + turn), peer)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--port", type=int, default=16161)
    parser.add_argument("--dead", type=int, default=0)
    parser.add_argument("--v3", action="store_true")
    wishes = parser.parse_args()
    answers = Answers()
    speaker = Secret(answers, wishes.devices) if wishes.v3 else Plain(answers)
    serve(wishes.devices, wishes.port, wishes.dead, speaker.answer)


if __name__ == "__main__":
    main()
