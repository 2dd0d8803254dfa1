"""Alembic's entry point, shared by all contexts: the caller hands over an open connection."""

from alembic import context

config = context.config
connection = config.attributes["connection"]
context.configure(
    connection=None if context.is_offline_mode() else connection,
    dialect_name=config.attributes["dialect"],
    version_table=config.attributes["version_table"],
    target_metadata=config.attributes["metadata"],
    transaction_per_migration=False,
    literal_binds=context.is_offline_mode(),
)
with context.begin_transaction():
    context.run_migrations()
