"""An SNMPv3 user: names of the URL to keys of the library. Secrets are asked for when they are needed, and not kept as text.

A pass phrase becomes a master key by hashing a megabyte of it (RFC 3414 A.2: 3 to 10 ms), so masters are remembered: a
thousand devices with one user cost one. The localized key of an engine is cheap and is made anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import msgspec
from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    BaseAuthKey,
    BasePrivKey,
    DesKey,
    KeyExpansion,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    User,
)
from gufo.snmp.user import KeyType

from model.secret import SecretError

#: Pass phrases shorter than this are refused by the standard (RFC 3414 11.2).
SHORTEST = 8
_AUTH: dict[str, type[BaseAuthKey]] = {
    "md5": Md5Key, "sha1": Sha1Key, "sha224": Sha224Key, "sha256": Sha256Key, "sha384": Sha384Key, "sha512": Sha512Key,
}  # fmt: skip
#: `…c`: the key grown as Cisco does (Reeder), else as Blumenthal; alike where the hash is long enough.
_PRIV: dict[str, tuple[type[BasePrivKey], KeyExpansion]] = {
    "des": (DesKey, KeyExpansion.Blumenthal),
    "aes128": (Aes128Key, KeyExpansion.Blumenthal),
    "aes192": (Aes192Key, KeyExpansion.Blumenthal),
    "aes256": (Aes256Key, KeyExpansion.Blumenthal),
    "aes192c": (Aes192Key, KeyExpansion.Cisco),
    "aes256c": (Aes256Key, KeyExpansion.Cisco),
}


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `auth` and `priv` are names of `agent.address`, or "". `keys` gives the two pass phrases."""

    user: str
    auth: str = ""
    priv: str = ""
    keys: Callable[[], tuple[str, str]] = lambda: ("", "")

    def resolve(self) -> tuple[User, bytes]:
        """The library's user, and the master key that signs (b"" without auth). Raises `SecretError`."""
        if not self.auth:
            return User(self.user), b""
        auth_phrase, priv_phrase = self.keys()
        hashing = _AUTH[self.auth]
        signs = _master(self.auth, _long_enough("auth_key", auth_phrase))
        auth_key = hashing(signs, KeyType.Master)
        if not self.priv:
            return User(self.user, auth_key=auth_key), signs
        cipher, expansion = _PRIV[self.priv]
        hides = cipher(_master(self.auth, _long_enough("priv_key", priv_phrase)), KeyType.Master)
        return User(self.user, auth_key=auth_key, priv_key=hides, key_expansion=expansion), signs

    def localized(self, master: bytes, engine_id: bytes) -> bytes:
        """The key that signs at one engine."""
        return _AUTH[self.auth].get_localized_key(master, engine_id) if self.auth else b""


@lru_cache(maxsize=256)
def _master(auth: str, phrase: str) -> bytes:
    return _AUTH[auth].get_master_key(phrase.encode())


def _long_enough(name: str, phrase: str) -> str:
    if len(phrase) < SHORTEST:
        raise SecretError(f"{name} is shorter than {SHORTEST} characters")
    return phrase
