"""Logs: one line each, whose they are, nothing sensitive, and never the cause of a failure."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from caddy_shopping.platform.telemetry import trace
from caddy_shopping.platform.telemetry.logging import configure_logging

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    configure_logging("INFO", "json", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_who_and_what(lines: Lines) -> None:
    structlog.get_logger("orders").info("order placed", lines=3)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "order placed", "level": "info", "logger": "orders", "lines": 3}


def test_it_says_which_request_it_belongs_to(lines: Lines) -> None:
    token = trace.current.set(trace.Trace("req-1", "00-a-b-01"))
    structlog.get_logger("orders").info("inside")
    logging.getLogger("library").warning("inside too")
    trace.current.reset(token)
    structlog.get_logger("orders").info("outside")
    inside, library, outside = lines()
    assert (inside["request_id"], inside["traceparent"]) == ("req-1", "00-a-b-01")
    assert library["request_id"] == "req-1"
    assert "request_id" not in outside


def test_nothing_sensitive_is_written(stream: io.StringIO, lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(api_key="hunter22-a")
    log = structlog.get_logger("users").bind(session={"refreshToken": "hunter22-b"})
    try:
        raise ValueError("password=hunter22-c is too short")
    except ValueError:
        log.exception("sign-in with Bearer hunter22-d", body={"user": {"newPassword": "hunter22-e", "name": "Ada"}})
    logging.getLogger("library").warning("token=%s", "hunter22-f")
    assert "hunter22" not in stream.getvalue()
    ours, library = lines()
    assert ours["body"]["user"] == {"newPassword": "hu***-e", "name": "Ada"}
    assert "ValueError: password=hu***-c is too short" in ours["exception"]
    assert library["event"] == "token=hu***-f"


def test_the_level_holds_for_ours_and_libraries_are_quieter(stream: io.StringIO, lines: Lines) -> None:
    structlog.get_logger("orders").debug("too much")
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 1")
    logging.getLogger("alembic.runtime.migration").info("Running upgrade")
    assert lines() == []
    logging.getLogger("sqlalchemy.pool").warning("a connection was lost")
    assert [line["event"] for line in lines()] == ["a connection was lost"]
    configure_logging("ERROR", "json", stream)
    logging.getLogger("sqlalchemy.pool").warning("again")
    structlog.get_logger("orders").warning("a warning")
    assert len(lines()) == 1


def test_configuring_again_does_not_write_twice(stream: io.StringIO, lines: Lines) -> None:
    configure_logging("INFO", "json", stream)
    structlog.get_logger("orders").info("once")
    assert len(lines()) == 1


def test_warnings_become_lines(lines: Lines) -> None:
    logging.getLogger("py.warnings").warning("old things are used")
    assert lines()[0]["logger"] == "py.warnings"


class Awkward:
    """A value that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_what_cannot_be_rendered_does_not_fail_its_caller(lines: Lines) -> None:
    root = logging.getLogger()  # pytest's own handlers would fail here: ours alone
    root.handlers[:] = [handler for handler in root.handlers if type(handler).__module__.startswith("caddy_shopping")]
    structlog.get_logger("orders").info("awkward", value=Awkward())
    logging.getLogger("library").warning("%d apples", "many")
    endless: list[Any] = []
    endless.append(endless)
    structlog.get_logger("orders").info("endless", value=endless)
    first, second, third = lines()
    assert (first["logger"], first["fault"]) == ("orders", "RuntimeError")
    assert (second["logger"], second["fault"]) == ("library", "TypeError")
    assert third["event"] == "endless"


@pytest.mark.parametrize(
    "value", ["密码学 \ud800 \x00\n", 2**80, float("inf"), b"\xff", {1: {2}}, {"a": None}, ("a", "b")]
)
def test_any_value_makes_one_line_of_json(lines: Lines, value: object) -> None:
    structlog.get_logger("orders").info("odd", value=value)
    assert lines()[0]["event"] == "odd"


def test_arguments_by_position_are_put_in(lines: Lines) -> None:
    structlog.get_logger("orders").info("%d of %d", 1, 2)
    assert lines()[0]["event"] == "1 of 2"


@pytest.mark.parametrize("fault", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_stdout_that_nobody_reads_does_not_fail_the_caller(fault: Exception) -> None:
    class Gone(io.StringIO):
        tried = 0

        def write(self, text: str) -> int:
            self.tried += 1
            raise fault

    gone = Gone()
    configure_logging("INFO", "json", gone)
    structlog.get_logger("orders").info("hello?")
    assert gone.tried == 1


def test_the_console_is_for_people(stream: io.StringIO) -> None:
    configure_logging("debug", "console", stream)
    try:
        raise ValueError("token=hunter22")
    except ValueError:
        structlog.get_logger("orders").exception("first\n[info] forged \x1b[2J", password="hunter22")
    text = stream.getvalue()
    first, rest = text.split("\n", 1)
    assert "first\\n[info] forged \\x1b[2J" in first
    assert "password=hu***22" in first
    assert "ValueError: token=hu***22" in rest
    assert "hunter22" not in text


def test_a_level_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("LOUD")
