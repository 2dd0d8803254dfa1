"""The table says what the runs said."""

from pathlib import Path

import pytest

from tests.support.results import BEGIN, END, ROWS, main, read, table, written

REPORT = """<testsuites><testsuite>
  <testcase classname="tests.contexts.users.test_a" name="one"/>
  <testcase classname="tests.contexts.users.test_a" name="two"><failure message="no"/></testcase>
  <testcase classname="tests.contexts.users.test_a" name="three"><error message="no"/></testcase>
  <testcase classname="tests.platform.db.test_b" name="one"><skipped message="SQLite only"/></testcase>
  <testcase classname="tests.kernel.test_c" name="one"/>
</testsuite></testsuites>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "SQLite.xml").write_text(REPORT)
    return tmp_path


def test_each_test_is_counted_once_where_it_belongs(folder: Path) -> None:
    counts = read(folder / "SQLite.xml")
    assert {row: dict(count) for row, count in counts.items() if count} == {
        "users": {"passed": 1, "failed": 2},
        "platform": {"skipped": 1},
        "kernel, layers, documents, the tests' own tools": {"passed": 1},
    }


def test_a_line_for_each_engine(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(folder)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "SQLite: 2 passed, 2 failed, 1 skipped"
    assert lines[1:] == ["PostgreSQL: not run", "MariaDB: not run", "TiDB: not run"]


def test_the_table_is_written_between_its_markers(folder: Path) -> None:
    readme = folder / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    main([str(folder), "--write", str(readme)])
    made = table({"SQLite": read(folder / "SQLite.xml"), "PostgreSQL": None, "MariaDB": None, "TiDB": None})
    assert readme.read_text() == f"before\n{BEGIN}\n{made}\n{END}\nafter\n"
    assert "| users | 1 (2 failed) | not run | not run | not run |" in made
    assert "| orders | – |" in made
    assert len(made.splitlines()) == 2 + len(ROWS)
    with pytest.raises(ValueError, match="has no"):
        written("no markers here", made)
