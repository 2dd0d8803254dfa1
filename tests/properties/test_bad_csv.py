"""Files that are no product CSV: a clear line about each, quickly, and the catalogue as it was."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.support.refusals import tables
from tests.support.shop import ForkedShop, Shop

HEADER = "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty\n"
ROW = "bad-{n},Bad {n},Co,Title,Default Title,BAD-{n},9.99,3\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with the demo catalogue, closed."""
    closed = ForkedShop(tmp_path_factory.mktemp("shop"))
    code, said = closed.run("seed")
    assert code == 0, said
    return closed


@contextmanager
def untouched(shop: Shop) -> Iterator[None]:
    before = tables(shop)
    assert any(name == "products" for name in before)
    yield
    after = tables(shop)
    assert [name for name in after if after[name] != before[name]] == []


def imported(shop: Shop, *paths: Path) -> tuple[int, str]:
    """Exit code, and what was said in lines without colours and line ends of the table's making."""
    code, said = shop.run("import-products", *map(str, paths))
    assert "Traceback" not in said
    return code, said


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


WRONG = {
    "nothing": (b"", "must name the columns of a Shopify product CSV"),
    "only blanks": (b"\n\n   \n", "must name the columns of a Shopify product CSV"),
    "no header": (ROW.format(n=1).encode(), "must name the columns of a Shopify product CSV. Missing: "),
    "another header": (b"id;name;price\n1;Teapot;9,99\n", "must name the columns of a Shopify product CSV"),
    "the header alone, twice a column": ((HEADER.strip() + ",Handle\n").encode(), "The column 'Handle' is there twice"),
    "Latin-1": (HEADER.encode() + "caf\xe9,Caf\xe9,Co,Title,x,C-1,9.99,3\n".encode("latin-1"), "is not UTF-8 text"),
    "GBK": (HEADER.encode() + "tea,中文茶壶,Co,Title,x,C-1,9.99,3\n".encode("gbk"), "is not UTF-8 text"),
    "UTF-16 without a mark": ((HEADER + ROW).encode("utf-16-le"), "must name the columns of a Shopify product CSV"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100, "is not UTF-8 text"),
    "a workbook": (b"PK\x03\x04\x14\x00\x06\x00" + b"\x00\xff" * 5000, "is not UTF-8 text"),
    "NULs": (b"\x00" * 100_000, "must name the columns of a Shopify product CSV"),
    "a page": (b"<!doctype html><title>404</title>" * 100, "must name the columns of a Shopify product CSV"),
    "NULs in a row": (HEADER.encode() + b"a\x00b,T,Co,Title,x,C-1,9.99,3\n", "holds the control character U+0000"),
    "a quote never closed": (HEADER.encode() + b'a,"T,Co,Title,x,C-1,9.99,3\n', "The quotes of this row do not match"),
    "a formula for a price": (HEADER.encode() + b"a,T,Co,Title,x,C-1,=1+1,3\n", "Variant Price"),
    "a price below zero": (HEADER.encode() + b"a,T,Co,Title,x,C-1,-1,3\n", "Variant Price"),
    "a price beyond all bounds": (HEADER.encode() + b"a,T,Co,Title,x,C-1,1e999,3\n", "Variant Price"),
    "half a piece": (HEADER.encode() + b"a,T,Co,Title,x,C-1,9.99,1.5\n", "Variant Inventory Qty"),
    "more than there is": (
        HEADER.encode() + b"a,T,Co,Title,x,C-1,9.99,%d\n" % 2**64,
        "Variant Inventory Qty",
    ),
    "too few cells": (HEADER.encode() + b"a,T\n", "The row has 2 cells and the header 8"),
    "an invisible handle": (
        HEADER.encode() + "a\u200b,T,Co,Title,x,C-1,9.99,3\n".encode(),
        "invisible character U+",
    ),
}


@pytest.fixture(scope="module")
def refusals(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is said of all the wrong files, imported by one command that leaves the catalogue as it was."""
    folder = tmp_path_factory.mktemp("wrong")
    files = [written(folder / f"{name}.csv", content) for name, (content, _) in WRONG.items()]
    with untouched(shop):
        code, output = imported(shop, *files)
    assert code == 1
    return output


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_told_what_is_wrong_with_it(refusals: str, name: str) -> None:
    (_, said) = WRONG[name]
    lines = [line for line in refusals.splitlines() if line.startswith(f"{name}.csv:")]
    assert len(lines) == 1
    assert said in lines[0]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"\x00" * 79 + b"\n", 1),
        (b'"' * 79 + b"\n", 1),
        (b"x" * 79 + b"\n", 1),
        (b"a,b,c\n", 1),
        (b",,,,,,,\n", 0),
    ],
    ids=["NULs", "quotes", "words", "cells", "blank rows, as spreadsheets leave them"],
)
def test_a_million_lines_of_garbage_end_soon(shop: Shop, tmp_path: Path, line: bytes, code: int) -> None:
    """Even behind a proper header: it gives up long before the end, and does not say so a million times."""
    garbage = written(tmp_path / "garbage.csv", HEADER.encode() + line * 1_000_000)
    with untouched(shop):
        started = monotonic()
        given, output = imported(shop, garbage)
        assert monotonic() - started < 60
    assert given == code
    assert len(output) < 200_000


def test_lines_without_end(shop: Shop, tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", b"x" * 50_000_000)
    quoted = written(tmp_path / "quoted.csv", HEADER.encode() + b'a,"' + b"y" * 50_000_000)
    with untouched(shop):
        code, output = imported(shop, one, quoted)
    assert code == 1
    assert len(output) < 10_000


def test_a_file_that_is_not_there_or_no_file(shop: Shop, tmp_path: Path) -> None:
    with untouched(shop):
        for path in (tmp_path / "missing.csv", tmp_path):
            code, said = shop.run("import-products", str(path))
            assert code == 2
            assert "Traceback" not in said


def test_good_rows_among_bad_ones_are_taken_and_each_bad_one_is_named(shop: Shop, tmp_path: Path) -> None:
    """The control: the same rows with one good one among them do change the catalogue."""
    before = tables(shop)
    bad = "bad-price,T,Co,Title,x,C-1,minus one,3\n"
    mixed = written(tmp_path / "mixed.csv", (HEADER + bad + ROW.format(n=7) + bad).encode())
    code, output = imported(shop, mixed)
    assert code == 1
    assert re.findall(r"mixed\.csv:(\d+)", output) == ["2", "4"]
    assert "3 rows: 1 taken, 2 refused" in output
    assert tables(shop)["products"] != before["products"]
