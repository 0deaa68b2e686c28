"""Request Tracker 5 and Redmine from Debian's packages, on free ports of loopback, with SQLite.

Their empty databases are made once a machine and package version, and copied for each session: 20 to 60 s the first
time, 5 to 15 s after that. Each has a user for the connector and one for a person, with a key of her own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import httpx
import msgspec

from tests.services import free_port, missing, need, running, wait_for

_START_S = 180
RT_SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
REDMINE = Path("/usr/share/redmine")


class TicketServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answers. `token` is the connector's, `person` somebody else's."""

    url: str
    token: str
    person: str
    field: str  #: the custom field for our ticket number


def _template(name: str, package: str, made_by: str) -> tuple[Path, bool]:
    """Where the empty database of this package version and `made_by` is kept, and whether it is there."""
    found = subprocess.run(
        ["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=False
    ).stdout
    if not found:
        missing(f"Debian package {package} is not installed: tests/services/install.sh installs it")
    safe = re.sub(r"[^\w.]", "_", found) + f"-{crc32(made_by.encode()):08x}"
    folder = Path(tempfile.gettempdir()) / f"roundsman-tests-{os.getuid()}" / f"{name}-{safe}"
    return folder, (folder / "ready").exists()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=20, verify=False).status_code < 500
    except httpx.HTTPError:
        return False


_RT_CONFIG = """Set($rtname, 'test'); Set($Organization, 'test.invalid');
Set($WebDomain, '127.0.0.1'); Set($WebPort, {port});
Set($DatabaseType, 'SQLite'); Set($DatabaseName, '{folder}/rt.sqlite3'); Set($DatabaseUser, ''); Set($DatabasePassword, '');
Set($MasonDataDir, '{folder}/mason'); Set($MasonSessionDir, '{folder}/sessions');
Set($LogToSyslog, undef); Set($LogToSTDERR, 'error'); Set($MailCommand, 'testfile'); Set($RestrictReferrer, 0);
Set($BcryptCost, 4); # every request checks its token: at the usual cost half a second of CPU each
1;
"""
_RT_DATA = """use strict; use warnings; use lib '/usr/share/request-tracker5/lib'; use RT -init;
my $system = RT->SystemUser;
my $queue = RT::Queue->new($system); $queue->Create(Name => 'UPS');
my $field = RT::CustomField->new($system);
$field->Create(Name => 'AlertKey', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket');
$field->AddToObject(RT::Queue->new($system));
for my $name (qw(roundsman ann)) {
    my $user = RT::User->new($system);
    $user->Create(Name => $name, EmailAddress => "$name\\@test.invalid", Privileged => 1);
    $user->PrincipalObj->GrantRight(Right => $_, Object => $queue) for qw(SeeQueue ShowTicket ShowTicketComments
        CreateTicket CommentOnTicket ReplyToTicket ModifyTicket SeeCustomField ModifyCustomField);
    my $token = RT::AuthToken->new($system);
    my ($ok, $why, $secret) = $token->Create(Owner => $user->id, Description => 'tests');
    die $why unless $ok;
    print "$name=$secret\\n";
}
"""


@contextmanager
def request_tracker(folder: Path) -> Iterator[TicketServer]:
    """RT 5 with a queue UPS and a custom field AlertKey."""
    if not RT_SERVER.exists():
        missing(
            "Request Tracker 5 is not installed (rt5-standalone, rt5-db-sqlite): tests/services/install.sh installs it"
        )
    kept, ready = _template("rt", "request-tracker5", _RT_CONFIG + _RT_DATA)
    if not ready:
        _make_rt(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    port = free_port()
    env = _rt_config(folder, port)
    tokens = dict(line.split("=", 1) for line in (folder / "tokens").read_text("utf-8").split())
    command = [str(RT_SERVER), "--host", "127.0.0.1", "--port", str(port), "--max-workers", "2"]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "rt.log", env=env) as child:
        wait_for(lambda: child.poll() is not None or _answers(f"{url}/REST/2.0/rt"), _START_S, "Request Tracker")
        yield TicketServer(url=url, token=tokens["roundsman"], person=tokens["ann"], field="AlertKey")


