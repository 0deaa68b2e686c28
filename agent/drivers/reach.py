"""Whether a host answers at all: for gear that has nothing else to say.

    icmp://192.0.2.9          one echo request and its reply
    tcp://192.0.2.9:443       a connection made, and given up at once

Two points: `device.reachable`, and `device.round_trip`, the time that it took. There is no profile: nothing is laid
out on this wire. A host that does not answer is `device.reachable` 0 beside the gap of the whole device.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.address import DeviceUrl
from agent.drivers import settle
from agent.drivers.exchange import Exchange, Failure, Reach, Reached, Request, Sample
from agent.profiles.form import Profile, Tier
from model.points import POINTS, plausible
from model.reading import GapCause

REACHABLE, ROUND_TRIP = "device.reachable", "device.round_trip"
#: What stands in for a profile.
PROFILE = Profile(
    id="reach", driver="reach", title=("Reachability", "网络可达性"), source="RFC 792, RFC 4443, RFC 9293"
)


def plan(_profile: Profile, _url: DeviceUrl, _tier: Tier) -> list[Request]:
    """One request, whatever is wanted: a slower turn, too, must see whether the host is there."""
    return [Reach()]


def narrow(_profile: Profile, _url: DeviceUrl, _tier: Tier, _refused: Request) -> list[Request]:
    """There is nothing smaller."""
    return []


def read(_profile: Profile, url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """The two points, with the status only."""
    if tier is not Tier.STATUS:
        return []
    return [sample for exchange in exchanges for sample in _samples(exchange, url.text)]


def _samples(exchange: Exchange, where: str) -> list[Sample]:
    at, answer = exchange.at, exchange.answer
    if isinstance(answer, Reached):
        shown = f"{answer.round_trip_s * 1000:.3f} ms"
        value = round(answer.round_trip_s, 6)
        if plausible(POINTS[ROUND_TRIP], value):
            return [
                Sample(point=REACHABLE, index=None, at=at, value=1.0, where=where, raw=shown),
                Sample(point=ROUND_TRIP, index=None, at=at, value=value, where=where, raw=shown),
            ]
    if isinstance(answer, Failure) and answer.cause is GapCause.NO_ANSWER:
        return [Sample(point=REACHABLE, index=None, at=at, value=0.0, where=where, raw=answer.raw)]
    failure = answer if isinstance(answer, Failure) else Failure(cause=GapCause.NOT_SUPPORTED, raw="no such answer")
    return [settle.gap(REACHABLE, None, at, where, failure.raw, failure.cause)]
