"""`roundsman field …` as cyclopts reads it, the paperwork: forms, surveys, complaints, trainings; all of its commands together."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from model.text import Text
from roundsman import field_planned, field_staff
from roundsman.field_commands import USUAL, Act, Paper, Place, Ticket, app, teller

form = App(name="form", help="The forms that the contract names. 合同表单。")
survey = App(name="survey", help="What customers think of the service. 满意度。")
complaint = App(name="complaint", help="Complaints and suggestions with their answers. 投诉与建议。")
training = App(name="training", help="Trainings and how people were assessed. 培训与考核。")
REGISTERED = (field_staff, field_planned)  # importing them hangs their commands into `app`
for one in (form, survey, complaint, training):
    app.command(one)

Customer = Annotated[str | None, Parameter(help="Of one customer. 仅此客户。")]
Values = Annotated[tuple[str, ...], Parameter(help="field=words, again for each. 字段=内容。")]


@form.command(name="list")
def form_list(*, ticket: Ticket = None, customer: Customer = None, act: Act = USUAL) -> int:
    """Forms that were filled in. 已填表单。"""
    from desk import filing
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [field_show.form(room, f) for f in filing.listed(room.conn, ticket=ticket, customer=customer)],
    )


@form.command(name="missing")
def form_missing(ticket: str, /, *, act: Act = USUAL) -> int:
    """What the contract asks for and nobody filled in yet. 待填表单。"""
    from desk import filing
    from roundsman import field, field_show

    return field.show(teller(act), lambda room: [field_show.rule(f) for f in filing.missing(room.conn, ticket)])


@form.command(name="blank")
def form_blank(ticket: str, form: str, /, *, act: Act = USUAL) -> int:
    """A form's fields with what is known already. 表单字段与已知内容。"""
    import desk.store as desk
    from desk import forms
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        held = desk.ticket(room.conn, ticket)
        policy = desk.policy(room.conn, held)
        rule = forms.named(policy, form)
        ledger = desk.ledger(room.conn, ticket)
        return field_show.blank(rule, forms.prefilled(rule, policy, held, ledger, room.inventory))

    return field.show(teller(act), do)


@form.command(name="fill")
def form_fill(
    form: str,
    /,
    *,
    ticket: Ticket = None,
    place: Place = None,
    value: Values = (),
    satisfaction: Annotated[str | None, Parameter(help="satisfied 满意, fair 一般, dissatisfied 不满意")] = None,
    signer: Annotated[str | None, Parameter(help="Who of the customer signed. 客户签字人。")] = None,
    file: Paper = None,
    act: Act = USUAL,
) -> int:
    """Fill a form in; it goes into the ticket. 填写表单。"""
    from desk import filing
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        of = room.subject(ticket, place)
        at = room.at(of.site)
        done = filing.fill(
            room.conn,
            room.documents,
            room.policy(of),
            form,
            field.pairs(value),
            room.who,
            at,
            room.now,
            of=of,
            satisfaction=satisfaction,
            signer=signer,
            signed_document=room.keep(file, of, at),
        )
        return [field_show.form(room, done)]

    return field.work(teller(act), do)


@form.command(name="correct")
def form_correct(id: str, why: str, /, *, value: Values = (), act: Act = USUAL) -> int:
    """Other words for some fields, beside the first ones. 更正表单。"""
    from desk import filing
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        done = filing.correct(room.conn, id, field.pairs(value), why, room.who, room.now)
        return [field_show.form(room, done)]

    return field.work(teller(act), do)


@survey.command(name="record")
def survey_record(
    grade: str,
    words: str = "",
    /,
    *,
    ticket: Ticket = None,
    place: Place = None,
    by: Annotated[str | None, Parameter(help="Who of the customer said so. 答复人。")] = None,
    about: Annotated[tuple[str, ...], Parameter(help="personnel=…, again for each that was asked. 分项。")] = (),
    act: Act = USUAL,
) -> int:
    """What the customer thinks: satisfied 满意, fair 一般, dissatisfied 不满意. 登记满意度。"""
    from desk import surveys
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        of = room.subject(ticket, place)
        at = room.at(of.site)
        told = field.pairs(about)
        held = surveys.record(
            room.conn, room.policy(of), grade, words, room.who, at, room.now, of=of, by=by, about=told
        )
        return [field_show.survey(room, held)]

    return field.work(teller(act), do)


@survey.command(name="list")
def survey_list(*, ticket: Ticket = None, customer: Customer = None, act: Act = USUAL) -> int:
    """All answers. 满意度列表。"""
    from desk import surveys
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [field_show.survey(room, s) for s in surveys.listed(room.conn, ticket=ticket, customer=customer)],
    )


