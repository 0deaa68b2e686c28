"""E-mail: out by SMTP (RFC 5321), back by IMAP (RFC 9051). Threads keep together, replies become `message` entries.

    Subject: [T-000042] mains failure / 市电中断            the same for a whole ticket
    Message-ID: <T-000042.7.3f9c…@desk.example>            the same when it is sent again: a second copy is recognised
    References: <T-000042.0.3f9c…@desk.example>            one root for all messages of a ticket
    Auto-Submitted: auto-generated                         RFC 3834: machines, do not answer

SMTP has no way to ask whether a message arrived: killed between sending and noting, it is sent again under its
Message-ID, and it is the receiver's mail system that drops the copy. Delivered means: their server took it; a later
bounce becomes an entry. TLS always, by smtps:// or STARTTLS, but on this machine.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import parseaddr
from time import mktime
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from desk.connectors import mail_reading, texts
from desk.connectors.local import loopback
from desk.connectors.mirror import POLL
from desk.connectors.types import Delivered, Heard, Later, Message, News, Option, Outcome, Refused, Settings, Unheard
from model.text import Text

_TIMEOUT_S = 20.0
_MOST_MAIL = 25 * 1024 * 1024
_MOST_A_LOOK = 50
_ADDRESSES = r"[^@\s]+@[^@\s,]+(\s*,\s*[^@\s]+@[^@\s,]+)*"


class Email:
    """`url` is the mail server's, smtp:// or smtps://; `secret` the password of `user`, for SMTP and IMAP alike."""

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "from": Option(means=Text("our own address", "本方邮箱地址"), pattern=r"[^@\s]+@[^@\s,]+"),
        "recipients": Option(
            means=Text("who gets them, separated by commas", "收件人，以逗号分隔"), pattern=_ADDRESSES
        ),
        "user": Option(means=Text("the login; empty for none", "登录名"), default=""),
        "imap": Option(
            means=Text("where replies arrive: imaps://host/INBOX; empty: nothing is heard", "收取回复的邮箱"),
            default="",
            pattern=r"(imaps://[^@]+|imap://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/.*)?)?",
        ),
        "senders": Option(
            means=Text("whose replies count, *@harbour.example; else the recipients'", "可回复的发件人，默认收件人"),
            default="",
        ),
        "authserv": Option(
            means=Text(
                "our mail server's name in Authentication-Results, where dmarc=pass is asked for", "邮件认证服务名"
            ),
            default="",
            pattern=r"[\w.-]*",
        ),
        "lang": texts.LANG,
        "prefix": texts.PREFIX,
        "poll_s": POLL,
    }

    def __init__(self, settings: Settings, secret: str) -> None:
        options = settings.options
        self.settings = settings
        self.poll_s = float(options.get("poll_s", "60"))
        self._secret = secret
        self._recipients = mail_reading.addresses(options.get("recipients", ""))
        senders = [each.strip() for each in options.get("senders", "").split(",") if each.strip()]
        self._box = mail_reading.Box(
            key=secret.encode(),
            prefix=options.get("prefix", ""),
            senders=tuple(senders or self._recipients),
            authserv=options.get("authserv", ""),
        )

    async def put(self, message: Message) -> Outcome:
        mail = self.compose(message)
        return await asyncio.to_thread(self._send, mail)

    async def poll(self, cursor: str, watched: Mapping[str, str]) -> Heard:  # noqa: ARG002  mail names its ticket itself
        """`cursor` is UIDVALIDITY:UID of the last message looked at. The mailbox is only read, never changed."""
        if not self.settings.options.get("imap"):
            return Heard(cursor=cursor)
        try:
            return await asyncio.to_thread(self._look, cursor)
        except (imaplib.IMAP4.error, OSError, ssl.SSLError) as error:
            raise Unheard(f"{type(error).__name__} {error}".strip().replace(self._secret, "…")) from error

    async def close(self) -> None: ...

    def compose(self, message: Message) -> EmailMessage:
        """One message as it goes out."""
        told = texts.said(message, self.settings, {})
        mail = EmailMessage()
        ours = self.settings.options.get("from", "")
        domain = parseaddr(ours)[1].rpartition("@")[2]
        signed = mail_reading.token(self._box.key, message.ticket)
        root = f"<{told.key}.0.{signed}@{domain}>"
        mail["From"] = ours
        mail["To"] = ", ".join(self._recipients)
        mail["Subject"] = re.sub(r"\s+", " ", told.subject)
        mail["Message-ID"] = f"<{told.key}.{message.seq}.{signed}@{domain}>"
        mail["In-Reply-To"] = root
        mail["References"] = root
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["X-Roundsman-Key"] = message.key
        mail.set_content(told.body if told.kind == "opened" else told.text)
        return mail

    def _send(self, mail: EmailMessage) -> Outcome:
        try:
            with self._smtp() as server:
                lost = server.send_message(mail, to_addrs=self._recipients)
        except smtplib.SMTPAuthenticationError as error:
            return Later(why=f"SMTP {error.smtp_code}: they do not take our user or secret", reachable=False)
        except smtplib.SMTPRecipientsRefused as error:
            return _refused(error.recipients)
        except smtplib.SMTPResponseException as error:
            why = f"SMTP {error.smtp_code} {_said(error.smtp_error)}"
            return Later(why=why, reachable=True) if error.smtp_code < 500 else Refused(why=why)
        except (smtplib.SMTPException, OSError) as error:
            return Later(why=f"no answer: {type(error).__name__} {error}", reachable=False)
        return _refused(lost) if lost else Delivered(external=str(mail["Message-ID"]))

    @contextmanager
    def _smtp(self) -> Iterator[smtplib.SMTP]:
        parts = urlsplit(self.settings.url)
        host, local = parts.hostname or "", loopback(parts.hostname or "")
        trust = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_TIMEOUT_S, context=trust)
        else:
            server = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT_S)
        with server:
            if parts.scheme == "smtp" and not local:
                server.starttls(context=trust)
            if user := self.settings.options.get("user"):
                server.login(user, self._secret)
            yield server

    def _look(self, cursor: str) -> Heard:
        parts = urlsplit(self.settings.options["imap"])
        host = parts.hostname or ""
        if parts.scheme == "imaps":
            trust = ssl.create_default_context()
            server: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, parts.port or 993, ssl_context=trust, timeout=_TIMEOUT_S)
        else:
            server = imaplib.IMAP4(host, parts.port or 143, timeout=_TIMEOUT_S)
        with server:
            server.login(self.settings.options.get("user", ""), self._secret)
            box = unquote(parts.path.strip("/")) or "INBOX"
            _good(server.select(f'"{box}"', readonly=True))
            validity = _first(server.response("UIDVALIDITY"))
            before, _, last = cursor.partition(":")
            since = int(last) if before == validity and last else 0
            asked = f"UID {since + 1}:*" if cursor else f'SUBJECT "{self._box.prefix}T-"'
            found = _good(server.uid("SEARCH", asked))[0].split()
            fresh = sorted(int(uid) for uid in found if int(uid) > since)[:_MOST_A_LOOK]
            news = [self._read(server, uid, validity) for uid in fresh]
            newest = (
                fresh[-1] if fresh else max(since, 0 if cursor else int(_first(server.response("UIDNEXT")) or 1) - 1)
            )
        return Heard(news=tuple(news), cursor=f"{validity}:{newest}")

    def _read(self, server: imaplib.IMAP4, uid: int, validity: str) -> News:
        id = f"uid/{validity}/{uid}"
        head = _good(server.uid("FETCH", str(uid), "(INTERNALDATE RFC822.SIZE)"))[0]
        size = re.search(rb"RFC822\.SIZE (\d+)", head or b"")
        when = imaplib.Internaldate2tuple(head or b"")
        at = int(mktime(when)) * 1000 if when else 0
        if size and int(size[1]) > _MOST_MAIL:
            return News(id=id, at=at, who="?", text="", dropped=f"too large: {int(size[1])} bytes")
        body = next(
            (part[1] for part in _good(server.uid("FETCH", str(uid), "(BODY.PEEK[])")) if isinstance(part, tuple)), b""
        )
        try:
            return mail_reading.read(body, self._box, id, at)
        except Exception as error:  # noqa: BLE001  whatever strangers send must not end the hearing; it is kept and shown
            return News(id=id, at=at, who="?", text="", dropped=f"cannot be read: {type(error).__name__}")


def _refused(lost: Mapping[str, tuple[int, bytes]]) -> Outcome:
    """For some or all recipients. What is refused for good is shown, even if others got it."""
    why = ", ".join(f"{who}: {code} {_said(said)}" for who, (code, said) in lost.items())
    return Later(why=why, reachable=True) if all(code < 500 for code, _ in lost.values()) else Refused(why=why)


def _said(text: bytes | str) -> str:
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else text)[:200]


def _good(answer: tuple[str, Any]) -> list[Any]:
    """The data of a good answer; what it holds depends on the command."""
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(f"{status} {data!r}"[:200])
    return list(data)


def _first(answer: tuple[str, Any]) -> str:
    return (answer[1][0] or b"").decode() if answer[1] else ""
