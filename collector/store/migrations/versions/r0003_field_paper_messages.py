"""Field service keeps a book, reports keep documents and answers, other systems' messages are remembered."""

import sqlalchemy as sa
from alembic import op

from collector.store.migrations.steps import append_only

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "faq",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failure_mode", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("faq_mode", "faq", ["state", "failure_mode"], unique=False)
    op.create_index("faq_ticket", "faq", ["ticket"], unique=False)
    op.create_table(
        "field_book",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("ticket", sa.String(), nullable=True),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "seq"),
    )
    op.create_index("field_book_customer", "field_book", ["kind", "customer"], unique=False)
    op.create_index("field_book_device", "field_book", ["kind", "device"], unique=False)
    op.create_index("field_book_recorded", "field_book", ["recorded_at"], unique=False)
    op.create_index("field_book_ticket", "field_book", ["kind", "ticket"], unique=False)
    op.create_table(
        "inbound",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("dropped", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connector", "id"),
    )
    op.create_table(
        "looks",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connector"),
    )
    op.create_table(
        "sendings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "tastes",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connector"),
    )
    op.create_table(
        "document_links",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["hash"],
            ["documents.hash"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("document_links_customer", "document_links", ["customer", "at"], unique=False)
    op.create_index("document_links_device", "document_links", ["device"], unique=False)
    op.create_index("document_links_hash", "document_links", ["hash"], unique=False)
    op.create_index("document_links_ticket", "document_links", ["ticket"], unique=False)
    op.create_table(
        "faq_words",
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("faq", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["faq"],
            ["faq.id"],
        ),
        sa.PrimaryKeyConstraint("word", "faq"),
    )
    op.create_table(
        "mirrors",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("external", sa.String(), nullable=False),
        sa.Column("pushed", sa.String(), nullable=True),
        sa.Column("seen", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket"],
            ["tickets.id"],
        ),
        sa.PrimaryKeyConstraint("connector", "ticket"),
    )
    op.create_index("mirrors_external", "mirrors", ["connector", "external"], unique=False)
    append_only("field_book")
