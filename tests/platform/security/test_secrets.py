"""The installation's own secret: made once, kept private, never replaced by accident."""

import multiprocessing
import os
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from caddy_shopping.platform.security import files
from caddy_shopping.platform.security.secrets import NAME, InstallationSecret, SecretDamaged


def test_it_is_made_once_and_read_afterwards(tmp_path: Path) -> None:
    first = InstallationSecret.load_or_create(tmp_path / "var")
    assert InstallationSecret.load_or_create(tmp_path / "var").root == first.root
    assert len(first.root) == 32
    assert stat.S_IMODE((tmp_path / "var" / NAME).stat().st_mode) == 0o600
    assert InstallationSecret.load_or_create(tmp_path / "other").root != first.root


def _load(folder: str) -> bytes:
    return InstallationSecret.load_or_create(Path(folder)).root


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as pool:
        assert len(set(pool.map(_load, [str(tmp_path / "var")] * 8))) == 1


def test_purposes_are_apart_and_lasting() -> None:
    secret = InstallationSecret(b"\x01" * 32)
    assert secret.derive("a") == secret.derive("a")
    assert secret.derive("a") != secret.derive("b")
    assert len(secret.derive("a", 64)) == 64
    # What a later version must still find: RFC 5869 with no salt and the purpose as info.
    assert secret.derive("a") == HKDF(SHA256(), 32, None, b"a").derive(b"\x01" * 32)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_secret_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(SecretDamaged, match=NAME):
        InstallationSecret.load_or_create(tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_it_does_not_show_itself() -> None:
    assert "AAAA" not in repr(InstallationSecret(b"A" * 32))


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_private(tmp_path / "f", b"old")

    def full_disk(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        files.write_private(tmp_path / "f", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"
