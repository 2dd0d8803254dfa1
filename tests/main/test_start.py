"""What a start of the shop loads: all of it is waited for, so nothing that this process has no use for yet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOT_YET = {
    "alembic": "migrations to run",
    "asyncmy": "a database that is MySQL",
    "asyncpg": "a database that is PostgreSQL",
    "caddy_shopping.main.commands": "another command than serve",
    "confluent_kafka": "a broker",
    "jinja2": "a letter",
    "google.protobuf": "traces to export",
    "litestar.plugins.pydantic": "routes that speak pydantic",
    "opentelemetry": "traces to export",
    "pydantic.v1": "nothing at all",
    "redis": "a Redis",
    "requests": "traces to export",
    "rich.progress": "an import",
}
BUILT = """
import sys
from caddy_shopping.main import cli, prepare, serve
from caddy_shopping.main.build import build
from caddy_shopping.platform.settings import Settings, load

build(load(Settings))
{more}
print(*sorted(sys.modules), sep="\\n")
"""


def _loaded(folder: Path, more: str = "") -> set[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SHOP_", "COVERAGE_"))}
    process = subprocess.run(
        [sys.executable, "-c", BUILT.format(more=more)],
        env={**env, "SHOP_DATA_DIR": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(process.stdout.splitlines())


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return _loaded(tmp_path_factory.mktemp("shop"))


@pytest.mark.parametrize("module", NOT_YET)
def test_a_start_does_not_load(module: str, loaded: set[str]) -> None:
    assert module not in loaded, f"needed for {NOT_YET[module]}, not for a start"


def test_negative_control_what_is_loaded_is_seen(tmp_path: Path) -> None:
    seen = _loaded(tmp_path, "import jinja2, pydantic.v1")
    assert {"jinja2", "pydantic.v1", "litestar"} <= seen
