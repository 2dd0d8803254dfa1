"""The books of a shop under test; the rules are the operator's own, in `main/verify/ledger`."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from caddy_shopping.main.verify.ledger import reconcile as rules
from tests.support.engine import ENGINE


def reconcile(data_dir: Path, url: str | None = None) -> list[str]:
    """Every breach in the books of the shop in `data_dir`, or at `url`. May be called where an event loop runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, rules.reconcile(url or ENGINE.url_of(data_dir))).result()


def read_only(data_dir: Path) -> sqlite3.Connection:
    """The shop's SQLite database, which this connection cannot change."""
    connection = sqlite3.connect(f"file:{data_dir / 'shop.db'}?mode=ro", uri=True, isolation_level=None, timeout=10)
    connection.row_factory = sqlite3.Row
    return connection
