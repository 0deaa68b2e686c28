"""Secrets are references: `env:NAME` or `file:PATH`, never literals, never logged.

Pure: the caller hands in how to read the environment and a file.
"""

from __future__ import annotations

from collections.abc import Callable


class SecretError(ValueError):
    """The reference is a literal, or what it points at is not there. Never holds the secret itself."""


def is_reference(text: str) -> bool:
    """Whether `text` is `env:NAME` or `file:PATH`."""
    scheme, _, rest = text.partition(":")
    return scheme in ("env", "file") and bool(rest)


def resolve(reference: str, getenv: Callable[[str], str | None], read: Callable[[str], str]) -> str:
    """The secret behind `reference`. Raises `SecretError`."""
    scheme, _, rest = reference.partition(":")
    if not is_reference(reference):
        raise SecretError("expected a reference env:NAME or file:PATH, got a literal (not shown)")
    if scheme == "env":
        value = getenv(rest)
        if not value:
            raise SecretError(f"environment variable {rest} is not set")
        return value
    try:
        value = read(rest).strip()
    except OSError as error:
        raise SecretError(f"cannot read {rest}: {error.strerror}") from error
    if not value:
        raise SecretError(f"{rest} is empty")
    return value
