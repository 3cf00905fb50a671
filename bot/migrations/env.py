"""Runs migrations on the connection that `bot.store.database.Database.upgrade` hands over."""

from alembic import context

from bot.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
