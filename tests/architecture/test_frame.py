"""What a newcomer meets first: the lock files, the scripts, and the last lines of a run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.skips import FILE, summary

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def pins(lock: str) -> dict[str, str]:
    """Name and version of everything that a lock file pins."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", (ROOT / lock).read_text(), re.MULTILINE))


def wanted(requirements: list[str]) -> list[str]:
    names = [re.match(r"[A-Za-z0-9._-]+", each) for each in requirements]
    return [re.sub(r"[._-]+", "-", name[0]).lower() for name in names if name]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes_and_no_place_to_come_from(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 40
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"https?://|--index|--find-links|/", re.sub(r"--hash=\S+", "", text))


def test_the_lock_files_have_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, development = pins(LOCKS[0]), pins(LOCKS[1])
    needed = wanted(project["project"]["dependencies"] + project["build-system"]["requires"])
    assert [name for name in needed if name not in runtime] == [], "run `make lock`"
    assert [name for name in wanted(project["dependency-groups"]["dev"]) if name not in development] == []
    assert {name: version for name, version in runtime.items() if development.get(name) != version} == {}


@pytest.mark.parametrize(
    "script",
    ["scripts/setup", "scripts/test", "scripts/lint", "scripts/lock", ".ci/run", "tests/support/tidb/build"],
)
def test_scripts_are_sound_and_stop_at_the_first_fault(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert "set -euo pipefail" in (ROOT / script).read_text()
    subprocess.run(["bash", "-n", ROOT / script], check=True)


def test_make_alone_says_what_there_is() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    targets = ("serve", "services", "test", "lint", "bench", "lock", "format", "clean")
    assert [name for name in targets if f"make {name} " not in shown] == []


SKIPPING = """
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_a(n): pytest.skip("PostgreSQL: set SHOP_TEST_POSTGRES_URL")

@pytest.mark.skipif(True, reason="Redis: apt install redis")
def test_b(): pass

@pytest.mark.xfail
def test_c(): assert False

def test_d(): pass
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_last_lines_say_what_was_skipped_and_how_to_get_it(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_it.py").write_text(SKIPPING)
    (tmp_path / "test_whole.py").write_text(
        "import pytest\npytest.skip('wrk: apt install wrk', allow_module_level=True)"
    )
    expected = (
        "\nSkipped here, and how to get it:\n"
        "  PostgreSQL: set SHOP_TEST_POSTGRES_URL (2 tests)\n"
        "  Redis: apt install redis (1 test)\n"
        "  wrk: apt install wrk (1 test)\n"
    )
    arguments = ["-p", "tests.support.skips", "-n", workers, "-c", os.devnull, str(tmp_path)]
    alone = pytest_run(arguments)
    assert alone.endswith(expected)
    assert "how to get it" not in pytest_run(arguments, **{FILE: str(tmp_path / "said")})
    assert (tmp_path / "said").read_text() == expected


def pytest_run(arguments: list[str], **variables: str) -> str:
    """What a green run of its own process prints."""
    inherited = {name: value for name, value in os.environ.items() if name != FILE}
    environment = {**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **variables}  # most of them load for seconds
    command = [sys.executable, "-m", "pytest", "-p", "xdist.plugin", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def test_where_nothing_was_skipped_that_is_said() -> None:
    assert summary({}) == "\nNothing was skipped.\n"
