"""Migrations say what an operator has to know, and nothing else."""

import logging

import pytest

from caddy_shopping.contexts.products.module import schema
from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database

NAMED = "Name 'products_alembic_version_pkc' ignored for PRIMARY key."
UNCHECKED = "tidb_enable_check_constraint is off"


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_migration_warns_of_nothing(scratch_database: Database, caplog: pytest.LogCaptureFixture) -> None:
    await migrate.upgrade(scratch_database, schema)
    assert said(caplog) == []


def test_only_what_is_known_stays_unsaid(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("asyncmy")
    with migrate.known_notes_unsaid():
        for note in (NAMED, UNCHECKED, "Data truncated for column 'price'"):
            log.warning(note)
    assert said(caplog) == ["Data truncated for column 'price'"]
    # Negative control: outside, the same is said.
    log.warning(NAMED)
    assert said(caplog)[1:] == [NAMED]
