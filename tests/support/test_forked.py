"""A forked command is the command, and a furnished shop is one that has been started before."""

import os
from importlib.util import find_spec
from pathlib import Path

from tests.support.engine import only_sqlite
from tests.support.forked import LOADED, Fork
from tests.support.furnished import running_shop


def ended(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    log = tmp_path / "log"
    code = Fork(arguments, {**os.environ, "SHOP_DATA_DIR": str(tmp_path / "its own")}, log).wait(120)
    return code, log.read_text()


def test_it_says_and_ends_as_the_command_does(tmp_path: Path) -> None:
    code, said = ended(tmp_path, "--version")
    assert (code, said.startswith("caddy-shopping")) == (0, True), said
    code, said = ended(tmp_path, "sell")
    assert (code, "No such command" in said) == (2, True), said


def test_its_environment_is_its_own(tmp_path: Path) -> None:
    code, said = ended(tmp_path, "doctor")
    assert (code, "caddy-shopping migrate" in said) == (1, True), said
    assert (tmp_path / "its own").is_dir()


def test_what_is_to_be_loaded_is_there() -> None:
    """What is not would be passed over in silence, and every start be slow."""
    assert [name for name in LOADED if find_spec(name) is None] == []


@only_sqlite("a copy of its file")
def test_a_furnished_shop_sets_nothing_up(tmp_path: Path) -> None:
    with running_shop(tmp_path) as shop:
        assert shop.admin is not None
        assert shop.stop() == 0
        assert "Docs" in shop.output
        assert not any(words in shop.output for words in ("Migrated", "only once", "Loaded the demo"))
