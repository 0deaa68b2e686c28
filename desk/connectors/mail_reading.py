"""What an e-mail says to a ticket: which ticket, who, the words, the files; or why it says nothing. Pure.

- The ticket is named by our own Message-ID in References or In-Reply-To, which carries a token that only we can make; else
  by the tag in the subject. The sender must be one of those that the settings name.
- Machines do not talk to the ledger: automatic answers (RFC 3834), lists and our own messages are dropped. A bounce
  (RFC 3464) is the one thing that a machine may say: a message of ours did not arrive.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from fnmatch import fnmatchcase
from hashlib import sha256
from html.parser import HTMLParser

import msgspec

from desk.connectors.types import Attachment, News

_MOST_FILE = 10 * 1024 * 1024
_ID = re.compile(r"<(?P<prefix>[\w-]*?)(?P<ticket>T-\d+)\.(?P<seq>\d+)\.(?P<token>[0-9a-f]{16})@")
_QUOTES = re.compile(
    r"^(?:>.*|On .{5,200}wrote:|-{2,}\s*(?:Original Message|原始邮件|Forwarded).*|在.{2,100}写道[：:]|发件人[：:].*|_{10,})\s*$",
    re.MULTILINE,
)


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """By what mail is known as ours and judged."""

    key: bytes
    prefix: str
    senders: tuple[str, ...]  #: addresses or patterns, `*@harbour.example`
    authserv: str  #: the mail server whose Authentication-Results are believed; empty: none asked for


def token(key: bytes, ticket: str) -> str:
    """What stands in our Message-IDs for a ticket, so that nobody can name another one."""
    return hmac.new(key, f"mail:{ticket}".encode(), sha256).hexdigest()[:16]


def read(raw: bytes, box: Box, id: str, at: int) -> News:
    """One message as received at `at` (ms). `id` names it where it has no Message-ID."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage), "policy.default makes them"
    name, address = parseaddr(_header(mail, "From"))
    who = address.lower() or name or "?"
    told = News(id=_header(mail, "Message-ID")[:400] or id, at=at, who=who, text="")
    if _tickets([_header(mail, "Message-ID")], box):
        return _dropped(told, "our own message")
    if _is_bounce(mail, who):
        return _bounce(mail, told, box)
    if why := _automatic(mail):
        return _dropped(told, f"an automatic message ({why})")
    if not any(fnmatchcase(who, pattern.lower()) for pattern in box.senders):
        return _dropped(told, f"sender {who} is none of those in `senders`")
    if box.authserv and not _authentic(mail, box.authserv):
        return _dropped(told, f"{box.authserv} does not say that {who} really sent it (dmarc=pass)")
    named = _tickets([_header(mail, "In-Reply-To"), _header(mail, "References")], box)
    if not named:
        tags = re.findall(rf"\[{re.escape(box.prefix)}(T-\d+)\]", _header(mail, "Subject"))
        named = tags[:1]
    if not named:
        return _dropped(told, "it names no ticket")
    return msgspec.structs.replace(
        told, ticket=named[-1], text=_words(mail) or _header(mail, "Subject"), attachments=tuple(_files(mail))
    )


def _dropped(told: News, why: str) -> News:
    return msgspec.structs.replace(told, dropped=why)


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return str(mail.get(name, ""))
    except (ValueError, IndexError, AttributeError):  # email.policy.default raises on some broken headers
        return ""


def _tickets(texts: Sequence[str], box: Box) -> list[str]:
    """The tickets that Message-IDs of ours name, with a true token."""
    return [
        found["ticket"]
        for text in texts
        for found in _ID.finditer(text)
        if found["prefix"] == box.prefix and hmac.compare_digest(found["token"], token(box.key, found["ticket"]))
    ]


def _automatic(mail: EmailMessage) -> str | None:
    submitted = _header(mail, "Auto-Submitted").strip().lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted[:40]}"
    precedence = _header(mail, "Precedence").strip().lower()
    if precedence in ("bulk", "junk", "list", "auto_reply"):
        return f"Precedence: {precedence}"
    return next((name for name in ("X-Autoreply", "X-Autorespond", "List-Id") if mail.get(name)), None)


def _is_bounce(mail: EmailMessage, who: str) -> bool:
    report = mail.get_content_type() == "multipart/report"
    machine = who.partition("@")[0] in ("mailer-daemon", "postmaster")
    return report or machine or _header(mail, "Return-Path").strip() == "<>"


def _bounce(mail: EmailMessage, told: News, box: Box) -> News:
    """The ticket stands in the headers of our own message, which comes back with it."""
    parts = list(mail.walk())
    returned = [str(part) for part in parts if part.get_content_type() in ("message/rfc822", "text/rfc822-headers")]
    named = _tickets([_header(mail, "In-Reply-To"), _header(mail, "References"), *returned], box)
    if not named:
        return _dropped(told, "an automatic message (a bounce of nothing of ours)")
    status = " ".join(str(part) for part in parts if part.get_content_type() == "message/delivery-status")
    who = re.search(r"Final-Recipient:\s*[^;]*;\s*(\S+)", status, re.IGNORECASE)
    code = re.search(r"Status:\s*(\d\.\d+\.\d+)", status, re.IGNORECASE)
    if code and code[1].startswith(("2.", "4.")):
        return _dropped(told, f"an automatic message (delivery status {code[1]}, not a failure)")
    text = f"{who[1] if who else '?'} {code[1] if code else ''}".strip()
    return msgspec.structs.replace(told, ticket=named[0], text=text, bounced=True)


def _authentic(mail: EmailMessage, authserv: str) -> bool:
    """Only the topmost result of our own mail server counts: what stands below may be forged."""
    results = [str(value) for value in mail.get_all("Authentication-Results", [])]
    first = next((each for each in results if each.split(";")[0].split()[:1] == [authserv]), "")
    return bool(re.search(r"\bdmarc=pass\b", first))


def _words(mail: EmailMessage) -> str:
    """What was written, without the quoted conversation behind it."""
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):  # a charset that is none
        payload = part.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if part.get_content_type() == "text/html":
        text = _plain(text)
    found = _QUOTES.search(text)
    own = text[: found.start()] if found else text
    return (own.strip() or text.strip()).replace("\r\n", "\n")


def _files(mail: EmailMessage) -> Iterator[Attachment]:
    for part in mail.iter_attachments():
        payload = part.get_payload(decode=True)
        body = payload if isinstance(payload, bytes) else str(part.get_payload()).encode()
        name = part.get_filename() or "file"
        if len(body) <= _MOST_FILE:
            yield Attachment(name=name[:200], media_type=part.get_content_type(), body=body)
        else:
            yield Attachment(name=f"{name[:180]} (too large)", media_type="text/plain", body=b"")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  its signature
        self._hidden += tag in ("style", "script", "blockquote")
        if tag in ("br", "p", "div", "tr", "li"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script", "blockquote")

    def handle_data(self, data: str) -> None:
        if self._hidden <= 0:
            self.parts.append(data)


def _plain(html: str) -> str:
    reader = _Text()
    reader.feed(html)
    return "".join(reader.parts)


def addresses(text: str) -> list[str]:
    """`Ann <a@x>, b@y` as addresses."""
    return [address for _, address in getaddresses([text]) if address]
