"""Run by Alembic: the revisions go through the connection, and the transaction, of whoever called `upgrade`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
context.run_migrations()
