"""The Dockerfile, as far as it can be judged by reading. `scripts/image` builds it and runs what comes out."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LAST_STAGE = DOCKERFILE.rpartition("\nFROM ")[2]


def complaints(dockerfile: str) -> str:
    """What the linter says; skips where its package has no program for this machine."""
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("hadolint: make .venv/.development (its package has a program for Linux, macOS and Windows)")
    done = subprocess.run([linter, "-"], input=dockerfile, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (done.stdout == ""), done
    return done.stdout


def test_the_linter_has_no_complaint() -> None:
    assert complaints(DOCKERFILE) == ""


@pytest.mark.parametrize(
    ("good", "bad"),
    [("USER 10001:10001", "USER root"), ('CMD ["serve"]', "CMD serve"), ("--no-install-recommends", "")],
)
def test_the_linter_sees_a_fault(good: str, bad: str) -> None:
    assert good in DOCKERFILE
    assert complaints(DOCKERFILE.replace(good, bad))


def test_nothing_is_sent_to_the_builder_but_what_the_image_is_made_of() -> None:
    """Everything is left out, and then what `COPY` names is let in."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    copied = {
        name.rstrip("/") for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M) for name in line.split()
    }
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied
    assert ".env" not in copied


def test_it_installs_what_was_pinned_and_looked_at() -> None:
    installs = re.findall(r"pip install (.+?)(?: \\)?$", DOCKERFILE, re.M)
    assert len(installs) == 2
    for options in installs:
        assert "--require-hashes" in options or "--no-index" in options


def test_only_a_user_without_rights_runs_it_and_its_health_is_asked_for() -> None:
    assert re.findall(r"^USER (.+)$", LAST_STAGE, re.M) == ["10001:10001"]
    assert "/api/health\\" in LAST_STAGE
    assert "ARG BASE_IMAGE=python:3" in DOCKERFILE
