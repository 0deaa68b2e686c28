"""An inspection on the database: the list as telemetry fills it, a person's answers, and the duty that it fulfils."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import sqlalchemy as sa

from desk import documents, duty_book, field_sql, inspection
from desk.duties import Job
from desk.inspection import Item
from desk.lines import Data, FieldRefused, Line, Subject, not_ahead
from model.inventory import Inventory
from model.reading import Reading
from model.text import Text


def devices_of(job: Job, inventory: Inventory) -> list[str]:
    """The equipment that a duty looks at."""
    if job.device is not None:
        return [job.device]
    sites = [s.id for s in inventory.sites.values() if job.site in (None, s.id) and s.customer == job.customer]
    return sorted(d.id for site in sites for d in inventory.at_site(site))


def record(
    conn: sa.Connection,
    folder: Path | None,
    inventory: Inventory,
    key: str,
    readings: Iterable[Reading],
    answers: Mapping[int, str],
    who: str,
    at: int,
    now: int,
) -> Line:
    """Keep what was found at `at` and count the duty as done. Raises FieldRefused naming the items still open."""
    not_ahead(at, now)
    job = duty_book.job(conn, inventory, key, now)
    if not job.duty.items:
        raise FieldRefused(NO_ITEMS.format(key=key))
    items = inspection.prefill(job.duty, readings, at)
    said = inspection.answered(items, answers)
    data: Data = {"duty": key, "source": job.duty.source, "items": [_plain(item, said) for item in items]}
    body = msgspec.json.encode({**data, "at": at, "who": who}, order="deterministic")
    data["document"] = documents.hash_of(body)
    if folder is not None:
        links = documents.Links(device=job.device, site=job.site, customer=job.customer)
        documents.put(conn, folder, "inspection.json", "application/json", body, who, at, links)
    of = Subject(customer=job.customer, site=job.site, device=job.device)
    line = field_sql.begin(conn, "inspection", "N", "recorded", who, at, now, job.duty.title, of=of, data=data)
    duty_book.done(conn, inventory, key, who, at, now, document=str(data["document"]), text=line.id)
    return line


def _plain(item: Item, said: Mapping[int, str]) -> dict[str, object]:
    values = [
        {"device": v.device, "point": v.point, "index": v.index, "value": v.value, "unit": v.unit, "at": v.at}
        for v in item.values
    ]
    return {
        "number": item.number,
        "text": {"en": item.text.en, "zh": item.text.zh},
        "found": item.found.value,
        "values": values,
        "absent": list(item.absent),
        "said": said[item.number],
    }


NO_ITEMS = Text(
    "{key} has no list of items in the contract: record it with `roundsman field duty done`",
    "{key} 在合同中没有检查项目：请用 `roundsman field duty done` 登记",
)
