"""`roundsman policy …`: contracts checked and explained from a terminal; no database is needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from desk.calendars import Place, known_zone, zone
from desk.policies import POLICIES, load
from desk.policy import Facts, Policy
from desk.policy_explain import ESCALATION, Promised, promised
from desk.policy_file import remains
from desk.policy_lint import NOTE, PolicyFinding, findings
from desk.warranty import verdict
from model.problem import Problem, unreadable
from model.text import Text
from roundsman.speech import complain, language, put, say, tell_problems

#: Within these a term or a working calendar can be added to any date.
_YEARS = range(1900, 3000)


class Wrong(Exception):
    """What the caller asked cannot be answered: said, exit 1."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def lint_files(files: Sequence[Path], as_json: bool) -> int:
    """Errors, findings and notes of each file; 1 when a file has an error, else 0: a finding is no error."""
    failed, found, notes = 0, 0, 0
    paths = files or tuple(POLICIES.values())
    for path in paths:
        policy, problems = _read(path)
        failed += tell_problems(sorted(problems, key=lambda p: p.line), as_json)
        if policy is None:
            continue
        told = findings(policy, str(path), [p.key for p in problems if p.severity == "error"])
        notes += sum(f.rule == NOTE for f in told)
        found += sum(f.rule != NOTE for f in told)
        for finding in told:
            if as_json:
                put(_finding_json(finding))
            else:
                say(finding.render(language()))
    if not as_json:
        complain(
            Text(
                f"{len(paths)} files: {failed} with errors, {found} findings, {notes} notes",
                f"{len(paths)} 个文件：{failed} 个有错误，{found} 处矛盾或空白，{notes} 条备注",
            )
        )
    return int(failed > 0)


def list_policies(as_json: bool) -> int:
    """One line a policy: id, version, name, levels worst first."""
    for id in POLICIES:
        policy = load(id)
        if policy is None:
            continue
        levels = [level.id for level in policy.levels]
        if as_json:
            name = _text(policy.name)
            put({"id": id, "version": policy.version, "name": name, "levels": levels, "source": policy.source})
        else:
            say(f"{id:<20} {policy.version}  {policy.name[language()]}: {', '.join(levels)}")
    return 0


def facts(
    *,
    remote: bool,
    kva: float | None,
    spares_on_site: bool,
    hardware: bool,
    cause_unknown: bool,
    non_stop: bool,
    disaster: bool,
    on_request: bool,
) -> Facts:
    """What the options say of the case; what is not given is not known."""
    return Facts(
        local=not remote,
        kva=kva,
        spares_on_site=spares_on_site or None,
        hardware=hardware or None,
        cause_known=False if cause_unknown else None,
        non_stop=non_stop or None,
        disaster=disaster or None,
        customer_request=on_request or None,
    )


def explain_policy(
    policy: str, level: str, at: str, given: Facts, country: str, tz: str, *, everything: bool, as_json: bool
) -> int:
    """Every promised time of a ticket opened at `at`; see docs/policies.md for the objects."""
    try:
        found = _policy(policy)
        place = _place(country, tz)
        _positive("--kva", given.kva)
        if level not in {lv.id for lv in found.levels}:
            names = ", ".join(lv.id for lv in found.levels)
            raise Wrong(
                Text(
                    f"{found.id} has no level `{level}`: expected one of {names}",
                    f"{found.id} 没有级别“{level}”：应为 {names} 之一",
                )
            )
        told = promised(found, level, _instant(at, place), place, given)
    except Wrong as error:
        complain(error.text)
        return 1
    for one in _lines(told, everything):
        if as_json:
            put(_promised_json(one, place))
        else:
            say(_promised_line(one, place))
    for doubt in dict.fromkeys(doubt for one in told for doubt in one.doubts):
        if not as_json:
            complain(doubt)
    return 0


def tell_warranty(policy: str, item: str, since: str, at: str, ah: float | None, block_v: float, as_json: bool) -> int:
    """In, out or undefined; `until` is the first day that is out."""
    try:
        found = _policy(policy)
        _positive("--ah", ah)
        _positive("--block-v", block_v)
        first, asked = _day("--since", since), _day("--at", at)
        told = verdict(found, item.replace("-", "_"), first.isoformat(), asked.isoformat(), ah, block_v)
    except Wrong as error:
        complain(error.text)
        return 1
    if as_json:
        put(
            {
                "policy": found.pin,
                "item": item,
                "verdict": told.verdict,
                "until": told.until,
                "source": told.source,
                "text": _text(told.text),
            }
        )
    else:
        say(told.text)
    return 0


