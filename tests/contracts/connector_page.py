"""What docs/connectors.md says of each connector, made from the code: `python -m tests.contracts.connector_page` prints it."""

from __future__ import annotations

import msgspec

from desk.connectors import KINDS, settings, texts
from desk.connectors.mirror import Mirror
from desk.connectors.types import Message
from desk.types import TicketState

#: Told once for all.
COMMON = Mirror.OPTIONS
_PLAIN = ("state.", "priority.")


def rows(kind: str) -> list[str]:
    """One row a setting; states and priorities have a row of their own. `common`: those that several kinds share."""
    options = KINDS[kind].options if kind in KINDS else COMMON
    found = [
        f"| `{name}` | {'**needed**' if option.default is None else f'`{option.default}`' if option.default else ''} "
        f"| {option.means.en} | {option.means.zh} |"
        for name, option in options.items()
        if not name.startswith(_PLAIN) and (kind not in KINDS or name not in COMMON)
    ]
    for head in _PLAIN:
        names = [name for name in options if name.startswith(head)]
        if names:
            mapped = " · ".join(
                f"{name.removeprefix(head)} → `{options[name].default or 'left alone'}`" for name in names
            )
            found.append(f"| `{head}…` | | {mapped} | {'对应的状态' if head == 'state.' else '对应的优先级'} |")
    return found


def sample() -> str:
    """The first text of a ticket in somebody else's system, and a comment."""
    ticket = {
        "state": TicketState.ONSITE.value,
        "level_name": {"en": "Emergency", "zh": "紧急故障"},
        "impact": "outage",
        "title": {"en": "mains failure at the pump house", "zh": "泵房市电中断"},
        "customer": "harbour",
        "site": "sz",
        "opened_at": 1_795_399_200_000,
        "next_call": {"en": "department leader", "zh": "部门负责人"},
    }
    opened = {
        "kind": "opened",
        "who": "roundsman",
        "text": {"en": "mains failure at the pump house", "zh": "泵房市电中断"},
        "data": {"serial": "SN-1"},
    }
    onsite = {"kind": "onsite", "who": "li", "text": {"en": "arrived", "zh": "已到场"}, "data": {}}
    first, second = (
        texts.said(
            Message(
                key="k",
                ticket="T-000042",
                seq=seq,
                body=msgspec.json.encode({"ticket": ticket, "entry": entry}),
            ),
            settings("webhook", "https://x/", "env:S"),
            {},
        )
        for seq, entry in ((1, opened), (7, onsite))
    )
    return f"{first.subject}\n\n{first.body}\n\n---\n\n{second.text}"


if __name__ == "__main__":
    for each in ("common", *KINDS):
        print(f"\n## {each}\n", *rows(each), sep="\n")
    print(f"\n{sample()}")
