"""A command's output is what it was asked for, also where something is logged meanwhile."""

import subprocess
import sys

SAYS = """
import structlog
from caddy_shopping.main import cli

@cli.shop.command()
def say():
    log = structlog.get_logger("test")
    log.debug("aside, debug")
    log.info("aside, info")
    log.warning("aside, warning")
    print("the answer")

cli.shop(["say"])
"""


def test_logs_are_kept_apart() -> None:
    said = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert said.stdout == "the answer\n"
    assert ("aside, warning" in said.stderr, "aside, info" in said.stderr) == (True, False)
