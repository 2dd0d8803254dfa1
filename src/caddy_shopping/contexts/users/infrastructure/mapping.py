"""Tells SQLAlchemy which domain classes live in which tables, so that the domain need not know."""

from sqlalchemy import inspect
from sqlalchemy.orm import registry, relationship

from caddy_shopping.contexts.users.domain.address import Address
from caddy_shopping.contexts.users.domain.user import User
from caddy_shopping.contexts.users.infrastructure import tables


def map_users() -> None:
    """Map accounts and their addresses; does nothing the second time."""
    if inspect(User, raiseerr=False) is not None:
        return
    mapper = registry(metadata=tables.metadata)
    mapper.map_imperatively(Address, tables.addresses)
    mapper.map_imperatively(
        User,
        tables.users,
        version_id_col=tables.users.c.version,
        version_id_generator=False,
        properties={
            "addresses": relationship(
                Address, lazy="raise", cascade="all, delete-orphan", order_by=tables.addresses.c.id
            )
        },
    )
