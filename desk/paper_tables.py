"""What reports keep: documents by content, to whom they belong, and what was learned from solved tickets."""

from __future__ import annotations

import sqlalchemy as sa

from desk.tables import metadata

_MS = sa.BigInteger

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("hash", sa.String, primary_key=True),  # blake2b-256 of the bytes, hex
    sa.Column("media_type", sa.String, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("first_at", _MS, nullable=False),
)

# One file may be known under many names and belong to many tickets.
document_links = sa.Table(
    "document_links",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # of its content: told twice it is one
    sa.Column("hash", sa.String, sa.ForeignKey("documents.hash"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("at", _MS, nullable=False),
    sa.Column("ticket", sa.String),
    sa.Column("device", sa.String),
    sa.Column("site", sa.String),
    sa.Column("customer", sa.String),
)
sa.Index("document_links_hash", document_links.c.hash)
sa.Index("document_links_ticket", document_links.c.ticket)
sa.Index("document_links_device", document_links.c.device)
sa.Index("document_links_customer", document_links.c.customer, document_links.c.at)

faq = sa.Table(
    "faq",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),  # proposed | accepted | rejected
    sa.Column("failure_mode", sa.String, nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("ticket", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # JSON of desk.faq.Item
    sa.Column("changed_at", _MS, nullable=False),
)
sa.Index("faq_mode", faq.c.state, faq.c.failure_mode)
sa.Index("faq_ticket", faq.c.ticket)

# An inverted index of words: the same on every database.
faq_words = sa.Table(
    "faq_words",
    metadata,
    sa.Column("word", sa.String, primary_key=True),
    sa.Column("faq", sa.String, sa.ForeignKey("faq.id"), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)
