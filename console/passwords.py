"""Passwords as scrypt hashes: `scrypt$N$r$p$salt$hash`, so that the cost can rise without breaking old ones."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

_N, _R, _P = 2**14, 8, 1  #: OWASP's least for interactive logins: 16 MiB, about 40 ms
_MAXMEM = 64 * 1024 * 1024
MIN_LENGTH = 10


def make(password: str, salt: bytes | None = None) -> str:
    """The hash to keep. Raises ValueError when the password is too short."""
    if len(password) < MIN_LENGTH:
        raise ValueError(f"expected a password of at least {MIN_LENGTH} characters, got {len(password)}")
    salt = salt or secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=_MAXMEM)
    return f"scrypt${_N}${_R}${_P}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(password: str, kept: str | None) -> bool:
    """Whether `password` made `kept`. Costs the same when there is nothing kept: a name cannot be probed by time."""
    try:
        _, n, r, p, salt64, digest64 = (kept or _NOBODY).split("$")
        salt, wanted = base64.b64decode(salt64), base64.b64decode(digest64)
        got = hashlib.scrypt(password.encode(), salt=salt, n=int(n), r=int(r), p=int(p), maxmem=_MAXMEM)
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(got, wanted) and kept is not None


#: Well formed, and no password's hash.
_NOBODY = f"scrypt${_N}${_R}${_P}${base64.b64encode(bytes(16)).decode()}${base64.b64encode(bytes(64)).decode()}"
