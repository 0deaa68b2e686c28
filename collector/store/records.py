"""Discharges and forecasts as they are kept for good, and last night's outlook on each battery.

All are written by key: the same again changes nothing, a later word of the same discharge or forecast replaces the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from analytics.battery.recorder import Discharge
from analytics.forecast import Forecast
from analytics.records import Records
from collector.store import tables as t
from collector.store.upsert import insert

_forecast = msgspec.json.Decoder(Forecast)
_discharge = msgspec.json.Decoder(Discharge)
_encoder = msgspec.json.Encoder()
_D, _F, _P = t.discharges.c, t.forecasts.c, t.prognoses.c


class DischargeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One discharge; `battery` is the identity that the inventory gave the battery then."""

    device: str
    battery: str
    record: Discharge


class Prognosis(msgspec.Struct, frozen=True, kw_only=True):
    """One battery's outlook as of `made` (ms). Days from then until its health is below 0.80; `p_below`: within the lead time."""

    device: str
    made: int
    health: float
    health_sd: float
    p_below: float
    days_p10: float
    days_p50: float
    days_p90: float
    model: str  #: what reckoned it: `core`, or `name@version`


_prognosis = msgspec.json.Decoder(Prognosis)


def put_records(conn: sa.Connection, records: Records) -> None:
    """Write what is new."""
    discharges = {
        (one.device, one.body["start"]): {
            "device": one.device,
            "start": one.body["start"],
            "end": one.body["end"],
            "battery": one.battery,
            "body": _encoder.encode(one.body).decode(),
        }
        for one in records.discharges
    }
    _upsert(conn, t.discharges, ["device", "start"], list(discharges.values()))
    put_forecasts(conn, [msgspec.convert(one, Forecast) for one in records.forecasts])


def put_forecasts(conn: sa.Connection, forecasts: Iterable[Forecast]) -> None:
    """By id: an answer replaces the open one."""
    rows = {
        one.id: {
            "id": one.id,
            "device": one.device,
            "kind": one.kind,
            "quantity": one.quantity.value,
            "made": one.made,
            "outcome": one.outcome.value,
            "body": _encoder.encode(one).decode(),
        }
        for one in forecasts
    }
    _upsert(conn, t.forecasts, ["id"], list(rows.values()))


def are_none(conn: sa.Connection) -> bool:
    """Whether nothing was ever kept here."""
    return all(conn.execute(sa.select(table).limit(1)).first() is None for table in (t.discharges, t.forecasts))


def discharges(
    conn: sa.Connection, device: str | None = None, *, batteries: bool = True, since: int | None = None
) -> Iterator[DischargeRow]:
    """The oldest first, by device; of one device when it is named, begun at `since` or later. `batteries` False: only the newest battery's."""
    query = sa.select(_D.device, _D.battery, _D.body).order_by(_D.device, _D.start)
    if device is not None:
        query = query.where(_D.device == device)
    if since is not None:
        query = query.where(_D.start >= since)
    if not batteries:
        other = t.discharges.alias()
        newest = sa.select(other.c.battery).where(other.c.device == _D.device).order_by(other.c.start.desc()).limit(1)
        query = query.where(_D.battery == newest.scalar_subquery())
    for row in conn.execute(query):
        yield DischargeRow(device=row.device, battery=row.battery, record=_discharge.decode(row.body))


def forecasts(
    conn: sa.Connection,
    *,
    device: str | None = None,
    site: str | None = None,
    quantity: str | None = None,
    limit: int | None = None,
) -> list[Forecast]:
    """The newest first. `site`: the site's own and its devices'."""
    query = sa.select(_F.body).order_by(_F.made.desc(), _F.id)
    if device is not None:
        query = query.where(_F.device == device)
    if site is not None:
        query = query.where(sa.or_(_F.device == site, _F.device.startswith(f"{site}/", autoescape=True)))
    if quantity is not None:
        query = query.where(_F.quantity == quantity)
    return [_forecast.decode(body) for body in conn.scalars(query.limit(limit))]


def relevant(conn: sa.Connection, quantity: str, since: int | None) -> list[Forecast]:
    """The open forecasts of a quantity, and all that were made at `since` or later."""
    wanted = _F.outcome == "open" if since is None else sa.or_(_F.outcome == "open", _F.made >= since)
    rows = conn.scalars(sa.select(_F.body).where(_F.quantity == quantity, wanted).order_by(_F.made))
    return [_forecast.decode(body) for body in rows]


def put_prognoses(conn: sa.Connection, found: Sequence[Prognosis]) -> None:
    """Last night's outlook in the place of the one before."""
    rows = [
        {"device": one.device, "made": one.made, "p_below": one.p_below, "body": _encoder.encode(one).decode()}
        for one in found
    ]
    _upsert(conn, t.prognoses, ["device"], rows)


def prognoses(conn: sa.Connection, device: str | None = None, limit: int | None = None) -> list[Prognosis]:
    """The most endangered first."""
    query = sa.select(_P.body).order_by(_P.p_below.desc(), _P.device).limit(limit)
    if device is not None:
        query = query.where(_P.device == device)
    return [_prognosis.decode(body) for body in conn.scalars(query)]


def _upsert(conn: sa.Connection, table: sa.Table, key: list[str], rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        put = insert(table, conn.dialect.name)
        changed = {column.name: put.excluded[column.name] for column in table.columns if column.name not in key}
        conn.execute(put.on_conflict_do_update(index_elements=key, set_=changed), list(rows))
