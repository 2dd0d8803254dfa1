"""What a refusal looks like from outside, and that it left no trace."""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.books import Row, read_only
from tests.support.furnished import running_shop
from tests.support.journey import quiet
from tests.support.shop import Answer, Shop

FIELDS = set("type title status detail instance code message timestamp path method requestId errors retryable".split())
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@contextmanager
def calm_shop(data_dir: Path) -> Iterator[Shop]:
    """A shop with the demo catalogue where nothing happens by itself while a test looks."""
    with running_shop(data_dir, {"SHOP_PRODUCTS_SWEEP_SECONDS": "3600"}) as running:
        yield running


def refused(answer: Answer, status: int, code: str, *, language: str = "en") -> Any:
    """The problem document of a refusal, once every field of it is right."""
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json", answer
    problem = answer.json
    assert problem.keys() - {"stack"} == FIELDS, problem
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["type"] == f"/api/docs/errors#{code}"
    assert problem["title"]
    assert problem["requestId"] == answer.headers["X-Request-Id"]
    assert problem["instance"] == problem["path"]
    age = datetime.now(UTC) - datetime.fromisoformat(problem["timestamp"])
    assert abs(age) < timedelta(minutes=1)
    _is_said_in(problem, language)
    return problem


def _is_said_in(problem: Any, language: str) -> None:
    texts = [problem["message"], *(error["message"] for error in problem["errors"])]
    for text in texts:
        assert text
        assert bool(_CHINESE.search(text)) is (language == "zh"), text
    assert not _CHINESE.search(problem["detail"])
    for error in problem["errors"]:
        assert error.keys() == {"pointer", "code", "message"}
        assert error["code"]


def tables(shop: Shop) -> dict[str, str]:
    """A digest of every table of the shop, but for those that keep what was answered to an Idempotency-Key."""
    with read_only(shop.data_dir) as books:
        found = books.everything()
    return {name: _digest(rows) for name, rows in found.items() if not name.endswith("_idempotency")}


def _digest(rows: Iterable[Row]) -> str:
    said = sorted(map(repr, rows))
    return hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).hexdigest()


@asynccontextmanager
async def unchanged(shop: Shop) -> AsyncIterator[None]:
    """What happens inside leaves no trace in any table; nothing else may be under way."""
    await quiet(shop)
    before = tables(shop)
    yield
    await quiet(shop)
    after = tables(shop)
    assert [name for name in after if after[name] != before.get(name)] == []
