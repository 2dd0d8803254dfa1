"""One line on stdout for everything that is worth saying, ours and the libraries' alike.

Every line carries the request it belongs to, passes through `platform.security.masking`, and may fail
to be written but never makes its caller fail.
"""

import json
import logging
import sys
from typing import Any, Literal, TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from caddy_shopping.platform.security.masking import mask
from caddy_shopping.platform.telemetry.trace import request_id, traceparent

QUIET = ("_granian", "granian", "sqlalchemy", "alembic", "aiosqlite", "asyncio", "aiohttp", "aiosmtplib", "litestar")
"""Libraries that speak from WARNING on, whatever our own level is."""
_ENCODE = json.JSONEncoder(default=str, ensure_ascii=False).encode


def configure_logging(
    level: str = "INFO", style: Literal["console", "json"] = "json", stream: TextIO | None = None
) -> None:
    """Send all logs of this process to `stream` (stdout), from `level` on. May be called again.

    Raises ValueError for a level that there is not.
    """
    threshold = logging.getLevelNamesMapping().get(level.upper())
    if threshold is None:
        raise ValueError(f"there is no log level {level!r}: take DEBUG, INFO, WARNING, ERROR or CRITICAL")
    handler = _Lines(stream or sys.stdout, console=style == "console")
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one, _Lines)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(threshold)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _Lines(logging.Handler):
    """Writes each record as one line (a traceback in the console: several)."""

    def __init__(self, stream: TextIO, *, console: bool) -> None:
        super().__init__()
        self._stream = stream
        render = _console(stream) if console else [_json]
        self.setFormatter(ProcessorFormatter(processors=[*_SHARED, *render]))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as fault:  # a value whose repr fails, a message that does not fit its arguments
            line = _fallback(record, fault)
        try:
            self._stream.write(line.encode("utf-8", "backslashreplace").decode() + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # whoever read our stdout has gone: there is nobody left to tell


def _fallback(record: logging.LogRecord, fault: Exception) -> str:
    """What can be said of a record that cannot be rendered: none of its values, they may be what is wrong."""
    said = {"event": "a log line could not be rendered", "level": record.levelname.lower(), "logger": record.name}
    return json.dumps(said | {"fault": type(fault).__name__, "place": f"{record.pathname}:{record.lineno}"})


def _place(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The request and trace that the running code belongs to."""
    for name, value in (("request_id", request_id()), ("traceparent", traceparent())):
        if value is not None:
            event.setdefault(name, value)
    return event


def _masked(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    masked: EventDict = mask(event)
    return masked


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _ENCODE(event)


def _console(stream: TextIO) -> list[Processor]:
    colors = stream.isatty()
    renderer = ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)
    return [_one_line, renderer]


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A message from outside must not be able to forge a second line, or steer the terminal."""
    text = str(event.get("event", ""))
    if not text.isprintable():
        event["event"] = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    _place,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    ProcessorFormatter.remove_processors_meta,
    _masked,
]
