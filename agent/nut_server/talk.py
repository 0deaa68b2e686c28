"""One client's side of the conversation: a line in, the lines of the answer out. Pure.

    > LIST VAR ups-1                  < BEGIN LIST VAR ups-1 … END LIST VAR ups-1
    > GET VAR ups-1 ups.status        < VAR ups-1 ups.status "OB LB"         or ERR DATA-STALE
    > USERNAME monitor · PASSWORD … · LOGIN ups-1        < OK
    > SET VAR …, INSTCMD …, FSD …, PRIMARY …             < ERR ACCESS-DENIED      always: there is nothing to act with

Words and errors are those of upsd 2.8 (RFC 9271). A wrong password costs its sender a second (`Reply.slow`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from model.points import POINTS

#: The protocol that is spoken: NUT 2.8 says so too.
NETVER = "1.3"
LONGEST_LINE = 512
_HELP = "Commands: HELP VER NETVER PROTVER GET LIST LOGIN LOGOUT USERNAME PASSWORD STARTTLS"
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_ACTING = ("SET", "INSTCMD", "FSD", "PRIMARY", "MASTER")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DENIED, _STALE, _UNKNOWN_UPS, _BAD_ARGUMENT = "ACCESS-DENIED", "DATA-STALE", "UNKNOWN-UPS", "INVALID-ARGUMENT"


class Ups(Protocol):
    """What the conversation is about: `agent.nut_server.shown.Shown`, at one moment."""

    def names(self) -> list[str]: ...
    def knows(self, name: str) -> bool: ...
    def variables(self, name: str, now: float) -> dict[str, str] | None: ...


class Reply(msgspec.Struct, frozen=True):
    """The lines to send. `close`: and then hang up; `slow`: after a second."""

    lines: tuple[str, ...]
    close: bool = False
    slow: bool = False


class Refusal(Exception):
    """ERR and a word."""


class Session:
    """One connection. `may`: whether a name and password are good; `clients`: who is logged in, by UPS."""

    def __init__(
        self,
        ups: Ups,
        may: Callable[[str, str], bool],
        clients: Callable[[str], list[str]],
        descriptions: Mapping[str, str],
        version: str,
    ) -> None:
        self._ups = ups
        self._may = may
        self._clients = clients
        self._descriptions = descriptions
        self._version = version
        self.user = ""
        self.login = ""  #: the UPS it depends on
        self._password: str | None = None

    def hear(self, line: str, now: float) -> Reply:
        """The answer to one line."""
        words = [
            re.sub(r"\\(.)", r"\1", quoted) if quoted or not plain else plain for quoted, plain in _WORD.findall(line)
        ]
        if not words:
            return Reply(())
        command = words[0].upper()
        try:
            if command == "LOGOUT":
                return Reply(("OK Goodbye",), close=True)
            if command == "LOGIN":
                return self._login(words[1:])
            return Reply(tuple(self._answer(command, words[1:], now)))
        except Refusal as refusal:
            return Reply((f"ERR {refusal}",))

    def _answer(self, command: str, words: list[str], now: float) -> list[str]:
        if command in _ACTING:
            raise Refusal(_DENIED)
        match command, words:
            case "VER", []:
                return [f"Roundsman {self._version} - NUT protocol, reading only"]
            case "NETVER" | "PROTVER", []:
                return [NETVER]
            case "HELP", _:
                return [_HELP]
            case "STARTTLS", _:
                raise Refusal("FEATURE-NOT-CONFIGURED")
            case "USERNAME" | "PASSWORD", [value]:
                return self._credential(command, value)
            case "GET", [what, *rest]:
                return [self._get(what.upper(), rest, now)]
            case "LIST", [what, *rest]:
                return self._list(what.upper(), rest, now)
            case "GET" | "LIST" | "USERNAME" | "PASSWORD" | "VER" | "NETVER" | "PROTVER", _:
                raise Refusal(_BAD_ARGUMENT)
            case _:
                raise Refusal("UNKNOWN-COMMAND")

    def _credential(self, command: str, value: str) -> list[str]:
        if command == "USERNAME":
            if self.user:
                raise Refusal("ALREADY-SET-USERNAME")
            self.user = value
        else:
            if self._password is not None:
                raise Refusal("ALREADY-SET-PASSWORD")
            self._password = value
        return ["OK"]

    def _login(self, words: list[str]) -> Reply:
        if len(words) != 1:
            raise Refusal(_BAD_ARGUMENT)
        if self.login:
            raise Refusal("ALREADY-LOGGED-IN")
        if not self.user:
            raise Refusal("USERNAME-REQUIRED")
        if self._password is None:
            raise Refusal("PASSWORD-REQUIRED")
        if not self._may(self.user, self._password):
            return Reply((f"ERR {_DENIED}",), slow=True)
        self._known(words[0])
        self.login = words[0]
        return Reply(("OK",))

    def _get(self, what: str, words: list[str], now: float) -> str:
        match what, words:
            case "VAR", [ups, name]:
                return f'VAR {ups} {name} "{_escaped(self._variable(ups, name, now))}"'
            case "TYPE", [ups, name]:
                value = self._variable(ups, name, now)
                return f"TYPE {ups} {name} {'NUMBER' if _NUMBER.fullmatch(value) else 'STRING:128'}"
            case "DESC", [ups, name]:
                self._known(ups)
                return f'DESC {ups} {name} "{_escaped(_described(name))}"'
            case "CMDDESC", [ups, name]:
                self._known(ups)
                return f'CMDDESC {ups} {name} "Description unavailable"'
            case "UPSDESC", [ups]:
                self._known(ups)
                return f'UPSDESC {ups} "{_escaped(self._description(ups))}"'
            case "NUMLOGINS", [ups]:
                self._known(ups)
                return f"NUMLOGINS {ups} {len(self._clients(ups))}"
            case "TRACKING", _:
                return "OFF"
            case _:
                raise Refusal(_BAD_ARGUMENT)

    def _list(self, what: str, words: list[str], now: float) -> list[str]:
        match what, words:
            case "UPS", []:
                lines = [f'UPS {name} "{_escaped(self._description(name))}"' for name in self._ups.names()]
            case "VAR", [ups]:
                lines = [f'VAR {ups} {name} "{_escaped(value)}"' for name, value in self._variables(ups, now).items()]
            case "CLIENT", [ups]:
                self._known(ups)
                lines = [f"CLIENT {ups} {client}" for client in self._clients(ups)]
            case "RW" | "CMD", [ups]:  # there is nothing to set and nothing to do
                self._known(ups)
                lines = []
            case "ENUM" | "RANGE", [ups, name]:
                self._variable(ups, name, now)
                lines = []
            case _:
                raise Refusal(_BAD_ARGUMENT)
        about = " ".join([what, *words])
        return [f"BEGIN LIST {about}", *lines, f"END LIST {about}"]

    def _known(self, ups: str) -> None:
        if not self._ups.knows(ups):
            raise Refusal(_UNKNOWN_UPS)

    def _variables(self, ups: str, now: float) -> dict[str, str]:
        self._known(ups)
        values = self._ups.variables(ups, now)
        if values is None:
            raise Refusal(_STALE)
        return values

    def _variable(self, ups: str, name: str, now: float) -> str:
        values = self._variables(ups, now)
        if name not in values:
            raise Refusal("VAR-NOT-SUPPORTED")
        return values[name]

    def _description(self, ups: str) -> str:
        return self._descriptions.get(ups, ups)


def _described(name: str) -> str:
    point = POINTS.get(re.sub(r"\.L[123](-N)?(?=\.)", "", name))
    return point.meaning.en if point else "Description unavailable"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
