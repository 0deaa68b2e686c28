"""`commission`: the verdicts that an agent keeps of its devices, and a person's word for what it withholds."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agent.commissioner import read_records, write_records
from agent.commissioning import Record, Verdict, sign, sound
from agent.config import load
from agent.enrolment import key_of
from model.secret import SecretError
from model.text import Text
from roundsman.speech import complain, language, put, say, tell_problems
from roundsman.verdicts import VERDICTS


def commission(file: Path, device: str, *, confirm: bool, as_json: bool) -> int:
    """Show the verdicts, or confirm what is withheld of one device: the agent then takes it as it is."""
    config, problems = load(file)
    if config is None:
        return tell_problems(problems, as_json)
    place = config.spool.with_name(config.spool.name + ".commissioned")
    records = read_records(place)
    try:
        key = key_of(config)
    except SecretError:
        key = ""
    wanted = {id: one for id, one in records.items() if device in ("", id, id.partition("/")[2])}
    if not wanted:
        complain(
            Text(
                f"{place}: no verdict of {device or 'any device'} yet",
                f"{place}：尚无 {device or '任何设备'} 的验收结论",
            )
        )
        return 1
    if confirm and not device:
        complain(Text("--confirm: name the device", "--confirm：请写明设备"))
        return 2
    if confirm:
        return _confirm(place, records, next(iter(wanted)), key)
    for id, one in sorted(wanted.items()):
        if as_json:
            put({**msgspec.to_builtins(one), "signed": sound(one, key)})
        else:
            say(_line(id, one, sound(one, key)))
    return 0


def _confirm(place: Path, records: dict[str, Record], id: str, key: str) -> int:
    one = records[id]
    names = [name for name, verdict in one.points.items() if verdict is Verdict.WRONG and name not in one.confirmed]
    if not sound(one, key):
        complain(
            Text(
                f"{id}: the verdict is not signed by this agent; nothing is confirmed",
                f"{id}：结论不是本采集端签名，未确认",
            )
        )
        return 1
    if not names:
        say(Text(f"{id}: nothing is withheld", f"{id}：没有暂不采用的数值"))
        return 0
    confirmed = (*one.confirmed, *names)
    try:
        write_records(place, {**records, id: sign(msgspec.structs.replace(one, confirmed=confirmed), key)})
    except OSError as error:
        complain(f"{place}: {error.strerror or error}")
        return 1
    said = ", ".join(names)
    say(Text(f"{id}: {said} will be taken as it is from the next turn on", f"{id}：{said} 从下一轮起按原值采用"))
    return 0


def _line(id: str, one: Record, signed: bool) -> str:
    said = language()
    zh = said == "zh"
    wrong = [name for name, verdict in one.points.items() if verdict is Verdict.WRONG]
    parts = [
        f"{id}: {VERDICTS[one.verdict][said]}",
        f"{'配置' if zh else 'profile'} {one.profile or '—'} {one.profile_sha256[:12]}",
        f"{'固件' if zh else 'firmware'} {one.firmware or '—'}",
        "" if signed else ("签名不符" if zh else "signature does not fit"),
        f"{'错误' if zh else 'wrong'}: {', '.join(wrong)}" if wrong else "",
        f"{'已确认' if zh else 'confirmed'}: {', '.join(one.confirmed)}" if one.confirmed else "",
    ]
    return " · ".join(part for part in parts if part)
