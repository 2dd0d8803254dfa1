"""The commands as a shop owner runs them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.interface.cli import commands
from caddy_shopping.platform.db.engine import open_database
from caddy_shopping.platform.module import Module
from tests.contexts.products.csv_support import DEMO, csv_text, more, row
from tests.contexts.products.import_support import ImportShop, open_shop
from tests.support.clock import FakeClock
from tests.support.database import Bench, filed, make_kit


class Installation:
    """A shop's database, which each command opens for itself."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self._commands = {command.name: command for command in commands(self.open_module)}

    @asynccontextmanager
    async def open_module(self) -> AsyncIterator[Module]:
        async with self.shop() as shop:
            yield shop.module

    @asynccontextmanager
    async def shop(self) -> AsyncIterator[ImportShop]:
        database = open_database(self.url)

        async def make(context: str, metadata: Any, platform_tables: Any) -> Bench:
            return Bench(make_kit(context, database, platform_tables, FakeClock(), []), FakeClock())

        try:
            yield await open_shop(make)
        finally:
            await database.close()

    def handles(self) -> list[str]:
        async def look() -> list[str]:
            async with self.shop() as shop:
                return [entry.handle for entry in await shop.entries()]

        return asyncio.run(look())

    def file(self, content: str | bytes, name: str = "products.csv") -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def run(self, name: str, *arguments: str) -> Result:
        result = CliRunner().invoke(self._commands[name], arguments, catch_exceptions=False)
        assert "Traceback" not in result.output
        return result


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.setenv("COLUMNS", "120")
    async with filed(tables.metadata) as url:
        yield Installation(tmp_path, url)


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Installation]:
    """Another shop."""
    async with filed(tables.metadata) as url:
        yield Installation(tmp_path, url)


def cells(output: str, kind: str) -> list[str]:
    line = next(line for line in output.splitlines() if line.strip("│ ").startswith(kind))
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def test_the_three_files_come_in_with_an_account(here: Installation) -> None:
    files = [str(DEMO / name) for name in ("apparel.csv", "home-and-garden.csv", "jewelery.csv")]
    result = here.run("import-products", *files)
    assert result.exit_code == 0
    assert all(Path(name).name in result.stdout for name in files)
    assert "41 rows: 41 taken, 0 refused." in result.stdout
    jewelery = result.stdout[result.stdout.index("jewelery.csv") :]
    assert cells(jewelery, "products") == ["20", "0", "0", "0"]
    assert cells(jewelery, "variants") == ["23", "0", "0", ""]
    assert cells(jewelery, "images") == ["41", "0", "0", ""]
    assert len(here.handles()) == 60
    again = here.run("import-products", *files)
    assert again.exit_code == 0
    assert cells(again.stdout, "products") == ["0", "0", "20", "0"]


def test_refused_rows_are_named_and_the_exit_code_says_so(here: Installation) -> None:
    name = here.file(csv_text(row(), more(value="M"), row(handle="pot", title="Pot", price="-1"), row(handle="pan")))
    result = here.run("import-products", name)
    assert result.exit_code == 1
    assert "products.csv:3: " in result.stderr
    assert "products.csv:4: Variant Price '-1' is not an amount of CNY" in result.stderr
    assert "4 rows: 2 taken, 2 refused." in result.stdout
    assert "Mend the refused rows" in result.stdout
    assert here.handles() == ["cup", "pan"]
    assert here.run("import-products", "--lenient", name).exit_code == 0


def test_a_file_in_the_wrong_encoding_is_said_to_be(here: Installation) -> None:
    good = here.file(csv_text(row(handle="good", title="Good")), "good.csv")
    result = here.run("import-products", here.file(csv_text(row(title="茶杯")).encode("gbk")), good)
    assert result.exit_code == 1
    assert "is not UTF-8 text" in result.stderr
    assert "Stopped there." in result.stdout
    assert here.handles() == ["good"]


