"""E-mail out by SMTP and back by IMAP, against real servers; what a letter means is judged without them."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from desk import messages_listen, messages_sql, outbox, store
from desk.connectors import settings
from desk.connectors.email import Email
from desk.connectors.mail_reading import Box, read, token
from desk.connectors.types import Attachment, Delivered, Later, News, Refused
from desk.types import EntryKind
from tests.desk.stage import MINUTE, T0, engine, incident, inventory
from tests.desk.test_mirror_steps import message
from tests.desk.test_outbox import drain
from tests.services.mail import PASSWORD, USER, MailServer, mail_server

BOX = Box(key=b"k", prefix="", senders=("*@harbour.example",), authserv="")
OURS = f"<T-000001.1.{token(b'k', 'T-000001')}@desk.example>"
DSN = f"""From: MAILER-DAEMON@mx.example
Message-ID: <dsn@mx.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gone@harbour.example
Action: failed
Status: 5.1.1
--b
Content-Type: text/rfc822-headers

Message-ID: {OURS}
Subject: [T-000001] x
--b--
"""


def letter(text: str = "we are on it\n\nOn Monday the desk wrote:\n> words", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    given = {"From": "Ops <Ops@harbour.example>", "Message-ID": "<r1@harbour.example>", "References": OURS}
    for name, value in {**given, **{k.replace("_", "-"): v for k, v in headers.items()}}.items():
        if value:
            mail[name] = value
    mail.set_content(text)
    return mail


def heard(mail: EmailMessage, box: Box = BOX) -> News:
    return read(mail.as_bytes(), box, "uid/1/1", T0)


def test_a_reply_is_known_by_our_message_id_and_only_its_own_words_count() -> None:
    news = heard(letter())
    assert (news.ticket, news.who, news.text) == ("T-000001", "ops@harbour.example", "we are on it")
    assert (news.id, news.at, news.dropped) == ("<r1@harbour.example>", T0, None)


def test_a_letter_without_references_is_known_by_the_tag_in_its_subject() -> None:
    assert heard(letter(References="", Subject="AW: [T-000007] mains failure")).ticket == "T-000007"


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"From": "eve@elsewhere.example"}, "none of those in `senders`"),
        ({"Auto_Submitted": "auto-replied"}, "Auto-Submitted: auto-replied"),
        ({"Precedence": "bulk"}, "Precedence: bulk"),
        ({"X_Autoreply": "yes"}, "X-Autoreply"),
        ({"List_Id": "<ups.example>"}, "List-Id"),
        ({"Message_ID": OURS}, "our own message"),
        ({"References": "<T-000001.1.0000000000000000@desk.example>"}, "names no ticket"),
        ({"From": "mailer-daemon@mx.example"}, "bounce of nothing of ours", ),
    ],
)  # fmt: skip
def test_what_must_not_become_an_entry_says_why(headers: dict[str, str], why: str) -> None:
    if headers.get("From", "").startswith("mailer-daemon"):
        headers = {**headers, "References": "<x@y>"}
    news = heard(letter(**headers))
    assert news.ticket is None
    assert why in (news.dropped or "")


def test_a_forged_sender_is_told_by_the_mail_servers_own_verdict() -> None:
    strict = Box(key=b"k", prefix="", senders=BOX.senders, authserv="mx.desk.example")
    good = "mx.desk.example; dkim=pass header.d=harbour.example; dmarc=pass header.from=harbour.example"
    assert heard(letter(Authentication_Results=good), strict).ticket == "T-000001"
    for bad in ("", good.replace("dmarc=pass", "dmarc=fail"), good.replace("mx.desk", "mx.evil")):
        assert "dmarc=pass" in (heard(letter(Authentication_Results=bad), strict).dropped or "")


def test_a_bounce_is_an_entry_of_the_ticket_that_it_was_about() -> None:
    news = heard(message_from_string(DSN, policy=policy.default))  # type: ignore[arg-type]
    assert (news.ticket, news.bounced, news.text) == ("T-000001", True, "gone@harbour.example 5.1.1")
    delayed = DSN.replace("5.1.1", "4.4.1")
    assert "not a failure" in (heard(message_from_string(delayed, policy=policy.default)).dropped or "")  # type: ignore[arg-type]


def test_files_and_html_come_along() -> None:
    mail = letter("")
    mail.set_content("<p>泵房 <b>已断电</b></p><blockquote>old</blockquote>", subtype="html")
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="报告.pdf")
    news = heard(mail)
    assert news.text == "泵房 已断电"
    assert news.attachments == (Attachment(name="报告.pdf", media_type="application/pdf", body=b"%PDF-1.4"),)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"From: \xff\nSubject: =?x?b?!!?=\n\n\xff", b"Content-Type: multipart/mixed; boundary=\n\n--"])  # fmt: skip
def test_broken_letters_are_read_without_harm(raw: bytes) -> None:
    news = read(raw, BOX, "uid/1/1", T0)
    assert news.dropped
    assert news.id == "uid/1/1"


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


def connector(server: MailServer) -> Email:
    given = {
        "from": "desk@desk.example",
        "recipients": "ops@harbour.example",
        "imap": f"imap://127.0.0.1:{server.imap}/INBOX",
        "user": USER,
    }
    return Email(settings("email", f"smtp://127.0.0.1:{server.smtp}", "env:S", id="mail", options=given), PASSWORD)


class Smtp(Email):
    """aiosmtpd's command line knows no logins: out without, in with."""

    def _smtp(self) -> Any:
        given = {**self.settings.options, "user": ""}
        plain = settings("email", self.settings.url, "env:S", id="mail", options=given)
        return Email._smtp(Email(plain, PASSWORD))


