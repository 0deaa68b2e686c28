"""What the agent makes of a trap: whose it is, who must be asked, and what is believed when nobody answers. Pure.

A trap counts for a device when it comes from that device's address, when a v3 user of the file is bound to the device and
proved it, or when a proxy with a known community names the device (snmpTrapAddress, agent-addr). Each such trap has the
device asked at once, at most once in `NUDGE_S`: a storm costs the device no more than a quick pace.

What the trap means becomes a *last word*, if the sender proved itself: v3 with authentication, or a community that is no
secret to nobody (not `public`) from the device's own address. A last word is dropped when the device answers: with the same
value at once, with another from `SECOND_LOOK_S` on (cards tell before their tables know; till then it is asked
once more). It becomes readings, quality SUSPECT, at the time of the trap, when a turn begun after the trap gets no answer, or
when no answer spoke of it for `PATIENCE_S`. Of a trap's points those count that this device gives when it is asked, so that the
next answer supersedes them; only where it gives none, all of them.

Times: `now_s` real monotonic seconds, `now_ms` the agent's time line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from hashlib import blake2b

import msgspec

from agent.address import PUBLIC
from agent.backlog import Found
from agent.profiles import Profile, Tier
from agent.traps.meaning import Meaning, Tables
from agent.traps.message import Level, Notice
from agent.traps.settings import TrapSettings
from model.batch import Event, EventKind
from model.points import POINTS, plausible
from model.reading import Gap, GapCause, Quality, Reading

#: Real seconds.
NUDGE_S = 2.0
SECOND_LOOK_S = 2.0
PATIENCE_S = 20.0
#: The same trap again within this is counted with the next one that is told.
FOLD_S = 10.0
MOST_FOLDS = 2000
MOST_WORDS_A_DEVICE = 200
MOST_TEXT = 1500


class Whose(StrEnum):
    """Why a trap is, or is not, taken as a device's own word."""

    PROVED = "proved"
    PUBLIC = "public_community"
    NO_PROOF = "no_proof"
    BY_PROXY = "by_proxy"
    SHARED = "shared_address"
    NOBODY = "no_device"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the agent's file, as far as traps care."""

    id: str
    host: str
    snmp: bool
    community: str = ""  #: the reference in its URL
    profile: Profile | None = None


class Nudge(msgspec.Struct, frozen=True, kw_only=True):
    """Ask `device` for `tier` by `due` (real monotonic seconds)."""

    device: str
    tier: Tier
    due: float


class Outcome(msgspec.Struct, kw_only=True):
    """What is to be done now."""

    found: list[Found] = []
    nudges: list[Nudge] = []


class TrapCounts(msgspec.Struct, kw_only=True):
    """Traps since the agent started, for its status and metrics (`traps.NAME`). `lost` (in the kernel) and `dropped` never reached the decoder;
    `folded` were told with another."""

    received: int = 0
    lost: int = 0
    dropped: int = 0
    garbled: int = 0
    unknown_source: int = 0
    unauthenticated: int = 0
    informs: int = 0
    unheard: int = 0
    told: int = 0
    folded: int = 0
    nudges: int = 0
    last_words: int = 0  #: readings made of traps, because the device did not answer
    restarts: int = 0  #: of the receiver


class _Word(msgspec.Struct, kw_only=True):
    """What a trap said of one series, and when."""

    value: float
    at_ms: int
    at_s: float
    group: tuple[str, ...]  #: the points of the same trap


class _Fold(msgspec.Struct, kw_only=True):
    """When a trap was told, and how many of the same came since."""

    at_s: float
    more: int = 0


class _Device(msgspec.Struct, kw_only=True):
    known: Known
    nudged_s: float = float("-inf")
    gives: set[str] = set()
    seen: set[Tier] = set()
    words: dict[tuple[str, str | None], _Word] = {}


