"""`roundsman field duty …` as cyclopts reads it. What the commands do is imported when one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from model.text import Text
from roundsman.field_commands import USUAL, Act, Paper, Ticket, app, teller

if TYPE_CHECKING:
    from model.reading import Reading
    from roundsman.field import Room

duty = App(name="duty", help="Planned work: due, warned of, done, overdue. 计划内工作。")
app.command(duty)

Customer = Annotated[str | None, Parameter(help="Of one customer. 仅此客户。")]
State = Literal["scheduled", "soon", "due", "overdue", "done", "words"]


@duty.command(name="list")
def duty_list(
    *,
    customer: Customer = None,
    state: Annotated[tuple[State, ...], Parameter(help="Only in this state; again for each. 状态。")] = (),
    act: Act = USUAL,
) -> int:
    """All planned work, the most urgent first, each with its line of the contract. 计划内工作列表。"""
    from desk import duty_book
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [
            field_show.duty(s)
            for s in duty_book.standings(room.conn, room.inventory, room.now, customer=customer)
            if not state or s.state.value in state
        ],
    )


@duty.command(name="done")
def duty_done(
    key: str,
    /,
    *,
    depth: Annotated[float | None, Parameter(help="Of a discharge: share of the capacity, 0 to 1. 放电深度。")] = None,
    file: Paper = None,
    act: Act = USUAL,
) -> int:
    """It was done (--at: when). 登记完成。"""
    from desk import duty_book
    from desk.lines import Subject
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        job = duty_book.job(room.conn, room.inventory, key, room.now)
        at = room.at(job.site)
        of = Subject(customer=job.customer, site=job.site, device=job.device)
        paper = room.keep(file, of, at)
        line = duty_book.done(
            room.conn, room.inventory, key, room.who, at, room.now, depth=depth, document=paper, text=act.text
        )
        return [(field.plain(line), line.text)]

    return field.work(teller(act), do)


@duty.command(name="undo")
def duty_undo(key: str, line: int, why: str, /, *, act: Act = USUAL) -> int:
    """A done line was a mistake: it stays, and counts no more. 撤销误登。"""
    from desk import duty_book
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        made = duty_book.undo(room.conn, key, line, why, room.who, room.now)
        return [(field.plain(made), made.text)]

    return field.work(teller(act), do)


@duty.command(name="agree")
def duty_agree(key: str, every: str, /, *, act: Act = USUAL) -> int:
    """The customer wants it this often (P3M), where the contract leaves it to them. 约定周期。"""
    from desk import duty_book
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        made = duty_book.agree(room.conn, room.inventory, key, every, room.who, room.now)
        return [(field.plain(made), made.text)]

    return field.work(teller(act), do)


@duty.command(name="call")
def duty_call(*, act: Act = USUAL) -> int:
    """Call the role of each duty that became overdue, once. 逾期任务通知责任人（一次）。"""
    import desk.store as desk
    from desk import duty_book, show
    from roundsman import field
    from roundsman.speech import language

    def do(room: field.Room) -> list[field.Shown]:
        shown: list[field.Shown] = []
        for id in duty_book.call_overdue(room.conn, room.inventory, room.now):
            held = desk.ticket(room.conn, id)
            policy = desk.policy(room.conn, held)
            shown.append((show.ticket_json(held, policy), show.ticket_line(held, policy, language())))
        return shown

    return field.work(teller(act), do)


@duty.command(name="inspect")
def duty_inspect(
    key: str,
    /,
    *,
    answer: Annotated[tuple[str, ...], Parameter(help="number=words, again for each item. 序号=结果。")] = (),
    act: Act = USUAL,
) -> int:
    """The items as telemetry fills them; with --answer, record the inspection. 巡检项目与登记。"""
    from desk import duty_book, inspecting, inspection
    from roundsman import field, field_show

    def look(room: field.Room) -> list[field.Shown]:
        job = duty_book.job(room.conn, room.inventory, key, room.now)
        items = inspection.prefill(job.duty, _newest(room, inspecting.devices_of(job, room.inventory)), room.now)
        return [field_show.item(item) for item in items]

    def record(room: field.Room) -> list[field.Shown]:
        job = duty_book.job(room.conn, room.inventory, key, room.now)
        said = {int(n): words for n, words in field.pairs(answer).items() if n.isdigit()}
        at = room.at(job.site)
        readings = _newest(room, inspecting.devices_of(job, room.inventory))
        line = inspecting.record(room.conn, room.documents, room.inventory, key, readings, said, room.who, at, room.now)
        return [(field.plain(line), Text(f"{line.id}: {line.text.en}", f"{line.id}：{line.text.zh}"))]

    return field.work(teller(act), record) if answer else field.show(teller(act), look)


@duty.command(name="discharge")
def duty_discharge(key: str, /, *, ticket: Ticket = None, act: Act = USUAL) -> int:
    """May this battery be discharged now? Consent, runtime and load; nothing is begun. Exit 3 when not. 可否放电。"""
    from desk import duty_book, inspection
    from desk.consent import Refusal, permitted
    from desk.lines import FieldRefused, Subject
    from roundsman import field

    answer: list[bool] = []

    def do(room: field.Room) -> list[field.Shown]:
        job = duty_book.job(room.conn, room.inventory, key, room.now)
        if job.device is None or job.duty.min_depth is None:
            raise FieldRefused(Text(f"{key} is no discharge of a device", f"{key} 不是某台设备的放电任务"))
        policy = room.policy(Subject(customer=job.customer, site=job.site, device=job.device))
        held = permitted(room.conn, ticket or job.device, "equipment", room.now, device=job.device, policy=policy)
        refused = held.text if isinstance(held, Refusal) else None
        why = inspection.against_discharge(job.duty.min_depth, _newest(room, [job.device]), room.now, refused)
        answer.append(not why)
        json = {"duty": key, "device": job.device, "permitted": not why, "against": field.plain(why)}
        if not why:
            return [(json, Text(f"{job.device}: nothing speaks against it", f"{job.device}：无反对理由"))]
        told = Text("; ".join(t.en for t in why), "；".join(t.zh for t in why))
        return [(json, Text(f"{job.device}: not now: {told.en}", f"{job.device}：暂不可放电：{told.zh}"))]

    return field.show(teller(act), do) or (0 if answer[0] else 3)


@duty.command(name="discharges")
def duty_discharges(
    *,
    days: Annotated[int, Parameter(help="Look back so far. 回看天数。")] = 30,
    act: Act = USUAL,
) -> int:
    """Count the natural discharges that telemetry saw and that were deep enough. 登记遥测到的自然放电。"""
    from desk import field_watch
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        devices = field_watch.wanted(room.conn, room.inventory, room.now)
        with room.history() as history:

            def series(device: str, point: str, start: int, end: int) -> list[tuple[int, float]]:
                held = history.range((device, point, None), start, end)
                return list(zip(held.at, held.value, strict=True))

            spans = field_watch.spans(devices, series, room.now - days * 86_400_000, room.now)
            found = field_watch.discharges(devices, spans, series)
        lines = field_watch.count(room.conn, room.inventory, found, room.now)
        return [
            (field.plain(line), f"{line.device}  {room.wall(line.at, line.site)}  {line.data['depth']:.0%}")
            for line in lines
        ]

    return field.work(teller(act), do)


def _newest(room: Room, devices: list[str]) -> list[Reading]:
    with room.history() as history:
        return [reading for device in devices for reading in history.latest(device)]
