"""The key set: one for all processes, rotated with overlap, pruned when nothing depends on it."""

import base64
import multiprocessing
import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from caddy_shopping.kernel.clock import SystemClock
from caddy_shopping.platform.security.keys import MARGIN, FileKeySet, KeyFileDamaged, SecretKeySet, thumbprint
from tests.support.clock import FakeClock

AGE, DELAY = timedelta(minutes=15), timedelta(minutes=10)
TICK = timedelta(seconds=1)


class Stopwatch:
    """Stands in for `time.monotonic`."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys(tmp_path: Path, clock: FakeClock) -> FileKeySet:
    return FileKeySet(tmp_path / "keys", clock, max_token_age=AGE, activation_delay=DELAY)


def kids(keys: FileKeySet) -> list[str]:
    return [key["kid"] for key in keys.jwks()["keys"]]


def test_first_use_makes_one_private_key(tmp_path: Path, keys: FileKeySet, clock: FakeClock) -> None:
    (pem,) = (tmp_path / "keys").glob("*.pem")
    assert stat.S_IMODE(pem.stat().st_mode) == 0o600
    assert stat.S_IMODE(pem.parent.stat().st_mode) == 0o700
    assert keys.signing().kid in pem.name
    assert FileKeySet(tmp_path / "keys", clock).signing().kid == keys.signing().kid
    assert keys.verifying("another") is None


def test_the_public_set_is_what_a_stranger_needs_and_no_more(keys: FileKeySet) -> None:
    (jwk,) = keys.jwks()["keys"]
    assert set(jwk) == {"kty", "n", "e", "kid", "alg", "use"}
    token = jwt.encode({"a": 1}, keys.signing().signing, "RS256")
    assert jwt.decode(token, jwt.PyJWK(jwk).key, ["RS256"]) == {"a": 1}


def test_the_thumbprint_is_the_one_of_rfc_7638() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw"
    )
    modulus = int.from_bytes(base64.urlsafe_b64decode(n + "=="), "big")
    assert thumbprint(rsa.RSAPublicNumbers(65537, modulus).public_key()) == (
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )


def test_a_new_key_is_published_at_once_and_signs_after_the_delay(keys: FileKeySet, clock: FakeClock) -> None:
    old = keys.signing()
    new = keys.rotate()
    assert kids(keys) == [old.kid, new.kid]
    clock.advance(DELAY - TICK)
    assert keys.signing().kid == old.kid
    clock.advance(TICK)
    assert keys.signing().kid == new.kid
    assert keys.verifying(old.kid) is old, "tokens signed a moment ago are alive"


def test_a_retired_key_verifies_until_its_last_token_has_run_out(keys: FileKeySet, clock: FakeClock) -> None:
    old, new = keys.signing(), keys.rotate()
    clock.advance(DELAY + AGE + MARGIN - TICK)
    assert keys.verifying(old.kid) is old
    assert keys.prune() == []
    clock.advance(TICK)
    assert keys.verifying(old.kid) is None, "also where nobody has pruned"
    assert kids(keys) == [new.kid]


def test_pruning_removes_dead_keys_only(tmp_path: Path, keys: FileKeySet, clock: FakeClock) -> None:
    old, new = keys.signing(), keys.rotate()
    clock.advance(DELAY + AGE + MARGIN)
    waiting = keys.rotate()
    assert keys.prune() == [old.kid]
    assert keys.prune() == []
    assert sorted(path.stem.partition("-")[2] for path in (tmp_path / "keys").glob("*.pem")) == sorted(
        [new.kid, waiting.kid]
    )
    assert keys.signing().kid == new.kid


def test_a_rotation_without_delay_signs_at_once(keys: FileKeySet, clock: FakeClock) -> None:
    clock.advance(TICK)
    assert keys.rotate(timedelta(0)).kid == keys.signing().kid


def test_where_the_old_key_was_removed_the_next_does_not_wait(tmp_path: Path, keys: FileKeySet) -> None:
    """What to do when a key has leaked (SECURITY.md)."""
    old, new = keys.signing(), keys.rotate()
    next((tmp_path / "keys").glob(f"*{old.kid}.pem")).unlink()
    keys.prune()
    assert keys.signing().kid == new.kid
    assert keys.verifying(old.kid) is None


def test_keys_of_one_moment_sign_in_the_order_they_were_made(keys: FileKeySet, clock: FakeClock) -> None:
    made = [keys.signing(), keys.rotate(timedelta(0)), keys.rotate(timedelta(0))]
    assert kids(keys) == [key.kid for key in made]
    clock.advance(TICK)
    assert keys.signing().kid == made[-1].kid


def test_another_process_sees_a_rotation_within_a_second(tmp_path: Path, keys: FileKeySet, clock: FakeClock) -> None:
    clock.advance(TICK)
    stopwatch = Stopwatch()
    other = FileKeySet(tmp_path / "keys", clock, monotonic=stopwatch)
    new = keys.rotate(timedelta(0))
    stopwatch.now = 0.9
    assert other.signing().kid != new.kid, "it does not look at the folder for every request"
    stopwatch.now = 1.0
    assert other.signing().kid == new.kid


def test_a_key_never_seen_is_looked_for_at_once(tmp_path: Path, keys: FileKeySet, clock: FakeClock) -> None:
    other = FileKeySet(tmp_path / "keys", clock, monotonic=Stopwatch())
    new = keys.rotate(timedelta(0))
    found = other.verifying(new.kid)
    assert found is not None
    assert found.kid == new.kid


def test_a_folder_that_was_emptied_does_not_stop_a_running_process(tmp_path: Path, keys: FileKeySet) -> None:
    kid = keys.signing().kid
    for pem in (tmp_path / "keys").glob("*.pem"):
        pem.unlink()
    assert keys.verifying("unknown") is None
    assert keys.signing().kid == kid


def test_a_key_that_vanishes_while_it_is_read_is_left_out(
    tmp_path: Path, keys: FileKeySet, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = keys.rotate(timedelta(0))
    read_bytes, pruned = Path.read_bytes, list[Path]()

    def pruning(path: Path) -> bytes:
        if not pruned:
            pruned.append(path)
            path.unlink()
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", pruning)
    assert kids(FileKeySet(tmp_path / "keys", clock)) == [new.kid]


def _first_kid(folder: str) -> str:
    return FileKeySet(Path(folder), SystemClock()).signing().kid


def test_processes_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as pool:
        assert len(set(pool.map(_first_kid, [str(tmp_path / "keys")] * 8))) == 1
    assert len(list((tmp_path / "keys").glob("*.pem"))) == 1


def _pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_file_that_is_not_the_key_it_says_stops_the_start(tmp_path: Path, keys: FileKeySet, clock: FakeClock) -> None:
    (pem,) = (tmp_path / "keys").glob("*.pem")
    other = rsa.generate_private_key(65537, 2048)
    for content in (b"no key", _pem(ec.generate_private_key(ec.SECP256R1())), _pem(other)):
        pem.write_bytes(content)
        with pytest.raises(KeyFileDamaged, match=pem.name):
            FileKeySet(tmp_path / "keys", clock)


def test_a_private_half_that_signs_something_else_stops_the_start(
    tmp_path: Path, keys: FileKeySet, clock: FakeClock
) -> None:
    (pem,) = (tmp_path / "keys").glob("*.pem")
    whole = keys.signing().signing.private_numbers()
    for harm in ({"d": whole.d + 2, "dmp1": whole.dmp1 + 2}, {"d": whole.d - 2, "dmq1": whole.dmq1 - 2}):
        parts = {name: getattr(whole, name) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")} | harm
        numbers = rsa.RSAPrivateNumbers(**parts, public_numbers=whole.public_numbers)
        pem.write_bytes(_pem(numbers.private_key(unsafe_skip_rsa_key_validation=True)))
        with pytest.raises(KeyFileDamaged, match=pem.name):
            FileKeySet(tmp_path / "keys", clock)


def test_a_key_does_not_show_its_private_half(keys: FileKeySet) -> None:
    assert "signing=" not in repr(keys.signing())


def test_shared_secrets_sign_with_the_first_and_verify_with_all() -> None:
    old, new = b"o" * 32, b"n" * 32
    before, after = SecretKeySet([old]), SecretKeySet([new, old])
    assert after.signing().signing == new
    assert after.signing().algorithm == "HS256"
    kept = after.verifying(before.signing().kid)
    assert kept is not None
    assert kept.verifying == old
    assert SecretKeySet([new]).verifying(before.signing().kid) is None
    assert after.jwks() == {"keys": []}, "a secret is not published"


@pytest.mark.parametrize("secrets", [[], [b"x" * 31], [b"x" * 32, b"short"]])
def test_a_short_secret_is_refused(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretKeySet(secrets)