def put_letter(server: MailServer, mail: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp) as smtp:
        smtp.send_message(mail, "ops@harbour.example", ["desk@desk.example"])


@pytest.mark.service
async def test_a_thread_goes_out_and_its_replies_come_back_each_once(server: MailServer, tmp_path: Path) -> None:
    way = Smtp(connector(server).settings, PASSWORD)
    made = engine(tmp_path / "desk.sqlite")
    kept: list[tuple[str, str]] = []

    def keep(conn: sa.Connection, file: Attachment, ticket: str, who: str, now: int) -> str:
        kept.append((ticket, file.name))
        return "hash-1"

    with made.begin() as conn:
        outbox.register(conn, [way.settings])
        store.apply(conn, [incident()], inventory(), T0)
        store.act(conn, "T-000001", EntryKind.ACKNOWLEDGED, "ann", "坚持住", T0 + MINUTE, T0 + MINUTE)
    await drain(made, way)

    async def transact(work: Callable[[sa.Connection], Any]) -> Any:
        with made.begin() as conn:
            return work(conn)

    async def look() -> int:
        return await messages_listen.look(made, transact, way, lambda: T0 + 60 * MINUTE, keep)

    assert await look() == 0, "our own letters lie in the same mailbox"
    ours = way.compose(message(1, "opened", "open"))
    assert ours["References"] == way.compose(message(2, "onsite", "onsite"))["References"]
    reply = letter(References=f"{ours['References']} {ours['Message-ID']}", Subject="Re: x")
    reply.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="plan.pdf")
    put_letter(server, reply)
    put_letter(server, letter(From="eve@elsewhere.example", Message_ID="<e@e>", Subject="[T-000001] hello"))
    put_letter(server, letter(Auto_Submitted="auto-replied", Message_ID="<a@a>", Subject="[T-000001] away"))
    assert await look() == 1
    assert await look() == 0
    with made.connect() as conn:
        (entry,) = [e for e in store.ledger(conn, "T-000001") if e.kind is EntryKind.MESSAGE]
        assert entry.who == "ops@harbour.example@mail"
        assert entry.text.en.startswith("we are on it\n[plan.pdf (8 B)]")
        assert entry.data["documents"] == "hash-1"
        assert kept == [("T-000001", "plan.pdf")]
        assert entry.seq not in [r.seq for r in outbox.rows(conn)], "what mail said is not mailed back"
        shown = [row.dropped for row in messages_sql.dropped(conn, 10)]
        assert sum("our own" in why for why in shown) == 2
        assert any("none of those" in why for why in shown)
        assert any("auto-replied" in why for why in shown)
        assert messages_sql.cursor(conn, "mail").count(":") == 1
    made.dispose()


@pytest.mark.service
async def test_sent_again_it_carries_the_same_message_id(server: MailServer) -> None:
    way = Smtp(connector(server).settings, PASSWORD)
    told = message(3, "onsite", "onsite")
    first, second = await way.put(told), await way.put(told)
    assert isinstance(first, Delivered)
    assert first == second
    assert PASSWORD not in repr(way.compose(told).as_string())


async def test_a_mail_server_that_is_away_or_says_no_is_an_outcome(server: MailServer) -> None:
    away = Email(settings("email", "smtp://127.0.0.1:9", "env:S", options={"from": "a@b", "recipients": "c@d"}), "s")
    outcome = await away.put(message(1, "opened", "open"))
    assert isinstance(outcome, Later)
    assert not outcome.reachable
    wanting = connector(server)  # logs in where no login is known
    outcome = await wanting.put(message(1, "opened", "open"))
    assert isinstance(outcome, Later | Refused)
    assert PASSWORD not in outcome.why