@survey.command(name="summary")
def survey_summary(
    *,
    customer: Customer = None,
    since: Annotated[str | None, Parameter(help="First day, ISO, else from the first answer on. 起始日期。")] = None,
    until: Annotated[str | None, Parameter(help="The day after the last, else now. 截止日期。")] = None,
    act: Act = USUAL,
) -> int:
    """So many answers of each grade. 满意度汇总。"""
    from desk import surveys
    from desk.forms import GRADES
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        start, end = room.time(since, None) or 0, room.time(until, None) or room.now + 1
        found = surveys.summary(surveys.listed(room.conn, customer=customer), start, end)
        told = {GRADES.get(g, Text(g, g)): n for g, n in found.by_grade.items()}
        share = "–" if found.share is None else f"{found.share:.0%}"
        line = Text(
            f"{found.answers} answers, {share} satisfied; " + ", ".join(f"{t.en} {n}" for t, n in told.items()),
            f"{found.answers} 份，满意率 {share}；" + "，".join(f"{t.zh} {n}" for t, n in told.items()),
        )
        return [(field.plain(found), line)]

    return field.show(teller(act), do)


@complaint.command(name="open")
def complaint_open(
    kind: Literal["complaint", "suggestion"],
    words: str,
    /,
    *,
    ticket: Ticket = None,
    place: Place = None,
    by: Annotated[str | None, Parameter(help="Who of the customer. 提出人。")] = None,
    act: Act = USUAL,
) -> int:
    """Take one in. 登记投诉或建议。"""
    from desk import complaints
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        of = room.subject(ticket, place)
        held = complaints.open_one(room.conn, kind, words, room.who, room.at(of.site), room.now, of=of, by=by)
        return [field_show.complaint(room, held)]

    return field.work(teller(act), do)


@complaint.command(name="step")
def complaint_step(
    id: str,
    state: Literal["answered", "reported", "settled"],
    words: str,
    /,
    *,
    to: Annotated[str | None, Parameter(help="With reported: the department. 上报部门。")] = None,
    act: Act = USUAL,
) -> int:
    """Answer it, report it to a department, or settle it. 答复、上报或解决。"""
    from desk import complaints
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        at = room.at(field_show.subject_of(room, "complaint", id).site)
        held = complaints.step(room.conn, id, state, words, room.who, at, room.now, to=to)
        return [field_show.complaint(room, held)]

    return field.work(teller(act), do)


@complaint.command(name="list")
def complaint_list(
    *,
    customer: Customer = None,
    all: Annotated[bool, Parameter(name="--all", negative="", help="Settled ones too. 含已解决。")] = False,
    act: Act = USUAL,
) -> int:
    """Those that are open, with their age. 未解决的投诉与建议。"""
    from desk import complaints
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [
            field_show.complaint(room, c) for c in complaints.listed(room.conn, customer=customer, open_only=not all)
        ],
    )


@training.command(name="hold")
def training_hold(
    title: str,
    trainer: str,
    *people: str,
    stage: Annotated[tuple[str, ...], Parameter(help="Again for each. 阶段。")] = ("training",),
    place: Place = None,
    file: Paper = None,
    act: Act = USUAL,
) -> int:
    """A training was held for these people. 登记培训。"""
    from desk import training as held_trainings
    from desk.lines import Subject
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        of = room.subject(None, place) if place else Subject()
        at = room.at(of.site)
        paper = room.keep(file, of, at)
        made = held_trainings.hold(
            room.conn, title, trainer, people, room.who, at, room.now, of=of, stages=stage, document=paper
        )
        return [field_show.training(room, made)]

    return field.work(teller(act), do)


@training.command(name="assess")
def training_assess(
    id: str,
    person: str,
    result: Literal["passed", "failed"],
    /,
    *,
    stage: str | None = None,
    score: float | None = None,
    act: Act = USUAL,
) -> int:
    """How somebody did in a stage; again if need be. 登记考核。"""
    from desk import training as held_trainings
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        at = room.at(field_show.subject_of(room, "training", id).site)
        made = held_trainings.assess(
            room.conn,
            id,
            person,
            result == "passed",
            room.who,
            at,
            room.now,
            stage=stage,
            score=score,
            remark=act.text,
        )
        return [field_show.training(room, made)]

    return field.work(teller(act), do)


@training.command(name="list")
def training_list(*, customer: Customer = None, act: Act = USUAL) -> int:
    """Trainings with their results. 培训列表。"""
    from desk import training as held_trainings
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [field_show.training(room, t) for t in held_trainings.listed(room.conn, customer=customer)],
    )


__all__ = ["app"]
