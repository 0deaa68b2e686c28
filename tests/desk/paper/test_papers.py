"""The other papers: explanation for a dispute, hand-over, forms, monthly, bulletin, equipment file, handbook, inspection."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from desk import reports
from desk.forms import Filled
from desk.inspection import prefill
from desk.paper import render
from desk.paper.case import Case
from desk.paper.charts import svg
from desk.paper.explain_paper import explain_paper
from desk.paper.form_paper import UnknownForm, form_of, form_paper
from desk.paper.handover_paper import handover_paper
from desk.paper.inspection_paper import inspection_paper
from desk.paper.life_paper import Life, case_events, equipment_paper, handbook_paper
from desk.paper.monthly_paper import bulletin_paper, monthly_paper
from desk.paper.period import Period
from desk.paper.types import Choice, Paper, Room, Table
from desk.policies import load
from model.inventory import Inventory
from model.reading import Reading
from model.text import Text
from tests.desk.paper import pages
from tests.desk.paper.stories import END, case, chart, outage
from tests.desk.paper.test_prints import needs_font
from tests.desk.stage import DAY, HOUR, T0, inventory

TZ = "Asia/Shanghai"


def tables(paper: Paper, section: str) -> list[Table]:
    return [b for s in paper.sections if s.id == section for b in s.blocks if isinstance(b, Table)]


def month(conn: sa.Connection, customer: str, known: Inventory | None = None) -> Period:
    start, end, now = T0 - 5 * DAY, T0 + 5 * DAY, T0 + 6 * DAY
    cases = reports.cases(conn, known or inventory(), now, start, end, customer=customer)
    return Period(
        start=start, end=end, tz=TZ, now=now, inventory=known or inventory(), customer=customer, cases=tuple(cases)
    )


def test_the_sums_of_an_explanation_can_be_checked_by_hand(mended: Case) -> None:
    paper = explain_paper(mended)
    clocks = [s for s in paper.sections if s.id.startswith("clock-")]
    assert len(clocks) == len(mended.explained.clocks) > 2
    for section in clocks:
        [*rows, total] = tables(paper, section.id)[0].rows
        seconds = [float(row[2].en) for row in rows if row[2].en.replace(".", "").isdigit()]
        assert f"{sum(seconds):.3f} s" == total[2].en
        assert all(row[4].en for row in rows), "what each stretch began with"


def test_an_explanation_shows_the_whole_ledger_and_the_pinned_contract(mended: Case) -> None:
    paper = explain_paper(mended)
    assert len(tables(paper, "timeline")[0].rows) == len(mended.ledger)
    assert mended.ticket.policy in str(paper.head)


def test_a_handover_has_user_fault_operations_and_results(mended: Case) -> None:
    paper = handover_paper(mended)
    assert [s.id for s in paper.sections] == ["user", "fault", "evidence", "done", "ask"]
    assert "SN-1" in str(paper.sections[0])
    rows = tables(paper, "done")[0].rows
    assert [r[4].zh for r in rows][-3:] == ["之后恢复运行", "恢复运行", "恢复运行"]
    assert not paper.editable["question"].drafted


def test_a_form_is_drafted_from_the_ledger_and_leaves_room_to_sign(conn: sa.Connection) -> None:
    found = case(conn, outage(conn, policy="wuhan_jinse"))
    paper = form_paper(found, form_of(found, ""))
    blocks = paper.sections[0].blocks
    assert paper.title.zh == "服务单"
    [grades] = [b for b in blocks if isinstance(b, Choice)]
    assert ([o.zh for o in grades.options], grades.chosen) == (["满意", "一般", "不满意"], None)
    rooms = [b.label.zh for b in blocks if isinstance(b, Room)]
    assert any("采购方指定技术人员签字" in label for label in rooms)
    assert any(label == "确认" for label in rooms)
    assert "更换第 7 节电池" in str(blocks)


def test_a_filled_form_is_printed_as_it_was_filled(conn: sa.Connection) -> None:
    found = case(conn, outage(conn, policy="wuhan_jinse"))
    filled = Filled(
        id="FM-1", form="service_form", ticket=found.ticket.id, customer="harbour", site="sz", device=None, at=END,
        recorded_at=END, who="li.wei", values={"content": "换电池", "result": "好", "confirmation": "是"},
        satisfaction="fair", signer="赵工", document=None, signed_document=None, corrections=({"result": "已恢复"},),
    )  # fmt: skip
    paper = form_paper(found, form_of(found, "service_form"), filled)
    blocks = paper.sections[0].blocks
    assert [b.chosen for b in blocks if isinstance(b, Choice)] == [1]
    assert "赵工" in str(blocks)
    assert "好\\n→ 已恢复" in repr(blocks)


def test_an_unknown_form_names_those_there_are(mended: Case) -> None:
    with pytest.raises(UnknownForm) as refused:
        form_of(mended, "nonsense")
    assert "user_problem_feedback_form" in refused.value.text.zh


def test_a_months_promises_are_counted_kept_and_broken(conn: sa.Connection) -> None:
    outage(conn)
    paper = monthly_paper(month(conn, "harbour"))
    kept = {row[0].en: (row[1].en, row[2].en) for row in tables(paper, "kept")[0].rows}
    assert kept["Engineer on site"] == ("0", "1")
    assert kept["Normal operation restored"] == ("1", "0")
    assert paper.editable["summary"].text.zh.startswith("新增工单 1 张，结束 1 张，期末未结 0 张。")


@pytest.mark.parametrize("made", [monthly_paper, bulletin_paper])
def test_a_customers_paper_never_names_another_customer(conn: sa.Connection, made: object) -> None:
    outage(conn, "kul/ups-1", customer="lakeside")
    mine = outage(conn)
    paper = made(month(conn, "harbour"))  # type: ignore[operator]
    said = str(render.localised(paper, "en"))
    assert mine in said
    for word in ("kul", "lakeside", "KL"):
        assert word not in said


def life(conn: sa.Connection, **more: object) -> Life:
    found = inventory()
    cases = reports.cases(conn, found, T0 + 60 * DAY, 0, T0 + 60 * DAY, device="sz/ups-1")
    events = tuple(e for c in cases for e in case_events(c))
    told = {"cases": tuple(cases), "events": events, "charts": (chart(),), **more}
    return Life(device=found.device("sz/ups-1"), inventory=found, tz=TZ, now=T0 + 60 * DAY, **told)  # type: ignore[arg-type]


def test_an_equipment_file_has_everything_in_order(conn: sa.Connection) -> None:
    first, second = outage(conn, close=True), outage(conn, since=T0 + 30 * DAY)
    outage(conn, "far/ups-1")
    paper = equipment_paper(life(conn))
    assert [r[0].en for r in tables(paper, "cases")[0].rows] == [first, second]
    rows = tables(paper, "life")[0].rows
    times = [row[0].en for row in rows]
    assert times == sorted(times)
    assert sum("block 7 is open" in row[2].en for row in rows) == 2
    assert paper.about == {"device": "sz/ups-1", "site": "sz", "customer": "harbour"}


@pytest.mark.parametrize("close", [True, False])
def test_the_fleet_knows_which_failure_came_back(conn: sa.Connection, close: bool) -> None:
    first = outage(conn, close=close)
    assert (outage(conn, since=T0 + 30 * DAY) != first) is close  # else it is a relapse in the same ticket
    [asset] = [r for r in reports.recurring(conn, inventory(), T0 + 60 * DAY) if r.by == "asset"]
    assert (asset.of, asset.mode, asset.count, asset.days) == ("sz/ups-1", "battery.open_block", 2, (30.0,))


def test_a_handbook_has_a_chapter_for_each_device(conn: sa.Connection) -> None:
    outage(conn)
    silent = msgspec.structs.replace(life(conn), device=inventory().device("sz/sw-1"), cases=(), charts=())
    heard = life(conn, now_reads=((Text("Load", "负载"), "41 %"),))
    paper = handbook_paper("sz", [heard, silent], inventory(), TZ, T0)
    assert [s.id for s in paper.sections] == ["overview", "device-1", "device-2", "advice"]
    health = [row[1].zh for row in tables(paper, "overview")[0].rows]
    assert health == ["无未消除的发现", "没有遥测"]


def test_the_nine_points_are_filled_where_readings_reach_and_open_where_eyes_are_needed() -> None:
    policy = load("powerstar")
    assert policy
    duty = next(d for d in policy.duties if d.kind == "inspection")
    told = {"output.voltage": 220.0, "battery.voltage": 218.4, "alarm.rectifier": 1.0, "ups.temperature": 31.0}
    readings = [Reading(device="sz/ups-1", point=p, index=None, at=T0, value=v) for p, v in told.items()]
    items = prefill(duty, readings, T0 + HOUR)
    paper = inspection_paper("sz/ups-1", duty, items, inventory(), policy, T0 + HOUR, answers={8: "端子紧固，无松动"})
    assert [s.id for s in paper.sections] == ["overview", *(f"item-{n}" for n in range(1, 10)), "signatures"]
    eight = next(s for s in paper.sections if s.id == "item-8")
    assert "端子紧固，无松动" in str(eight)
    assert not any(isinstance(b, Room) for b in eight.blocks)
    six = next(s for s in paper.sections if s.id == "item-6")
    assert "218.4 V" in str(six)
    assert any(isinstance(b, Room) for b in six.blocks), "deformation and leakage need eyes"


@needs_font
def test_every_paper_prints_in_both_languages(conn: sa.Connection, tmp_path: Path) -> None:
    found = case(conn, outage(conn))
    papers = [
        explain_paper(found),
        handover_paper(found),
        form_paper(found, form_of(found, "")),
        monthly_paper(month(conn, "harbour")),
        bulletin_paper(month(conn, "harbour")),
        equipment_paper(life(conn)),
        handbook_paper("sz", [life(conn)], inventory(), TZ, T0),
    ]
    for paper in papers:
        body = render.pdf(paper, "zh")
        assert paper.title.zh.replace(" ", "") in pages.text(body, tmp_path), paper.kind
        assert paper.title.en in render.html(paper, "en")


def test_a_chart_breaks_at_gaps_and_says_when_nothing_was_heard() -> None:
    drawn = svg(chart(), "en")
    assert drawn.count('stroke="#0b5cad"') == 2  # before and after the gap
    assert drawn == svg(chart(), "en")
    empty = msgspec.structs.replace(chart(), value=tuple(None for _ in chart().at))
    assert "此时段没有读数" in svg(empty, "zh")
    odd = msgspec.structs.replace(chart(), title=Text("a<b&c", "甲<乙"), at=(T0,), value=(5.0,))
    assert "a&lt;b&amp;c" in svg(odd, "en")
    assert "<circle" in svg(odd, "en")
