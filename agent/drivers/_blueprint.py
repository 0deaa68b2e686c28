"""COPY ME: what a driver is, in the smallest form that runs. Delete this line and write the wire here:

    > ask                     one real frame, a ruler, the source (manual, page)
    < answer

Rules. A driver is a module with `plan`, `narrow` and `read`, pure: it opens nothing, waits for nothing and
reads no clock. `read` never raises on what a device sent; what it cannot take is a gap with a cause.

Steps: (1) copy to agent/drivers/NAME.py; (2) if no request type of `exchange.py` fits, add one there, and an
answer type; (3) write the link that carries it out in agent/links; (4) a scheme in agent/address.py and a line
in `DRIVERS` and `open_link`; (5) NAME in `DRIVERS` of agent/profiles/reading.py and a profile; (6) tests from
replies of real devices. tests/contracts finds and checks the rest by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.address import DeviceUrl
from agent.drivers import settle
from agent.drivers.exchange import Command, Exchange, Failure, Line, Request, Sample
from agent.profiles.form import Profile, Tier
from model.reading import GapCause


def plan(profile: Profile, _url: DeviceUrl, tier: Tier) -> list[Request]:
    """What to ask for the tier's rows, first what every live device answers."""
    wanted = dict.fromkeys(row.at for row in profile.rows(tier))
    return [Command(text=text, starts="", length=0) for text in wanted]


def narrow(_profile: Profile, _url: DeviceUrl, _tier: Tier, _refused: Request) -> list[Request]:
    """Smaller requests instead of one that was refused; none here."""
    return []


def read(profile: Profile, _url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """One sample for each row: a value, or why there is none."""
    replies = {e.request.text: e for e in exchanges if isinstance(e.request, Command)}
    out: list[Sample] = []
    for row in profile.rows(tier):
        exchange = replies.get(row.at)
        answer = exchange.answer if exchange else Failure(cause=GapCause.NO_ANSWER, raw="not asked")
        at = exchange.at if exchange else 0
        if isinstance(answer, Line) and answer.text.isdigit():
            raw = float(answer.text)
            out.append(settle.number(row, raw, index=row.index, at=at, where=row.at, shown=answer.text))
        elif isinstance(answer, Failure):
            out.append(settle.gap(row.point, row.index, at, row.at, answer.raw, answer.cause))
        else:
            out.append(settle.gap(row.point, row.index, at, row.at, "not digits", GapCause.GARBLED))
    return out
