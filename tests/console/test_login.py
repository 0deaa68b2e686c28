"""Ways in: codes that work once, passwords, sessions that end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from console import login, passwords, store
from console.viewer import Role, Viewer
from desk.types import EntryKind

NOW = 1_795_000_000_000
HOUR = 3_600_000


@pytest.fixture
def conn() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    store.metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection


def test_a_one_time_code_works_once(conn: sa.Connection) -> None:
    code = login.one_time_code(conn, "lin", "manager", NOW)
    assert login.redeem(conn, code, NOW + 1) == "lin"
    assert login.redeem(conn, code, NOW + 2) is None


def test_a_code_ends_with_its_time_and_a_fast_clock_stretches_it(conn: sa.Connection) -> None:
    late = NOW + login.CODE_LIFE_S * 1000 + 1
    assert login.redeem(conn, login.one_time_code(conn, "lin", "manager", NOW), late) is None
    assert login.redeem(conn, login.one_time_code(conn, "lin", "manager", NOW, speed=60), late) == "lin"


def test_a_wrong_code_lets_nobody_in(conn: sa.Connection) -> None:
    login.one_time_code(conn, "lin", "manager", NOW)
    assert login.redeem(conn, "x" * 43, NOW) is None
    assert login.redeem(conn, "", NOW) is None


def test_the_database_holds_no_secret_that_opens_anything(conn: sa.Connection) -> None:
    code = login.one_time_code(conn, "lin", "manager", NOW)
    login.put_user(conn, "lin", Role.MANAGER, NOW, password="correct horse battery")
    token = login.open_session(conn, "lin", NOW)
    kept = str([conn.execute(sa.select(table)).all() for table in store.metadata.sorted_tables])
    assert all(secret not in kept for secret in (code, token, "correct horse"))


def test_a_session_lives_until_it_ends_or_is_closed(conn: sa.Connection) -> None:
    login.put_user(conn, "wei", "customer", NOW, customer="harbour", name="Wei")
    token = login.open_session(conn, "wei", NOW)
    viewer = login.viewer_of(conn, token, NOW + HOUR)
    assert viewer is not None
    assert (viewer.name, viewer.role, viewer.customer) == ("Wei", Role.CUSTOMER, "harbour")
    assert login.viewer_of(conn, token, NOW + login.SESSION_LIFE_S * 1000) is None
    login.close_session(conn, token)
    assert login.viewer_of(conn, token, NOW + HOUR) is None


def test_each_session_has_a_form_token_of_its_own(conn: sa.Connection) -> None:
    login.put_user(conn, "lin", "manager", NOW)
    viewers = [login.viewer_of(conn, login.open_session(conn, "lin", NOW), NOW) for _ in range(2)]
    assert len({viewer.csrf for viewer in viewers if viewer}) == 2


def test_a_password_fits_its_person_only(conn: sa.Connection) -> None:
    login.put_user(conn, "lin", "manager", NOW, password="correct horse battery")
    login.put_user(conn, "wei", "technician", NOW)
    assert login.password_fits(conn, "lin", "correct horse battery")
    assert not login.password_fits(conn, "lin", "correct horse batterx")
    assert not login.password_fits(conn, "wei", "")
    assert not login.password_fits(conn, "nobody", "correct horse battery")


def test_a_new_code_keeps_the_password(conn: sa.Connection) -> None:
    login.put_user(conn, "lin", "manager", NOW, password="correct horse battery")
    login.one_time_code(conn, "lin", "manager", NOW)
    assert login.password_fits(conn, "lin", "correct horse battery")


def test_a_customer_needs_a_customer_and_a_short_password_is_refused(conn: sa.Connection) -> None:
    with pytest.raises(ValueError, match="customer"):
        login.put_user(conn, "wei", "customer", NOW)
    with pytest.raises(ValueError, match="customer"):
        login.put_user(conn, "lin", "manager", NOW, customer="harbour")
    with pytest.raises(ValueError, match="at least 10"):
        passwords.make("short")
    with pytest.raises(ValueError, match="boss"):
        login.put_user(conn, "lin", "boss", NOW)


def test_a_broken_hash_fits_no_password() -> None:
    assert not passwords.matches("anything at all", "scrypt$broken")
    assert not passwords.matches("anything at all", "scrypt$16384$8$1$!$!")


def test_failed_attempts_make_wait_and_time_lets_in_again() -> None:
    attempts = login.Attempts(limit=3, window_s=60)
    for second in range(3):
        assert attempts.wait_s("lin", second) == 0
        attempts.failed("lin", second)
    assert attempts.wait_s("lin", 10) == 50
    assert attempts.wait_s("wei", 10) == 0
    assert attempts.wait_s("lin", 61) == 0


def test_the_limiter_stays_small_under_a_storm_of_names() -> None:
    attempts = login.Attempts()
    for n in range(20_000):
        attempts.failed(f"name-{n}", 0.0)
    assert len(attempts._failed) <= 10_000


def test_a_customer_sees_its_own_and_asks_tells_and_judges_only() -> None:
    wei = Viewer(login="wei", name="Wei", role=Role.CUSTOMER, customer="harbour")
    assert (wei.sees("harbour"), wei.sees("lakeside"), wei.sees("unassigned")) == (True, False, False)
    may = [EntryKind.OPENED, EntryKind.NOTE, EntryKind.SURVEYED, EntryKind.DISSATISFIED]
    assert [kind for kind in EntryKind if wei.may(kind)] == may
    assert not Viewer(login="x", name="x", role=Role.CUSTOMER).sees("")
