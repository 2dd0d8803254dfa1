"""Bytes to records: encodings, line ends, quotes, and files that are none."""

import io
import itertools
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from caddy_shopping.contexts.products.domain.csv_errors import NotText
from caddy_shopping.contexts.products.domain.product_draft import Record, Refusal
from caddy_shopping.contexts.products.interface.csv_files import LINE_LIMIT, ROW_LIMIT, CsvFile
from tests.contexts.products.csv_support import csv_text, more, read, row

BOMS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16": b"",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32": b"",
}


def records(content: bytes) -> list[Record | Refusal]:
    return list(CsvFile(io.BytesIO(content)).records())


def lines(content: bytes) -> list[tuple[int, list[str] | str]]:
    return [(r.line, r.cells if isinstance(r, Record) else r.error.code) for r in records(content)]


@pytest.mark.parametrize("encoding", BOMS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_encoding_with_a_mark_and_every_line_end(encoding: str, line_end: str) -> None:
    content = csv_text(row(title="茶杯", body=f"one{line_end}two"), more(value="M"), line_end=line_end)
    drafts, refusals = read(BOMS[encoding] + content.encode(encoding))
    assert not refusals
    assert drafts[0].details is not None
    assert (drafts[0].details.title, drafts[0].details.description) == ("茶杯", f"one{line_end}two")
    assert drafts[0].lines == (2, 4)


def test_lines_are_physical_lines_from_where_a_row_begins() -> None:
    assert lines(b'a,b\n"1\n2\n3",x\n\n4,5\n') == [
        (1, ["a", "b"]),
        (2, ["1\n2\n3", "x"]),
        (5, []),
        (6, ["4", "5"]),
    ]


def test_a_nul_byte_is_no_end() -> None:
    assert lines(b"a,b\n1,\x002\n3,4\n") == [(1, ["a", "b"]), (2, ["1", "\x002"]), (3, ["3", "4"])]


def test_a_quote_that_is_never_closed_costs_one_line() -> None:
    assert lines(b'a,b\n1,"2\n3,4\n5,6\n') == [
        (1, ["a", "b"]),
        (2, "CSV_ROW_MALFORMED"),
        (3, ["3", "4"]),
        (4, ["5", "6"]),
    ]


def test_text_after_a_closing_quote() -> None:
    assert lines(b'a,b\n"1"x,2\n3,4\n') == [(1, ["a", "b"]), (2, "CSV_ROW_MALFORMED"), (3, ["3", "4"])]


def test_two_stray_quotes_that_pair_up_by_accident() -> None:
    assert lines(b'a,b\n1,"2\n3",4\n5,6\n') == [
        (1, ["a", "b"]),
        (2, "CSV_ROW_MALFORMED"),
        (3, ['3"', "4"]),
        (4, ["5", "6"]),
    ]


def test_quotes_as_they_should_be() -> None:
    assert lines(b'a,b\n"12""",""\n6" pipe,x\n') == [(1, ["a", "b"]), (2, ['12"', ""]), (3, ['6" pipe', "x"])]


@pytest.mark.parametrize("size", [ROW_LIMIT + 10, 3 * ROW_LIMIT])
def test_a_line_longer_than_a_row_may_be(size: int) -> None:
    assert lines(b"a,b\n" + b"x" * size + b",1\n3,4\n") == [(1, ["a", "b"]), (2, "CSV_ROW_TOO_LONG"), (3, ["3", "4"])]


def test_a_quoted_row_that_grows_too_long_costs_its_lines() -> None:
    content = b'a,b\n1,"2\n' + b"y" * ROW_LIMIT + b"\n3,4\n"
    assert lines(content) == [(1, ["a", "b"]), (2, "CSV_ROW_TOO_LONG"), (3, ["(too long)"]), (4, ["3", "4"])]


def test_a_quoted_row_of_very_many_lines() -> None:
    found = lines(b'a,b\n1,"2\n' + b"y,z\n" * (LINE_LIMIT + 5))
    assert found[1] == (2, "CSV_ROW_TOO_LONG")
    assert found[2] == (3, ["y", "z"])
    assert found[-1] == (LINE_LIMIT + 7, ["y", "z"])


def test_an_over_long_field_is_refused_by_its_column_and_the_next_row_taken() -> None:
    drafts, refusals = read(csv_text(row(body="b" * 70_000 + "\n"), row(handle="pot", title="Pot")))
    assert [draft.handle for draft in drafts] == ["pot"]
    [refusal] = refusals
    assert (refusal.line, refusal.error.code) == (2, "CSV_TOO_LONG")
    assert "Body (HTML)" in str(refusal)


@pytest.mark.parametrize("at", [0, 5_000, 200_000])
def test_a_wrong_encoding_names_the_byte(at: int) -> None:
    content = b"a,b\n" * (at // 4) + "é".encode("latin-1") + b"\n1,2\n"
    with pytest.raises(NotText) as refused:
        records(content)
    assert refused.value.params == {"position": at // 4 * 4, "byte": "E9", "encoding": "UTF-8"}


def test_a_wrong_byte_behind_a_mark_and_a_file_cut_in_a_character() -> None:
    with pytest.raises(NotText) as refused:
        records(b"\xef\xbb\xbfab\xff")
    assert refused.value.params["position"] == 5
    with pytest.raises(NotText) as refused:
        records(b"ab\xe8\x8c")
    assert refused.value.params["position"] == 2
    with pytest.raises(NotText) as refused:
        records("\ufeffab".encode("utf-16-le") + b"\x00")
    assert (refused.value.params["position"], refused.value.params["encoding"]) == (6, "UTF-16-LE")


def test_the_bytes_read_end_at_the_files_size() -> None:
    content = csv_text(row(), more(value="M")).encode()
    file = CsvFile(io.BytesIO(content))
    assert file.bytes_read == 0
    assert len(list(file.records())) == 3
    assert file.bytes_read == len(content)


MEASURED = """
import resource, sys
from caddy_shopping.contexts.products.domain.shopify_csv import ShopifyCsv
from caddy_shopping.contexts.products.interface.csv_files import CsvFile

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

reader, variants, before = ShopifyCsv("CNY"), 0, 0
with open(sys.argv[1], "rb") as binary:
    for draft in reader.products(CsvFile(binary).records()):
        variants += len(draft.variants)
        before = before or (reader.rows > 2_000 and most())
print(reader.rows, variants, most() - before)
"""


def test_200_000_rows_take_constant_memory(tmp_path: Path) -> None:
    # A process of its own: tracemalloc would take a minute over it, and its peak is not the operating system's.
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write(b"Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant Price\n")
        for number in range(100_000):
            file.write(b'p-%d,Product %d,"<p>one\ntwo</p>",Size,S,9.99\np-%d,,,,M,9.99\n' % (number, number, number))
    told = subprocess.run(
        [sys.executable, "-c", MEASURED, path],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    rows, variants, kibibytes = map(int, told.stdout.split())
    assert (rows, variants) == (200_000, 200_000)
    assert kibibytes < 5_000


def test_a_row_that_takes_a_file_takes_bounded_memory() -> None:
    content = b"a,b\n" + b'1,"2' + b"x" * 30_000_000
    tracemalloc.start()
    try:
        assert [type(record) for record in CsvFile(io.BytesIO(content)).records()] == [Record, Refusal]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


def test_a_million_lines_with_an_open_quote_each_are_not_read_a_million_times() -> None:
    file = CsvFile(io.BytesIO(b"a,b\n" + b'"x,y\n' * 1_000_000))
    began = time.perf_counter()
    found = list(itertools.islice(file.records(), 1_001))
    assert time.perf_counter() - began < 5
    assert {type(record) for record in found[1:]} == {Refusal}
    assert found[-1].line == 1_001
