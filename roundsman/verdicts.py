"""A verdict of commissioning as a technician reads it, and as a script does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from agent.commissioning import Judgement, Plate, Record, Verdict
from model.text import Language, Text


def plate_of(text: str) -> Plate | None:
    """`va=6000,blocks=16`: what a person read on the device. None when it is no such thing."""
    given: dict[str, str] = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    if text and len(given) != len(text.split(",")):
        return None
    try:
        return msgspec.convert(given, Plate, strict=False) if not given.keys() - set(Plate.__struct_fields__) else None
    except msgspec.ValidationError:
        return None


def verdict_lines(judged: Judgement, kept: Record, said: Language) -> Iterator[str]:
    """The verdict and what does not fit, for a technician."""
    zh = said == "zh"
    count = Counter(one.verdict for one in judged.points)
    parts = ", ".join(f"{VERDICTS[verdict][said]} {count[verdict]}" for verdict in Verdict if count[verdict])
    yield ""
    yield f"{'验收' if zh else 'Commissioning'}: {VERDICTS[judged.verdict][said]} ({parts})"
    for one in judged.findings:
        name = one.point if one.index is None else f"{one.point}#{one.index}"
        yield f"  {VERDICTS[one.verdict][said]} {name}: {'应为' if zh else 'expected'} {one.expected[said]}, {'实为' if zh else 'got'} {one.got} ({'原始值' if zh else 'raw'} {one.raw or '—'}, {one.where or '—'})"
        for remedy in one.remedies:
            yield f"    {'可能' if zh else 'would fit'}: {remedy.words[said]}"
    yield f"  {'配置' if zh else 'profile'} {kept.profile or '—'} sha256 {kept.profile_sha256[:12]}, {'固件' if zh else 'firmware'} {kept.firmware or '—'}, {kept.signature}"


def verdict_json(judged: Judgement, kept: Record) -> dict[str, object]:
    """The same for a script: one object, beside the lines of the points."""
    findings = [
        {
            "point": one.point,
            "index": one.index,
            "verdict": one.verdict.value,
            "expected": one.expected.en,
            "got": one.got,
            "raw": one.raw,
            "where": one.where,
            "would_fit": [
                {"slip": r.slip.value, "words": r.words.en, "value": r.value, "factor": r.factor} for r in one.remedies
            ],
        }
        for one in judged.findings
    ]
    points = [{"point": one.point, "index": one.index, "verdict": one.verdict.value} for one in judged.points]
    return {
        "verdict": judged.verdict.value,
        "findings": findings,
        "points": points,
        "at": kept.at,
        "profile": kept.profile,
        "profile_sha256": kept.profile_sha256,
        "firmware": kept.firmware,
        "signature": kept.signature,
    }


#: The verdict's line has the keys of the others, so that a script that reads all of them alike meets no surprise.
NO_POINT: dict[str, object] = {
    "point": None,
    "index": None,
    "value": None,
    "unit": "",
    "state": None,
    "where": "",
    "raw": "",
}
VERDICTS = {
    Verdict.FITS: Text("fits", "相符"),
    Verdict.UNTESTED: Text("untested", "未验证"),
    Verdict.DOUBTFUL: Text("doubtful", "存疑"),
    Verdict.WRONG: Text("wrong", "错误"),
}
A_PLATE = Text(
    "--plate: expected what stands on the device, as va=6000,w=5400,volts=230,blocks=16,ah=9,serial=…,model=…",
    "--plate：应为铭牌内容，如 va=6000,w=5400,volts=230,blocks=16,ah=9,serial=…,model=…",
)