def _rt_config(folder: Path, port: int) -> dict[str, str]:
    for part in ("mason", "sessions", "conf.d"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    config = folder / "RT_SiteConfig.pm"
    config.write_text(_RT_CONFIG.replace("{port}", str(port)).replace("{folder}", str(folder)), "utf-8")
    return {"RT_SITE_CONFIG": str(config), "RT_SITE_CONFIG_DIR": str(folder / "conf.d"), "LC_ALL": "C.UTF-8"}


def _make_rt(kept: Path) -> None:
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    env = {**os.environ, **_rt_config(kept, 80)}
    setup = [need("rt-setup-database-5", "request-tracker5"), "--action", "init", "--skip-create"]
    _make([*setup, "--dba", "root", "--dba-password", ""], env, kept)
    (kept / "data.pl").write_text(_RT_DATA, "utf-8")
    (kept / "tokens").write_text(_make(["perl", str(kept / "data.pl")], env, kept), "utf-8")
    (kept / "ready").touch()


_REDMINE_DATABASE = (
    "production:\n  adapter: sqlite3\n  database: {folder}/redmine.sqlite3\n  encoding: utf8\n  timeout: 15000\n"
)
_REDMINE_DATA = """Redmine::DefaultData::Loader.load('en')
Setting.rest_api_enabled = '1'
Setting.notified_events = []
project = Project.new(name: 'UPS', identifier: 'ups', is_public: false)
project.trackers = Tracker.all
project.enabled_module_names = ['issue_tracking']
project.save!
field = IssueCustomField.new(name: 'AlertKey', field_format: 'string', is_for_all: true, is_filter: true)
field.trackers = Tracker.all
field.save!
puts "TOLD field=#{field.id}"
%w[roundsman ann].each do |name|
  user = User.new(firstname: name, lastname: 'Test', mail: "#{name}@test.invalid", language: 'en')
  user.login = name
  user.password = user.password_confirmation = SecureRandom.hex(16)
  user.save!
  member = Member.new(project: project, principal: user)
  member.roles = [Role.givable.first]
  member.save!
  puts "TOLD #{name}=#{user.api_key}"
end
"""


@contextmanager
def redmine(folder: Path) -> Iterator[TicketServer]:
    """Redmine 5 with a project `ups` and a custom field AlertKey."""
    if not REDMINE.exists():
        missing("Redmine is not installed (redmine, redmine-sqlite, puma): tests/services/install.sh installs it")
    if not os.access(REDMINE / "instances", os.W_OK):
        missing("Debian's Redmine keeps its instances in a folder that only root may write: run these tests as root")
    puma = need("puma", "puma")
    kept, ready = _template("redmine", "redmine", _REDMINE_DATA)
    if not ready:
        _make_redmine(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    told = dict(line.split("=", 1) for line in (folder / "told").read_text("utf-8").split())
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [puma, "-b", f"tcp://127.0.0.1:{port}", "-e", "production", "-t", "1:4", "-w", "0", "config.ru"]
    with _instance(folder) as env, running(command, folder / "puma.log", cwd=REDMINE, env=env) as child:
        wait_for(lambda: child.poll() is not None or _answers(f"{url}/login"), _START_S, "Redmine")
        yield TicketServer(url=url, token=told["roundsman"], person=told["ann"], field=told["field"])


@contextmanager
def _instance(folder: Path) -> Iterator[dict[str, str]]:
    """Debian's Redmine finds its data by the name of an instance: a link that is there for the time of the test."""
    for part in ("config", "files", "log", "tmp/cache", "tmp/pids", "public/plugin_assets"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "config" / "database.yml").write_text(_REDMINE_DATABASE.format(folder=folder), "utf-8")
    (folder / "config" / "secret_key.txt").write_text(os.urandom(40).hex(), "utf-8")
    name = f"test-{os.getpid()}"
    link = REDMINE / "instances" / name
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    try:
        yield {"REDMINE_INSTANCE": name, "RAILS_ENV": "production", "REDMINE_LANG": "en", "LC_ALL": "C.UTF-8"}
    finally:
        link.unlink(missing_ok=True)


def _make_redmine(kept: Path) -> None:
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    (kept / "data.rb").write_text(_REDMINE_DATA, "utf-8")
    with _instance(kept) as env:
        whole = {**os.environ, **env}
        bundle = need("bundle", "redmine")
        _make([bundle, "exec", "rake", "db:migrate"], whole, kept, REDMINE)
        said = _make([bundle, "exec", "rails", "runner", str(kept / "data.rb")], whole, kept, REDMINE)
    told = [line.removeprefix("TOLD ") for line in said.splitlines() if line.startswith("TOLD ")]
    assert len(told) == 3, said[-2000:]
    (kept / "told").write_text("\n".join(told), "utf-8")
    (kept / "ready").touch()


def _make(command: list[str], env: dict[str, str], folder: Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    (folder / "made.log").write_text(done.stdout + done.stderr, "utf-8")
    assert done.returncode == 0, f"{command[0]}: {(done.stdout + done.stderr)[-2000:]}"
    return done.stdout
