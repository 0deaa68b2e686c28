"""What the desk knows of tickets in other people's systems, and what it heard from there.

`mirrors`: their ticket for ours. `inbound`: what was heard, once each. `looks`: how far each connector has looked.
`sendings`: what may be on its way now, so that after a crash nobody repeats it before looking. `tastes`: what each
connector wants to hear.
"""

from __future__ import annotations

import sqlalchemy as sa

from desk.tables import metadata

_MS = sa.BigInteger

mirrors = sa.Table(
    "mirrors",
    metadata,
    sa.Column("connector", sa.String, primary_key=True),
    sa.Column("ticket", sa.String, sa.ForeignKey("tickets.id"), primary_key=True),
    sa.Column("external", sa.String, nullable=False),
    sa.Column("pushed", sa.String),  # the ticket state that we last set there
    sa.Column("seen", sa.String, nullable=False, default=""),  # their last change that we looked at
)
sa.Index("mirrors_external", mirrors.c.connector, mirrors.c.external)

inbound = sa.Table(
    "inbound",
    metadata,
    sa.Column("connector", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),  # their name for the event, or a Message-ID
    sa.Column("at", _MS, nullable=False),
    sa.Column("heard_at", _MS, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("ticket", sa.String),
    sa.Column("seq", sa.Integer),
    sa.Column("dropped", sa.Text),  # why it became no entry
)

looks = sa.Table(
    "looks",
    metadata,
    sa.Column("connector", sa.String, primary_key=True),
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("looked_at", _MS, nullable=False),
)

sendings = sa.Table(
    "sendings",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("began_at", _MS, nullable=False),  # real time
)

tastes = sa.Table(
    "tastes",
    metadata,
    sa.Column("connector", sa.String, primary_key=True),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("kinds", sa.Text, nullable=False),  # separated by spaces; empty for all
    sa.Column("roles", sa.Text, nullable=False),
)