@pytest.mark.parametrize("content", ["", "no header here\n" * 10, "\x00\x01\x02"])
def test_a_file_that_is_no_catalogue(here: Installation, content: str) -> None:
    result = here.run("import-products", "--lenient", here.file(content))
    assert "The first line must name the columns" in result.stderr
    assert result.stderr.replace("\n", "").isprintable()
    assert here.handles() == []


def test_what_stands_before_a_wrong_byte_is_taken(here: Installation) -> None:
    rows = [row(handle=f"p-{n}", title="P", body="x" * 1000) for n in range(300)]
    content = csv_text(*rows).encode()
    result = here.run("import-products", here.file(content + b"\xff"))
    assert result.exit_code == 1
    assert f"Byte {len(content)} (0xFF) is not UTF-8 text." in result.stderr
    taken = len(here.handles())
    assert 200 < taken < 300
    assert f"{taken} rows: {taken} taken, 0 refused." in result.stdout
    assert here.run("import-products", here.file(content)).exit_code == 0
    assert len(here.handles()) == 300


def test_a_million_lines_of_garbage_stop_soon(here: Installation) -> None:
    result = here.run("import-products", here.file("Handle,Title,Variant Price\n" + '"garbage\n' * 1_000_000))
    assert result.exit_code == 1
    assert "Not one of the first 1,000 rows could be taken, so the import stopped at line 1001." in result.stderr
    assert "1,000 rows: 0 taken, 1,000 refused." in result.stdout


def test_remarks_name_gift_cards_blank_lines_and_what_has_no_place(here: Installation) -> None:
    content = "Handle,Title,Variant Price,Gift Card,Cost per item\ncup,Cup,5,true,3\n\n"
    result = here.run("import-products", here.file(content))
    assert result.exit_code == 0
    assert "1 taken, 0 refused, 1 blank." in result.stdout
    assert "no gift codes: 1." in result.stdout
    assert "no place for: Cost per item." in result.stdout


def test_set_stock(here: Installation) -> None:
    assert here.run("import-products", here.file(csv_text(row(tracker="shopify", qty="5")))).exit_code == 0
    name = here.file(csv_text(row(tracker="shopify", qty="8")))
    assert cells(here.run("import-products", name).stdout, "variants") == ["0", "0", "1", ""]
    assert cells(here.run("import-products", "--set-stock", name).stdout, "variants") == ["0", "1", "0", ""]


def test_an_export_goes_to_a_file_or_to_standard_output(here: Installation, elsewhere: Installation) -> None:
    here.run(
        "import-products", here.file(csv_text(row(title="茶杯"), more(price="", image="https://example.com/a.jpg")))
    )
    path = here.folder / "out" / "export.csv"
    path.parent.mkdir()
    result = here.run("export-products", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Written: products 1, rows 1.\n"
    assert path.read_bytes() == here.run("export-products").stdout_bytes
    assert "茶杯" in path.read_text(encoding="utf-8")
    assert [name.name for name in path.parent.iterdir()] == ["export.csv"]
    assert elsewhere.run("import-products", str(path)).exit_code == 0
    assert elsewhere.handles() == ["cup"]


def test_an_export_that_breaks_leaves_the_old_file(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    path = here.folder / "export.csv"
    path.write_text("old")

    async def broken(*_: object) -> None:
        raise OSError("disk on fire")

    monkeypatch.setattr("caddy_shopping.contexts.products.infrastructure.csv_export.SqlExportQueries.entries", broken)
    with pytest.raises(OSError, match="fire"):
        here.run("export-products", str(path))
    assert path.read_text() == "old"
    assert not list(here.folder.glob(".export*"))


def test_seed(here: Installation) -> None:
    assert here.run("seed").stdout == "Loaded the demo catalogue: 60 products, 66 variants.\n"
    assert here.run("seed", "--demo-stock", "5").stdout == "Nothing to load: the shop has products already.\n"
    assert len(here.handles()) == 60


@pytest.mark.parametrize("name", ["import-products", "export-products", "seed"])
def test_help(here: Installation, name: str) -> None:
    result = here.run(name, "--help")
    assert result.exit_code == 0
    assert "\b" not in result.stdout
    if name != "seed":
        assert f"caddy-shopping {name}" in result.stdout
