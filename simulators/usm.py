"""Keys, signatures and ciphers of SNMP v3 (RFC 3414, RFC 3826, RFC 7860). Pure; `cryptography` has the ciphers.

    password --1 MB of it, hashed--> Ku --hash(Ku engine Ku)--> Kul     one key for each engine
    signature = HMAC(Kul, whole message with zeros in its place), its first 12 to 48 octets
    DES-CBC   key Kul[:8], IV = Kul[8:16] xor salt        AES-128-CFB   key Kul[:16], IV = boots, time, salt

A privacy key is made with the hash of the authentication.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import NamedTuple

import msgspec
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

#: Octets of the signature that are sent, by hash.
SENT = {"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}
AUTH, PRIV, REPORTABLE = 1, 2, 4
_MEGABYTE = 1 << 20
_BLOCK = 8


class Clock(NamedTuple):
    """Of an authoritative engine: how often it has started, and seconds since the last time."""

    boots: int
    time_s: int


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user at one engine: its keys are localised. `flags` is the level that it must be addressed with."""

    name: bytes
    flags: int = 0
    hash: str = ""
    auth_key: bytes = b""
    cipher: str = ""  #: des, aes128
    priv_key: bytes = b""

    @property
    def signature_octets(self) -> int:
        return SENT.get(self.hash, 0)


@lru_cache(maxsize=256)
def localised(password: str, hash: str, engine_id: bytes) -> bytes:
    """The key that a password is at one engine."""
    octets = password.encode()
    ku = _from_password(octets, hash)
    return hashlib.new(hash, ku + engine_id + ku).digest()


@lru_cache(maxsize=64)
def _from_password(octets: bytes, hash: str) -> bytes:
    return hashlib.new(hash, (octets * (_MEGABYTE // len(octets) + 1))[:_MEGABYTE]).digest()


def sign(user: User, message: bytes, at: int) -> bytes:
    """The message with its signature at `at`, where zeros stand now."""
    digest = hmac.digest(user.auth_key, message, user.hash)[: user.signature_octets]
    return message[:at] + digest + message[at + len(digest) :]


def signed(user: User, message: bytes, at: int, size: int) -> bool:
    """Whether the signature of `size` octets at `at` is the user's."""
    if size != user.signature_octets:
        return False
    blank = message[:at] + bytes(size) + message[at + size :]
    return hmac.compare_digest(hmac.digest(user.auth_key, blank, user.hash)[:size], message[at : at + size])


def encrypt(user: User, clock: Clock, number: int, plain: bytes) -> tuple[bytes, bytes]:
    """Ciphertext and salt; `number` never comes twice."""
    if user.cipher == "des":
        salt = clock.boots.to_bytes(4, "big") + (number & 0xFFFFFFFF).to_bytes(4, "big")
        plain += bytes(-len(plain) % _BLOCK)
    else:
        salt = number.to_bytes(8, "big")
    return _run(_cipher(user, clock, salt).encryptor(), plain), salt


def decrypt(user: User, clock: Clock, salt: bytes, secret: bytes) -> bytes:
    """The plain text, perhaps with padding behind it. Raises ValueError."""
    if len(salt) != _BLOCK or (user.cipher == "des" and len(secret) % _BLOCK):
        raise ValueError("no ciphertext")
    return _run(_cipher(user, clock, salt).decryptor(), secret)


def _cipher(user: User, clock: Clock, salt: bytes) -> Cipher[CBC] | Cipher[CFB]:
    if user.cipher == "des":
        iv = bytes(one ^ other for one, other in zip(user.priv_key[8:16], salt, strict=True))
        return Cipher(TripleDES(user.priv_key[:8] * 3), CBC(iv))
    iv = clock.boots.to_bytes(4, "big") + clock.time_s.to_bytes(4, "big") + salt
    return Cipher(AES(user.priv_key[:16]), CFB(iv))


def _run(context: CipherContext, data: bytes) -> bytes:
    return context.update(data) + context.finalize()
