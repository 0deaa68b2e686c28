"""The reports that contracts ask for: Guoyu's four parts, Wuhan's statement, Xinguang's six; and the clock they stop."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from desk import documents, reports, store
from desk.lines import Line
from desk.paper.fault_paper import fault_paper
from desk.paper.period import Period
from desk.paper.types import Paper, Table, Words
from desk.paper.weekly_paper import PARTS, contacts, weekly_paper
from desk.policies import load
from desk.types import ClockState, Draft, EntryKind
from model.text import Text
from tests.desk.paper.stories import END, case, entry, outage, under
from tests.desk.paper.test_prints import needs_font
from tests.desk.stage import DAY, HOUR, MINUTE, T0, incident, inventory


def table(paper: Paper, section: str) -> Table:
    blocks = next(s.blocks for s in paper.sections if s.id == section)
    return next(b for b in blocks if isinstance(b, Table))


@pytest.mark.parametrize(
    ("policy", "title", "readers", "parts"),
    [
        (
            "heilongjiang_guoyu",
            "故障处理报告",
            "客户、厂家（L109, L8）",
            ["summary", "type", "cause", "method", "loss", "prevention"],
        ),
        (
            "wuhan_jinse",
            "本次系统故障分析说明",
            "客户（L31）",
            ["summary", "type", "cause", "method", "loss", "prevention"],
        ),
        ("powerstar", "故障分析报告", "", ["summary", "type", "cause", "method", "loss", "prevention"]),
    ],
)
def test_the_contract_names_the_report_and_its_parts(
    conn: sa.Connection, policy: str, title: str, readers: str, parts: list[str]
) -> None:
    paper = fault_paper(case(conn, outage(conn, policy=policy)))
    assert paper.title.zh == title
    assert readers == next((value.zh for name, value in paper.head if name.zh == "送达"), "")
    assert [s.id for s in paper.sections] == [*parts, "evidence", "timeline", "promises"]


@needs_font
@pytest.mark.parametrize(("policy", "hours"), [("heilongjiang_guoyu", 24), ("wuhan_jinse", 72)])
def test_delivering_it_stops_the_reports_clock(conn: sa.Connection, tmp_path: Path, policy: str, hours: int) -> None:
    id = outage(conn, policy=policy)

    def clock() -> tuple[ClockState, int | None, int | None]:
        found = next(c for c in store.clocks(conn, id, END + 5 * HOUR) if c.name == "incident_report")
        return found.state, found.due_at, found.stopped_at

    assert clock() == (ClockState.RUNNING, END + hours * HOUR, None)
    report = reports.fault_analysis(case(conn, id, END + HOUR), "zh", {"loss": Text("none", "无业务损失")})
    hash = reports.deliver(conn, tmp_path, report, id, "li.wei", END + 2 * HOUR, END + 2 * HOUR)
    assert clock() == (ClockState.STOPPED, END + hours * HOUR, END + 2 * HOUR)
    found, body = documents.get(conn, tmp_path, hash, customer="harbour")
    assert body == report.pdf
    assert (found.links.ticket, found.links.device, found.who) == (id, "sz/ups-1", "li.wei")
    again = reports.deliver(conn, tmp_path, report, id, "li.wei", END + 3 * HOUR, END + 3 * HOUR)
    assert again == hash
    assert [e.data["document"] for e in store.ledger(conn, id) if e.kind is EntryKind.REPORTED] == [hash]


def test_a_part_that_nobody_knows_is_left_open_and_not_made_up(conn: sa.Connection) -> None:
    [id] = store.apply(conn, [incident("sz/ups-1", "battery")], inventory(), T0)
    paper = fault_paper(reports.case_of(conn, id, inventory(), T0 + HOUR))
    assert {i for i, w in paper.editable.items() if not w.drafted} == {"cause", "method", "loss", "prevention"}
    assert "尚未结束" in paper.editable["summary"].text.zh


def test_what_the_house_says_among_itself_is_not_in_a_customers_report(conn: sa.Connection) -> None:
    id = outage(conn)
    secret = Draft(
        at=END, who="li.wei", kind=EntryKind.ESCALATED, text=Text("manager woken", "叫醒经理"), data={"to": "m"}
    )
    store.append(conn, id, [secret], END)
    said = str(fault_paper(case(conn, id)))
    assert "manager woken" not in said
    assert "block 7 is open" in said


def test_loss_is_counted_from_the_ledger(conn: sa.Connection) -> None:
    paper = fault_paper(case(conn, outage(conn)))
    loss = next(s for s in paper.sections if s.id == "loss")
    assert "1 h 35 min" in str(loss)
    assert "12V18Ah" in str(loss)


def week(conn: sa.Connection, policy: str = "chengdu_xinguang") -> Period:
    found = load(policy)
    assert found
    start = T0 - 3 * DAY
    cases = reports.cases(conn, under(policy), T0 + 5 * DAY, start, start + 7 * DAY)
    return Period(
        start=start, end=start + 7 * DAY, tz="Asia/Shanghai", now=T0 + 5 * DAY, inventory=inventory(), policy=found, cases=tuple(cases)
    )  # fmt: skip


def test_the_weekly_report_has_its_six_parts_filled_from_the_ledgers(conn: sa.Connection) -> None:
    solved = outage(conn, policy="chengdu_xinguang")
    [open_] = store.apply(conn, [incident("sz/sw-1", "device", opened=T0)], under("chengdu_xinguang"), T0)
    plan = entry(30, EntryKind.PLANNED, "swap the switch on Friday", "周五更换交换机")
    store.append(conn, open_, [plan], T0 + HOUR)
    paper = weekly_paper(week(conn))
    assert tuple(s.id for s in paper.sections) == PARTS
    assert {row[0].en for row in table(paper, "all_problems").rows} == {solved, open_}
    [done] = table(paper, "solved_tested_confirmed_documented").rows
    assert [cell.zh for cell in done[2:]] == ["是，由遥测证明", "无记录", "无记录"]
    [used] = table(paper, "time_and_engineer_per_solved").rows
    assert (used[1].en, used[2].en) == ("1 h 35 min", "li.wei")
    [waiting] = table(paper, "unsolved_with_promised_date").rows
    assert waiting[0].en == open_
    [planned] = table(paper, "plan_per_unsolved").rows
    assert (planned[2].zh, planned[3].zh) == ("有", "周五更换交换机")
    contact = table(paper, "customer_contact").rows
    assert any("已回电" in row[2].zh for row in contact)
    assert "contact_notes" in paper.editable


def test_a_survey_and_a_form_show_as_confirmed_and_documented(conn: sa.Connection) -> None:
    id = outage(conn, policy="chengdu_xinguang")
    said = Draft(
        at=END + MINUTE, who="ann", kind=EntryKind.SURVEYED, text=Text("satisfied", "满意"), data={"grade": "satisfied"}
    )
    form = Draft(
        at=END + MINUTE, who="ann", kind=EntryKind.FORM, text=Text("form", "表单"), data={"form": "problem_record"}
    )
    store.append(conn, id, [said, form], END + MINUTE)
    [row] = table(weekly_paper(week(conn)), "solved_tested_confirmed_documented").rows
    assert [cell.zh for cell in row[3:]] == ["回访：满意", "表单"]


def test_calls_and_complaints_of_the_fields_book_are_contact_each_once(conn: sa.Connection) -> None:
    def line(kind: str, id: str, event: str, ticket: str | None = None, when: int = T0) -> Line:
        return Line(
            kind=kind, id=id, seq=1, at=when, recorded_at=when, who="ann", event=event, customer="harbour", ticket=ticket,
            text=Text(id, id),
        )  # fmt: skip

    lines = (
        line("duty", "customer_call:harbour", "done"),
        line("duty", "weekly_report:house", "done"),
        line("complaint", "B-1", "open"),
        line("survey", "S-1", "answered", "T-000001"),  # its ticket's ledger says so
        line("survey", "S-2", "answered"),
        line("complaint", "B-0", "open", when=T0 - 30 * DAY),
    )
    period = msgspec.structs.replace(week(conn), lines=lines)
    assert [e.ref for e in contacts(period)] == ["customer_call:harbour", "B-1", "S-2"]


def test_a_week_without_work_says_so(conn: sa.Connection) -> None:
    paper = weekly_paper(week(conn))
    assert [table(paper, part).rows for part in PARTS] == [()] * 6
    assert "没有联系记录" in table(paper, "customer_contact").empty.zh


def test_parts_that_the_contract_names_and_we_cannot_draft_stay_open(conn: sa.Connection) -> None:
    from desk.paper import weekly_paper as module

    block = module._open("maintenance_plan")
    assert isinstance(block, Words)
    assert not block.drafted
