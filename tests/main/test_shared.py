"""What is not configured costs nothing, and what is secret is not shown."""

import subprocess
import sys
from pathlib import Path

import pytest

from caddy_shopping.platform.settings import Settings

BUILD = """
import sys
from caddy_shopping.main.build import build
from caddy_shopping.platform.settings import Settings, load
process = build(load(Settings))
process.app
print(sorted(name for name in sys.modules if name.split(".")[0] in ("redis", "hiredis")) != [])
"""


@pytest.mark.parametrize(("url", "imported"), [("", "False"), ("redis://127.0.0.1:1/0", "True")])
def test_the_client_is_imported_where_it_is_used(tmp_path: Path, url: str, imported: str) -> None:
    environment = {"PYTHONPATH": "src", "SHOP_DATA_DIR": str(tmp_path), "SHOP_REDIS_URL": url}
    done = subprocess.run([sys.executable, "-c", BUILD], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == imported


def test_the_password_of_the_url_is_not_shown() -> None:
    assert "hunter2" not in repr(Settings(redis_url="redis://shop:hunter2@redis:6379/0"))
