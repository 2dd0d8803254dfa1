import sqlite3
from typing import Any

from litestar.exceptions import (
    ClientException,
    InternalServerException,
    MethodNotAllowedException,
    SerializationException,
    ValidationException,
)
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from caddy_shopping.kernel.errors import ConcurrentChange, Unavailable
from caddy_shopping.platform.db.faults import DatabaseBusy
from caddy_shopping.platform.http.errors import MalformedJson, RequestInvalid, ValidationFailed
from caddy_shopping.platform.http.faults import allowed_methods, answer_to, named_error
from tests.platform.http.toy import a_scope

SCOPE = a_scope("POST", "/api/v1/toys")


def named(fault: Exception) -> Any:
    return named_error(fault, SCOPE)


def test_database_faults_get_their_names() -> None:
    assert isinstance(named(IntegrityError("x", {}, sqlite3.IntegrityError())), ConcurrentChange)
    assert isinstance(named(PoolTimeout()), DatabaseBusy)
    assert isinstance(named(OperationalError("x", {}, sqlite3.OperationalError("database is locked"))), DatabaseBusy)


def test_bugs_have_no_name() -> None:
    assert named(RuntimeError()) is None
    assert named(InternalServerException()) is None


def test_litestars_refusals_become_ours() -> None:
    assert isinstance(named(ClientException("nope")), RequestInvalid)
    assert isinstance(named(SerializationException("bad bytes")), MalformedJson)
    missing = named(ValidationException("Missing required query parameter 'orderId' for path /x"))
    assert isinstance(missing, ValidationFailed)
    assert [(detail.pointer, detail.code) for detail in missing.details] == [("/query/orderId", "FIELD_MISSING")]
    assert named(ValidationException("something", extra={"no": "list"})).details == ()
    placed = named(ValidationException("x", extra=[{"message": "Expected `int`, got `str`", "key": "a"}]))
    assert placed.details[0].pointer == "/a"


def test_head_is_allowed_where_get_is() -> None:
    assert allowed_methods(MethodNotAllowedException(headers={"allow": "GET, OPTIONS"})) == ["GET", "HEAD", "OPTIONS"]
    assert allowed_methods(MethodNotAllowedException(headers={"allow": "POST"})) == ["POST"]


def test_outages_are_logged_with_their_cause_and_bugs_with_their_stack(capsys: Any) -> None:
    assert answer_to(Unavailable(), SCOPE, development=False).status == 503
    assert "UNAVAILABLE" in capsys.readouterr().out
    assert answer_to(RuntimeError("oops"), SCOPE, development=False).status == 500
    assert "oops" in capsys.readouterr().out
    assert answer_to(ClientException("nope"), SCOPE, development=False).status == 400
    assert capsys.readouterr().out == ""
