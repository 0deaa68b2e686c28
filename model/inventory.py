"""Who owns what, where it stands, what feeds it, and under which contract: kept at the centre.

The agent's file holds only wires; names, contracts, ratings and topology come from here. A device that
is heard but not listed is stored, `unassigned`, under policy `default`, and shown.
"""

from __future__ import annotations

import msgspec

from model.text import Text

#: What a device's `fed_by` says when nothing stands between it and the utility.
MAINS = "mains"
UNASSIGNED = "unassigned"
#: How the id of what stands for a site's agent ends: it tells of its lines, and needs no entry here.
AGENT = "/agent"
CHEMISTRIES = ("vrla", "lithium")


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Who owns equipment and has a contract."""

    id: str
    name: Text


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place. `country` is ISO 3166 (public holidays), `tz` an IANA zone (office hours)."""

    id: str
    customer: str
    name: Text
    place: str = ""
    country: str = "CN"
    tz: str = "Asia/Shanghai"
    local: bool = True  #: a local office of the service company is near (some promises hold only there)
    generator_s: float | None = None  #: within so many seconds its generator feeds the site; None: there is none


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """`policy` is the id of a file in desk/policies; dates are ISO, `until` exclusive."""

    customer: str
    policy: str
    since: str
    until: str | None = None


class Battery(msgspec.Struct, frozen=True, kw_only=True):
    """As installed: `blocks` in all, of `block_v` V and `block_ah` Ah each, in `strings` parallel strings; seconds."""

    blocks: int
    block_v: float = 12.0
    block_ah: float
    strings: int = 1
    installed: str | None = None  #: ISO date
    runtime_s: float | None = None  #: runtime expected of the healthy battery at `runtime_load`
    runtime_load: float = 100.0  #: % load of that expectation
    chemistry: str = "vrla"  #: one of CHEMISTRIES; of a lithium one nothing is said that holds for lead only


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is `site/device`. `fed_by` is `mains`, another device's id, or None when unknown; `via` the switch through
    which it is reached, or None when nobody said (then what the switches' LLDP tables say counts)."""

    id: str
    name: Text
    kind: str = "ups"  #: ups | switch | pdu | sensor | other | agent
    model: str = ""
    serial: str = ""
    installed: str | None = None  #: ISO date; warranty counts from here
    rated_va: float | None = None
    battery: Battery | None = None
    fed_by: str | None = None
    via: str | None = None
    core: bool = False  #: if it dies, the customer's load is down
    parallel: str | None = None  #: UPSs of a site with the same word here share one load, and one of them is spare

    @property
    def site(self) -> str:
        return self.id.partition("/")[0]


class NetworkPath(msgspec.Struct, frozen=True, kw_only=True):
    """A cable between two listed devices of one site, as `device` hears it on its `port` (LLDP). Times in ms."""

    device: str
    port: str  #: the port's name where the device tells it, else its number
    number: str = ""  #: the port's number in the neighbour table (on most makes ifIndex), "" when not known
    other: str
    by: str  #: what told who `other` is: `chassis` | `name`
    since: int
    seen: int  #: last heard
    gone: int | None = None  #: when it was missing first; kept, because a dying switch is forgotten by its neighbours


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Announced work of people: on one device, or on any of the site when none is named. Times in ms, `until` exclusive."""

    id: str  #: of the visit that announces it
    site: str
    device: str | None = None
    since: int
    until: int

    def covers(self, device: str, at: int) -> bool:
        """Whether somebody may be at work on `device` at `at`."""
        mine = self.site == device.partition("/")[0] if self.device is None else self.device == device
        return mine and self.since <= at < self.until


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it, by id. `revision` rises with each import; `learned` and `works` are no part of an import."""

    revision: int = 0
    customers: dict[str, Customer] = {}
    sites: dict[str, Site] = {}
    devices: dict[str, Device] = {}
    contracts: tuple[Contract, ...] = ()
    learned: tuple[NetworkPath, ...] = ()
    works: tuple[Work, ...] = ()

    def device(self, id: str) -> Device:
        """The device, or a stand-in for one that nobody listed."""
        known = self.devices.get(id)
        if known is None and id.endswith(AGENT):
            name = self.site(id.removesuffix(AGENT)).name
            return Device(id=id, name=Text(f"Agent of {name.en}", f"{name.zh} 采集端"), kind="agent")
        return known or Device(id=id, name=Text(id, id), kind="other")

    def site(self, id: str) -> Site:
        """The site, or a stand-in of the customer `unassigned`."""
        known = self.sites.get(id)
        return known or Site(id=id, customer=UNASSIGNED, name=Text(id, id))

    def policy(self, customer: str, day: str) -> str:
        """The policy id in force for `customer` on an ISO day; `default` when there is none."""
        for contract in self.contracts:
            if contract.customer == customer and contract.since <= day and (not contract.until or day < contract.until):
                return contract.policy
        return "default"

    def work_on(self, device: str, since: int, now: int) -> Work | None:
        """The announced work within which something on `device` began at `since`, if it still goes on at `now`."""
        return next((w for w in self.works if w.covers(device, since) and w.covers(device, max(since, now))), None)

    def at_site(self, site: str) -> tuple[Device, ...]:
        """The listed devices of one site."""
        return tuple(d for d in self.devices.values() if d.site == site)