def _read(path: Path) -> tuple[Policy | None, list[Problem]]:
    """What could be read, in spite of errors."""
    try:
        return remains(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        return None, [unreadable(str(path), error)]


def _policy(name: str) -> Policy:
    """A shipped policy by id, or a file."""
    path = POLICIES.get(name) or (Path(name) if name.endswith(".toml") else None)
    if path is None:
        ids = ", ".join(POLICIES)
        raise Wrong(
            Text(
                f"no policy `{name}`: expected one of {ids}, or a .toml file",
                f"没有合同“{name}”：应为 {ids} 之一或 .toml 文件",
            )
        )
    policy, problems = _read(path)
    if policy is None or any(p.severity == "error" for p in problems):
        raise Wrong(Text("\n".join(p.render("en") for p in problems), "\n".join(p.render("zh") for p in problems)))
    return policy


def _place(country: str, tz: str) -> Place:
    if not known_zone(tz):
        raise Wrong(
            Text(
                f"no time zone `{tz}`: expected an IANA name like Asia/Shanghai",
                f"没有时区“{tz}”：应为 IANA 名称，如 Asia/Shanghai",
            )
        )
    return Place(country=country.upper(), tz=tz)


def _instant(at: str, place: Place) -> int:
    """ms since 1970; a time without offset is on the site's wall."""
    try:
        moment = datetime.fromisoformat(at)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone(place.tz))
        if moment.year in _YEARS:
            return round(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise Wrong(
        Text(
            f"--at: expected ISO 8601 like 2026-11-23T10:00 or 2026-11-23T10:00+08:00, got {at!r}",
            f"--at：应为 ISO 8601，如 2026-11-23T10:00 或 2026-11-23T10:00+08:00，实为 {at!r}",
        )
    )


def _day(option: str, text: str) -> date:
    try:
        day = datetime.fromisoformat(text).date()
        if day.year in _YEARS:
            return day
    except ValueError:
        pass
    raise Wrong(
        Text(
            f"{option}: expected a date like 2026-11-23, got {text!r}",
            f"{option}：应为日期，如 2026-11-23，实为 {text!r}",
        )
    )


def _positive(option: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise Wrong(
            Text(f"{option}: expected a number above 0, got {value:g}", f"{option}：应为大于 0 的数，实为 {value:g}")
        )


def _lines(told: Iterable[Promised], everything: bool) -> Iterable[Promised]:
    for one in told:
        yield one
        if everything:
            yield from one.also


def _promised_json(one: Promised, place: Place) -> dict[str, Any]:
    """Documented in docs/policies.md: fields are added, never renamed."""
    line: dict[str, Any] = {
        "clock": one.clock,
        "target": one.target,
        "text": _text(one.text),
        "calendar": one.calendar,
        "due": _iso(one.due, place),
        "source": one.source,
        "title": _text(one.title),
        "start": one.start,
        "binding": one.binding,
        "immediate": one.immediate,
        "doubts": [_text(doubt) for doubt in one.doubts],
    }
    if one.clock == ESCALATION:
        line |= {"step": one.step, "to": one.to, "also_to": list(one.also_to), "repeat": one.repeat}
    elif one.duty is not None:
        line |= {"duty": one.duty, "times": one.times}
    else:
        line["also"] = [_promised_json(other, place) for other in one.also]
    return line


def _promised_line(one: Promised, place: Place) -> str:
    zh = language() == "zh"
    due = _iso(one.due, place)
    promise = one.target or ("immediate" if one.immediate else "—")
    name = f"{one.clock} {one.step}" if one.step else one.duty or one.clock
    words = f" “{one.text[language()]}”" if one.text else ""
    mark = "" if one.binding else "（不约束）" if zh else " (does not bind)"
    others = "".join(f"; {o.target or (o.text and o.text[language()])} ({o.source})" for o in one.also)
    also = (f" 另有{others[1:]}" if zh else f" also{others[1:]}") if others else ""
    return f"{name:<20} {promise:<10} {one.calendar:<5} {due or '—':<26} {one.title[language()]}{words}{mark} [{one.source}]{also}"


def _iso(ms: int | None, place: Place) -> str | None:
    """By the wall of the site, with its offset."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, zone(place.tz))
    return moment.isoformat(timespec="seconds" if ms % 1000 == 0 else "milliseconds")


def _text(text: Text | None) -> dict[str, str] | None:
    return {"en": text.en, "zh": text.zh} if text else None


def _finding_json(finding: PolicyFinding) -> dict[str, Any]:
    return {
        "file": finding.file,
        "line": finding.line,
        "key": finding.key,
        "severity": NOTE if finding.rule == NOTE else "finding",
        "rule": finding.rule,
        "text": _text(finding.text),
    }
