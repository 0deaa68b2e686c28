"""What solved tickets teach: proposed, accepted by a person, found again; nothing unaccepted is ever found."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from desk import faq, reports
from desk.faq import ACCEPTED, PROPOSED, REJECTED, FaqRefused
from model.text import Text
from tests.desk.paper.stories import END, alert, case, outage
from tests.desk.stage import DAY, HOUR, T0, incident, inventory


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fans and batteries FAILED", ["fan", "battery", "failed"]),
        ("the bus is less", ["bus", "less"]),
        ("电池开路", ["电池", "池开", "开路"]),
        ("更换 12V18Ah 电池", ["12v18ah", "更换", "电池"]),
        ("坏", ["坏"]),
        ("", []),
        ("—，。!", []),
    ],
)
def test_words_are_cut_alike_when_kept_and_when_looked_for(text: str, words: list[str]) -> None:
    assert sorted(faq.tokens(text)) == sorted(words)


def test_a_solved_ticket_proposes_one_entry_once(conn: sa.Connection) -> None:
    id = outage(conn)
    made = reports.propose(conn, inventory(), id, END + HOUR)
    assert made is not None
    assert (made.state, made.failure_mode, made.model, made.part) == (
        PROPOSED,
        "battery.open_block",
        "UPS2000",
        "12V18Ah",
    )
    assert made.cause == Text("block 7 is open", "第 7 节电池开路")
    assert [s.zh for s in made.steps] == ["更换第 7 节电池", "故障已排除"]
    assert reports.propose(conn, inventory(), id, END + DAY) is None
    assert [i.id for i in faq.listed(conn)] == [made.id]


def test_an_undiagnosed_ticket_teaches_nothing(conn: sa.Connection) -> None:
    from desk import store

    [id] = store.apply(conn, [incident("sz/sw-1", "device")], inventory(), T0)
    assert reports.propose(conn, inventory(), id, T0) is None


@pytest.mark.parametrize(
    "looked_for", ["open block in the batteries", "电池 开路", "battery.open_block", "更换第7节电池"]
)
def test_an_accepted_entry_is_found_by_words_of_either_language(conn: sa.Connection, looked_for: str) -> None:
    made = reports.propose(conn, inventory(), outage(conn), END)
    assert made is not None
    assert faq.find(conn, looked_for) == []
    faq.decide(conn, made.id, ACCEPTED, "wang", END)
    [hit] = faq.find(conn, looked_for)
    assert (hit.item.id, hit.item.who) == (made.id, "wang")
    assert hit.shared


def test_a_rejected_entry_is_found_no_more(conn: sa.Connection) -> None:
    made = reports.propose(conn, inventory(), outage(conn), END)
    assert made is not None
    faq.decide(conn, made.id, ACCEPTED, "wang", END)
    faq.decide(conn, made.id, REJECTED, "wang", END + 1)
    assert faq.find(conn, "电池开路", ["battery.open_block"]) == []


def test_the_same_failure_mode_comes_first_and_the_same_model_before_another(conn: sa.Connection) -> None:
    def entry(id: str, mode: str, model: str, words: str) -> None:
        item = faq.Item(
            id=id, state=PROPOSED, failure_mode=mode, model=model, ticket=id, question=Text(words, words),
            cause=Text("x", "x"), steps=(), at=1,
        )  # fmt: skip
        faq.put(conn, item)
        faq.decide(conn, id, ACCEPTED, "wang", 1)

    entry("F-words", "other", "A", "fan noise at night")
    entry("F-mode", "fan.stuck", "B", "something else")
    entry("F-model", "fan.stuck", "A", "something else")
    found = faq.find(conn, "fan noise", ["fan.stuck"], "A")
    assert [h.item.id for h in found] == ["F-model", "F-mode", "F-words"]


def test_a_person_rewords_what_they_accept(conn: sa.Connection) -> None:
    made = reports.propose(conn, inventory(), outage(conn), END)
    assert made is not None
    faq.decide(conn, made.id, ACCEPTED, "wang", END, question=Text("Runtime collapses", "续航骤降"))
    assert [h.item.question.zh for h in faq.find(conn, "续航骤降")] == ["续航骤降"]


def test_deciding_on_nothing_or_nonsense_is_refused(conn: sa.Connection) -> None:
    with pytest.raises(FaqRefused, match="no FAQ entry F-1"):
        faq.decide(conn, "F-1", ACCEPTED, "wang", 1)
    made = reports.propose(conn, inventory(), outage(conn), END)
    assert made is not None
    with pytest.raises(FaqRefused, match="accepted or rejected"):
        faq.decide(conn, made.id, "maybe", "wang", 1)


def test_the_next_case_of_its_kind_names_the_old_one(conn: sa.Connection) -> None:
    made = reports.propose(conn, inventory(), outage(conn), END)
    assert made is not None
    faq.decide(conn, made.id, ACCEPTED, "wang", END)
    later = case(conn, outage(conn, "far/ups-1", T0 + 30 * DAY), T0 + 31 * DAY)
    [told] = reports.similar_lines(conn, later)
    assert "block 7 replaced" in told.en
    first = case(conn, made.ticket)
    assert reports.similar(conn, first) == []  # a ticket is no past case of itself


def test_an_incident_about_to_open_a_ticket_is_told_of_cases_like_it(conn: sa.Connection) -> None:
    made = reports.propose(conn, inventory(), outage(conn), END)
    assert made is not None
    told = incident("far/ups-1", "battery")
    assert faq.past(conn, told, [alert().finding]) == ()
    faq.decide(conn, made.id, ACCEPTED, "wang", END)
    [found] = faq.past(conn, told, [alert().finding], "UPS2000")
    assert found.ticket == made.ticket
    assert "更换第 7 节电池" in found.why.zh


def test_hostile_words_are_words(conn: sa.Connection) -> None:
    assert faq.find(conn, "'; DROP TABLE faq; -- % _", ["' OR 1=1"], "%") == []
    assert faq.listed(conn) == []


def test_what_was_learned_stands_in_the_next_ticket_of_such_a_case_elsewhere(conn: sa.Connection) -> None:
    from desk import store

    made = reports.propose(conn, inventory(), outage(conn), END)
    assert made is not None
    faq.decide(conn, made.id, ACCEPTED, "wang", END)
    told = incident("far/ups-1", "battery", opened=END + DAY)
    [id] = store.apply(conn, [told], inventory(), END + DAY)
    opened = store.ledger(conn, id)[0].data
    assert opened["similar"] == made.ticket
    assert "更换第 7 节电池" in str(opened["similar_why_zh"])
