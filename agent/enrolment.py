"""Making this agent's own key and telling the centre its fingerprint, once.

Rules. The key is 32 random bytes in hex, made here, kept in a file that only its owner reads, and never sent
before it is known: the centre gets sha256 of it. The file is on the disk before the centre is told, and a
second attempt uses the same key, so that a lost answer locks nobody out.

    POST {collector}/v1/enrol  {"site", "code", "key_sha256"}  ->  200 {"agent"}
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from agent.config import AgentConfig
from agent.uplink import network_fix, tls
from model.secret import SecretError, resolve
from model.text import Text


class EnrolmentError(Exception):
    """The agent is not enrolled. `text` says what was expected, what came, and what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class _Enrolled(msgspec.Struct, frozen=True):
    agent: str


def enrol(config: AgentConfig, code: str) -> str:
    """Make the key if there is none and enrol it with a one-time code. Returns the agent's id at the centre.

    Raises `EnrolmentError`.
    """
    if config.key_file is None:
        raise EnrolmentError(_NO_FILE.format(got=config.key))
    key = _own_key(config.key_file)
    body = {"site": config.site, "code": code.strip(), "key_sha256": hashlib.sha256(key.encode()).hexdigest()}
    url = config.collector.rstrip("/") + "/v1/enrol"
    try:
        with httpx.Client(verify=tls(config), timeout=30.0, trust_env=not config.loopback) as client:
            answer = client.post(url, json=body)
    except httpx.HTTPError as error:
        got = f"{type(error).__name__}: {error} ({network_fix(str(error))})"
        raise EnrolmentError(_NO_CENTRE.format(url=url, got=got)) from error
    if answer.status_code != httpx.codes.OK:
        raise EnrolmentError(_REFUSED.format(got=f"{answer.status_code} {answer.text[:200]}"))
    try:
        return msgspec.json.decode(answer.content, type=_Enrolled).agent
    except msgspec.DecodeError as error:
        raise EnrolmentError(_NO_CENTRE.format(url=url, got=f"200 {answer.text[:80]}")) from error


def key_of(config: AgentConfig, getenv: Callable[[str], str | None] = os.environ.get) -> str:
    """The agent's key. Raises `SecretError`, which never holds the key."""

    def read(path: str) -> str:
        return (config.folder / path).read_text(encoding="ascii", errors="replace")

    key = resolve(config.key, getenv, read)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SecretError(f"expected a key of printable ASCII behind {config.key}, got something else (not shown)")
    return key


def _own_key(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_private(path, secrets.token_hex(32))
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EnrolmentError(_NO_WRITE.format(path=path, got=error)) from error
    if not key:
        raise EnrolmentError(_NO_WRITE.format(path=path, got="an empty file"))
    return key


def _write_private(path: Path, key: str) -> None:
    """On the disk whole or not at all, and never readable by others, not even for a moment."""
    part = path.with_name(path.name + ".new")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


_NO_FILE = Text(
    'expected key = "file:PATH" in [agent], got {got}; fix: let the key live in a file, so that it can be made here',
    '[agent] 中应为 key = "file:路径"，实为 {got}；改法：密钥写在文件里，才能在此生成',
)
_NO_CENTRE = Text(
    "expected an answer of the collector at {url}, got {got}; fix: check the address and the network, then enrol again",
    "应有采集中心 {url} 的答复，实为 {got}；改法：检查地址与网络后重新登记",
)
_REFUSED = Text(
    "expected the collector to take the code, got {got}; fix: ask for a new code (roundsman enrol SITE), it works once for 24 h",
    "采集中心应接受登记码，实为 {got}；改法：重新申请登记码（roundsman enrol 站点），24 小时内一次有效",
)
_NO_WRITE = Text(
    "expected a key file {path} of our own, got {got}; fix: let the agent's user write there, or remove the file",
    "应有自己的密钥文件 {path}，实为 {got}；改法：让运行用户可写，或删除该文件",
)
