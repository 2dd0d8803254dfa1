"""What callers rely on changes on purpose only: `make openapi` takes a change over, the diff shows it in review."""

import json
from pathlib import Path
from typing import Any

import pytest

from caddy_shopping.main.document import openapi_document

SNAPSHOT = Path(__file__).parent / "openapi.json"


def differences(old: Any, new: Any, pointer: str = "") -> list[str]:
    """JSON pointers (RFC 6901) to what was added, removed or changed."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for name in sorted(old.keys() | new.keys()):
            below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in old or name not in new:
                found.append(f"{'added' if name in new else 'removed'}: {below}")
            else:
                found += differences(old[name], new[name], below)
        return found
    return [] if old == new else [f"changed: {pointer}: {old!r} is {new!r} now"]


def test_the_document_is_the_one_in_the_snapshot() -> None:
    document = openapi_document()
    changed = differences(json.loads(SNAPSHOT.read_bytes()), json.loads(document))
    assert changed == [], "meant? then run `make openapi`"
    assert document == SNAPSHOT.read_bytes(), "the same content, written in another order: run `make openapi`"


@pytest.mark.parametrize(
    ("new", "found"),
    [
        ({"paths": {"/a": {"get": [1, 2]}}}, []),
        ({"paths": {"/a": {"get": [1, 3]}}}, ["changed: /paths/~1a/get: [1, 2] is [1, 3] now"]),
        ({"paths": {"/a": {}}}, ["removed: /paths/~1a/get"]),
        ({"paths": {"/a": {"get": [1, 2]}}, "tags": []}, ["added: /tags"]),
    ],
)
def test_a_difference_is_named(new: Any, found: list[str]) -> None:
    assert differences({"paths": {"/a": {"get": [1, 2]}}}, new) == found
