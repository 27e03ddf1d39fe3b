"""Runs migrations over the connection that `store.database` hands in; nothing else starts them."""

from alembic import context

from roomtone.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
