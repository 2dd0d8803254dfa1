"""Actors, ids, languages, errors, aggregates."""

from typing import ClassVar
from uuid import UUID

import pytest

from caddy_shopping.kernel.actor import ANONYMOUS, SYSTEM, Actor, PermissionMissing, Role
from caddy_shopping.kernel.clock import SystemClock
from caddy_shopping.kernel.errors import Detail, NotFound, PreconditionFailed, ShopError, Unauthenticated
from caddy_shopping.kernel.events import Aggregate, Event, check_version
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.languages import negotiate


class Happened(Event, frozen=True, kw_only=True):
    topic: ClassVar[str] = "toy"


class Thing(Aggregate):
    def __init__(self) -> None:
        self.version = 1


def test_ids_sort_by_time_and_are_version_seven() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}


def test_the_clock_is_in_utc() -> None:
    offset = SystemClock().now().utcoffset()
    assert offset is not None
    assert not offset


def test_permissions() -> None:
    staff = Actor(Role.STAFF, new_id(), permissions=frozenset({"orders:manage"}))
    staff.require("orders:manage")
    with pytest.raises(PermissionMissing):
        staff.require("users:manage")
    with pytest.raises(Unauthenticated):
        ANONYMOUS.require("orders:manage")
    SYSTEM.require("anything")
    Actor(Role.ADMIN, new_id()).require("anything")


def test_nobody_has_no_user_id() -> None:
    me = new_id()
    assert Actor(Role.CUSTOMER, me).user_id == me
    with pytest.raises(Unauthenticated):
        _ = ANONYMOUS.user_id


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("fr, zh;q=0.2", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=abc", "en"),
        ("de", "en"),
    ],
)
def test_language_negotiation(header: str | None, language: str) -> None:
    assert negotiate(header) == language


class Gone(NotFound):
    code = "GONE"
    en = "No {what} here."
    zh = "没有{what}。"


def test_errors_speak_two_languages_and_never_fail_to_speak() -> None:
    assert Gone(what="order").message() == "No order here."
    assert Gone(what="order").message("zh") == "没有order。"
    assert Gone().message("fr") == "No {what} here."
    assert Gone(details=[Detail("/a", "X", "x")]).details[0].pointer == "/a"
    assert not ShopError().retryable


def test_an_aggregate_hands_over_its_events_once_and_moves_its_version() -> None:
    thing = Thing()
    assert thing.take_events() == []
    thing.record(Happened())
    thing.touch()
    assert thing.version == 3
    assert thing.take_events() == [Happened()]
    assert thing.take_events() == []


def test_an_older_copy_is_refused() -> None:
    check_version(Thing(), 1)
    check_version(Thing(), None)
    with pytest.raises(PreconditionFailed):
        check_version(Thing(), 2)


def test_an_event_must_say_what_it_is_about() -> None:
    with pytest.raises(TypeError, match="Happened"):
        _: UUID = Happened().key
