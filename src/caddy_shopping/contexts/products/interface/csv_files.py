"""A product CSV's bytes to numbered records, in constant memory, whatever its line ends and quotes are like."""

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO, TextIO

from caddy_shopping.contexts.products.domain.csv_errors import Malformed, NotText, RowRefused, RowTooLong
from caddy_shopping.contexts.products.domain.product_draft import Record, Refusal

ROW_LIMIT = 1_048_576
"""Characters of one row. A quote that is never closed would otherwise swallow the rest of the file."""
LINE_LIMIT = 2_000
"""Physical lines of one row, for the same reason."""
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def write_rows(out: TextIO, rows: Iterable[list[str]]) -> None:
    """Rows as RFC 4180 has them. With any other line end, Python would leave a lone CR in a cell unquoted."""
    csv.writer(out, lineterminator="\r\n").writerows(rows)


class CsvFile:
    """An open file of text, UTF-8 unless it begins with another byte order mark.

    `bytes_read` moves as records are taken, for a progress bar.
    """

    def __init__(self, binary: IO[bytes]) -> None:
        self._counted = _Counted(binary)

    @property
    def bytes_read(self) -> int:
        return self._counted.bytes_read

    def records(self) -> Iterator[Record | Refusal]:
        """Every row with the physical line it begins on; a row whose quotes do not match as a refusal.

        After such a row, reading goes on at the *next line*, so that one stray quote costs one line.
        Raises `NotText` at the first byte that is no text.
        """
        encoding = self._counted.byte_order_mark()
        text = io.TextIOWrapper(self._counted, encoding=encoding, newline="")
        # The csv module's own limit is one for the whole process; ours is the shorter one for a row.
        csv.field_size_limit(max(csv.field_size_limit(), ROW_LIMIT))
        lines = _Lines(text)
        try:
            yield from _rows(lines)
        except UnicodeDecodeError as error:
            position = self._counted.bytes_read - len(error.object) + error.start
            raise NotText(
                position=position, byte=f"{error.object[error.start]:02X}", encoding=encoding.upper()
            ) from None


def _rows(lines: "_Lines") -> Iterator[Record | Refusal]:
    reader = csv.reader(lines, strict=True)
    width = None
    while True:
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except RowTooLong as error:
            yield lines.give_back(error)
        except csv.Error:
            yield lines.give_back(Malformed())
        else:
            # A row over several lines with the wrong number of cells: its quotes paired up by accident.
            if width is not None and len(cells) != width and lines.in_row > 1:
                yield lines.give_back(Malformed())
            else:
                width = width or len(cells) or None
                yield Record(lines.row_begins, cells)


class _Lines:
    """Physical lines, of which the present row's can be given back."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self._size = 0
        self._line = 0

    @property
    def row_begins(self) -> int:
        return self._line - len(self._row) + 1

    @property
    def in_row(self) -> int:
        return len(self._row)

    def begin_row(self) -> None:
        self._row, self._size = [], 0

    def give_back(self, error: RowRefused) -> Refusal:
        """The refusal of the present row's first line; the others will be read again as rows of their own."""
        begins, others = self.row_begins, self._row[1:]
        self._again.extendleft(reversed(others))
        self._line -= len(others)
        self._row = []
        return Refusal(begins, "", error)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._size > ROW_LIMIT or len(self._row) >= LINE_LIMIT:
            raise RowTooLong(limit=f"{ROW_LIMIT:,}")
        line = self._again.popleft() if self._again else self._text.readline(ROW_LIMIT + 1)
        if not line:
            raise StopIteration
        self._row.append(line)
        self._size += len(line)
        self._line += 1
        if self._size > ROW_LIMIT:
            self._skip_rest_of_line(line)
            raise RowTooLong(limit=f"{ROW_LIMIT:,}")
        return line

    def _skip_rest_of_line(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._text.readline(ROW_LIMIT + 1)
        self._row[-1] = "\n" if len(self._row) == 1 else "(too long)\n"


class _Counted(io.BufferedIOBase):
    """Counts the bytes that were handed on."""

    name = "import"

    def __init__(self, binary: IO[bytes]) -> None:
        self._binary = binary
        self._head = b""
        self.bytes_read = 0

    def byte_order_mark(self) -> str:
        """Take the byte order mark off the file, if there is one, and say what encoding it means."""
        head = self._binary.read(4)
        bom, encoding = next(((bom, name) for bom, name in _BOMS if head.startswith(bom)), (b"", "utf-8"))
        self._head = head[len(bom) :]
        self.bytes_read = len(bom)
        return encoding

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        data, self._head = self._head or self._binary.read(max(size, 65_536)), b""
        self.bytes_read += len(data)
        return data
