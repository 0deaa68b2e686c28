"""A mail server on loopback: aiosmtpd (Debian's python3-aiosmtpd) takes mail into a Maildir, Dovecot shows it by IMAP."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.services import free_port, missing, need, running, wait_for

USER, PASSWORD = "desk", "a-mail-secret"
_NOBODY = 65534
_CONFIG = """base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
default_login_user = {owner}
default_internal_user = {owner}
default_internal_group = {group}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    smtp: int
    imap: int
    folder: Path


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One mailbox for everybody: whatever is sent to whomever lies in INBOX."""
    dovecot = need("dovecot", "dovecot-imapd")
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import aiosmtpd"], capture_output=True, check=False).returncode:
        missing("python3-aiosmtpd is not installed: tests/services/install.sh installs it")
    folder = Path(tempfile.mkdtemp(prefix="roundsman-mail-"))
    root = os.getuid() == 0
    uid, gid = (_NOBODY, _NOBODY) if root else (os.getuid(), os.getgid())
    before = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"] if root else []
    found = MailServer(smtp=free_port(), imap=free_port(), folder=folder)
    try:
        _write(folder, found.imap, uid, gid)
        receiver = [*before, python, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{found.smtp}"]
        with (
            running([*receiver, "-c", "aiosmtpd.handlers.Mailbox", str(folder / "mail")], folder / "smtp.log"),
            running([dovecot, "-F", "-c", str(folder / "dovecot.conf")], folder / "out.log"),
        ):
            for port in (found.smtp, found.imap):
                wait_for(lambda port=port: _open(port), 60, f"mail server on {port}")
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, port: int, uid: int, gid: int) -> None:
    import grp
    import pwd

    names = {"owner": pwd.getpwuid(uid).pw_name, "group": grp.getgrgid(gid).gr_name}
    values = {"folder": folder, "port": port, "uid": uid, "gid": gid, "password": PASSWORD, **names}
    (folder / "dovecot.conf").write_text(_CONFIG.format(**values), "utf-8")
    folder.chmod(0o755)
    for part in ("mail", "mail/cur", "mail/new", "mail/tmp", "state"):
        (folder / part).mkdir()
        os.chown(folder / part, uid, gid)


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
