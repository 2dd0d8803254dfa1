"""Migration steps for the four platform tables, called from a context's first migration."""

from alembic import op
from sqlalchemy import MetaData

from caddy_shopping.platform.db.tables import PlatformTables


def create(context: str) -> None:
    """Create outbox, inbox, idempotency and dead letters, as they were at revision 0001."""
    metadata = MetaData()
    PlatformTables.of(metadata, context)
    for table in metadata.sorted_tables:
        op.create_table(table.name, *[column._copy() for column in table.columns])
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            op.create_index(index.name, table.name, [column.name for column in index.columns])


def drop(context: str) -> None:
    """Undo `create`."""
    metadata = MetaData()
    PlatformTables.of(metadata, context)
    for table in reversed(metadata.sorted_tables):
        op.drop_table(table.name)