class Desk:
    """The traps of one agent. State in memory only: a restart asks everything anyway."""

    def __init__(self, settings: TrapSettings, devices: Sequence[Known], tables: Tables) -> None:
        self.counts = TrapCounts()
        self._tables = tables
        self._own = settings.communities
        self._users = {user.name: user.device for user in settings.users}
        self._devices = {one.id: _Device(known=one) for one in devices}
        self._waiting: set[str] = set()  #: devices with last words
        self._folds: dict[bytes, _Fold] = {}  #: by a digest of what was said; the one met longest ago first

    def heard(self, notice: Notice, now_s: float, now_ms: int) -> Outcome:
        """A trap that the receiver let through."""
        devices, whose = self.whose(notice)
        outcome = Outcome()
        for id in devices:
            device = self._devices[id]
            meaning = self._tables.meaning(notice.oid, notice.binds, device.known.profile)
            self._nudge(device, meaning.asks, now_s, outcome)
            folded = self._folded(id, notice, whose, now_s)
            if folded is not None:
                outcome.found.append(_event(id, notice, meaning, whose, folded, now_ms))
                self.counts.told += 1
            if whose is Whose.PROVED:
                self._keep(device, meaning, now_s, now_ms)
        return outcome

    def looked(self, id: str, tier: Tier, found: Iterable[Found], began_s: float, now_s: float) -> Outcome:
        """A turn of a device ended: what it brought settles last words, and shows what the device gives."""
        device = self._devices.get(id)
        outcome = Outcome()
        if device is None or (tier in device.seen and id not in self._waiting):
            return outcome
        found = list(found)
        silent = any(isinstance(one, Gap) and one.point is None for one in found)
        if not silent:
            device.seen.add(tier)
            device.gives.update(_given(found))
        if not device.words:
            return outcome
        if silent:
            spoken = [key for key, word in device.words.items() if word.at_s <= began_s]
            self._speak(device, spoken, outcome)
        else:
            self._settle(device, found, began_s, now_s, outcome)
        return outcome

    def tick(self, now_s: float) -> Outcome:
        """Once a second or so: last words of which no answer spoke."""
        outcome = Outcome()
        for id in list(self._waiting):
            device = self._devices[id]
            self._speak(device, [key for key, w in device.words.items() if now_s - w.at_s >= PATIENCE_S], outcome)
        return outcome

    def whose(self, notice: Notice) -> tuple[tuple[str, ...], Whose]:
        """The devices that a trap is of, and how sure that is."""
        proved = notice.level in (Level.AUTH, Level.AUTH_PRIV)
        bound = self._users.get(notice.user, "") if proved else ""
        if bound in self._devices:
            return (bound,), Whose.PROVED
        here = self._at(notice.hosts)
        if len(here) > 1 and any(self._bears(one, notice) for one in here):
            here = [one for one in here if self._bears(one, notice)]
        if not here:
            proxied = self._at(notice.via) if proved or notice.proofs else []
            return tuple(one.id for one in proxied), Whose.BY_PROXY if proxied else Whose.NOBODY
        ids = tuple(one.id for one in here)
        if len(here) > 1:
            return ids, Whose.SHARED
        if proved or self._bears(here[0], notice) or any(one in self._own for one in notice.proofs if one != PUBLIC):
            return ids, Whose.PROVED
        return ids, Whose.PUBLIC if PUBLIC in notice.proofs else Whose.NO_PROOF

    def _bears(self, known: Known, notice: Notice) -> bool:
        return known.community != PUBLIC and known.community in notice.proofs

    def _at(self, hosts: Iterable[str]) -> list[Known]:
        """The devices at these hosts: those that speak SNMP, else the only one there (a card beside its Modbus port)."""
        wanted = set(hosts)
        here = [device.known for device in self._devices.values() if device.known.host in wanted]
        return [one for one in here if one.snmp] or (here if len(here) == 1 else [])

    def _nudge(self, device: _Device, asks: Iterable[Tier], now_s: float, outcome: Outcome) -> None:
        if device.nudged_s <= now_s:  # else a turn is due that will tell of this trap too
            device.nudged_s = max(now_s, device.nudged_s + NUDGE_S)
            self.counts.nudges += 1
        outcome.nudges += [Nudge(device=device.known.id, tier=tier, due=device.nudged_s) for tier in asks]

    def _folded(self, id: str, notice: Notice, whose: Whose, now_s: float) -> int | None:
        """How many of the same were not told since the last one; None when this one is not told either."""
        said = "|".join(f"{bind.oid}={bind.value}" for bind in notice.binds)
        key = blake2b(f"{id} {whose} {notice.oid} {notice.problem} {said}".encode(), digest_size=16).digest()
        known = self._folds.pop(key, None)
        if known and now_s - known.at_s < FOLD_S:
            self._folds[key] = msgspec.structs.replace(known, more=known.more + 1)
            self.counts.folded += 1
            return None
        if len(self._folds) >= MOST_FOLDS:
            del self._folds[next(iter(self._folds))]
        self._folds[key] = _Fold(at_s=now_s)
        return known.more if known else 0

    def _keep(self, device: _Device, meaning: Meaning, now_s: float, now_ms: int) -> None:
        group = tuple(point for point, _, _ in meaning.values)
        for point, index, value in meaning.values:
            if plausible(POINTS[point], value) and len(device.words) < MOST_WORDS_A_DEVICE:
                device.words[point, index] = _Word(value=value, at_ms=now_ms, at_s=now_s, group=group)
                self._waiting.add(device.known.id)

    def _settle(self, device: _Device, found: Iterable[Found], began_s: float, now_s: float, outcome: Outcome) -> None:
        """The device answered."""
        again = False
        for one in found:
            if isinstance(one, Event) or one.point is None:
                continue
            word = device.words.get((one.point, one.index))
            if word is None or word.at_s > began_s:
                continue
            if isinstance(one, Gap):
                if one.cause in (GapCause.NO_ANSWER, GapCause.GARBLED):
                    self._speak(device, [(one.point, one.index)], outcome)
            elif one.value == word.value or now_s - word.at_s >= SECOND_LOOK_S:
                del device.words[one.point, one.index]
            else:
                again = True
        if again:
            device.nudged_s = now_s + SECOND_LOOK_S
            outcome.nudges.append(Nudge(device=device.known.id, tier=Tier.STATUS, due=device.nudged_s))
        if not device.words:
            self._waiting.discard(device.known.id)

    def _speak(self, device: _Device, keys: Iterable[tuple[str, str | None]], outcome: Outcome) -> None:
        """Last words become readings."""
        for point, index in keys:
            word = device.words.pop((point, index))
            if point not in device.gives and device.gives.intersection(word.group):
                continue  # the device answers for this trap with another point, and will supersede that one
            outcome.found.append(
                Reading(
                    device=device.known.id,
                    point=point,
                    index=index,
                    at=word.at_ms,
                    value=word.value,
                    quality=Quality.SUSPECT,
                )
            )
            self.counts.last_words += 1
        if not device.words:
            self._waiting.discard(device.known.id)


def _given(found: Iterable[Found]) -> Iterable[str]:
    """The points that a device gives, now or when it is well."""
    for one in found:
        if isinstance(one, Reading) or (isinstance(one, Gap) and one.cause is not GapCause.NOT_SUPPORTED and one.point):
            yield str(one.point)


def _event(device: str, notice: Notice, meaning: Meaning, whose: Whose, folded: int, now_ms: int) -> Event:
    text = "; ".join(f"{bind.oid} = {bind.value}" for bind in notice.binds)[:MOST_TEXT]
    data: dict[str, str | int | float] = {
        "oid": notice.oid,
        "name": meaning.name,
        "source": notice.source,
        "version": notice.version,
        "security": str(notice.level),
        "whose": str(whose),
        "text": text or notice.problem,
    }
    told = {"user": notice.user, "uptime_s": notice.uptime_s, "inform": int(notice.inform), "repeats": folded}
    data.update({key: value for key, value in told.items() if value})
    return Event(kind=EventKind.TRAP, device=device, at=now_ms, data=data)
