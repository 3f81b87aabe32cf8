"""The middleware for WSGI guards every request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from postern_guard import Guard
from postern_guard.wsgi import GuardMiddleware, access_token_of, to_guarded_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def _app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("content-type", "text/plain")])
    return [access_token_of(environ).client_id.encode()]


def _ask(guard: Guard, path: str, headers: dict[str, str]) -> tuple[str, dict[str, str], bytes]:
    started: list[Any] = []
    environ: dict[str, Any] = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    setup_testing_defaults(environ)
    middleware = validator(GuardMiddleware(_app, guard=guard, scope="orders:read"))

    def start_response(status: str, fields: list[tuple[str, str]], exc_info: object = None) -> Any:  # noqa: ANN401
        del exc_info
        started.extend([status, dict(fields)])
        return lambda _: None

    result: Any = middleware(environ, start_response)
    body = b"".join(result)
    result.close()
    return started[0], started[1], body


def test_the_app_sees_the_token(guard: Guard, bearer: dict[str, str]) -> None:
    assert _ask(guard, "/orders", bearer)[2] == b"orders-sync"


def test_a_request_without_a_token_does_not_reach_the_app(guard: Guard) -> None:
    status, headers, body = _ask(guard, "/orders", {})
    assert status == "401 Unauthorized"
    assert headers["www-authenticate"].startswith("Bearer realm=")
    assert b"missing_token" in body


def test_a_dpop_proof_is_for_the_path(guard: Guard, dpop: dict[str, str]) -> None:
    assert _ask(guard, "/invoices", dpop)[0] == "401 Unauthorized"
    assert _ask(guard, "/orders", dpop)[0] == "200 OK"


def test_the_metadata_need_no_token(guard: Guard) -> None:
    assert _ask(guard, "/.well-known/oauth-protected-resource", {})[0] == "200 OK"


def test_the_path_is_the_one_that_the_caller_sent() -> None:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "/v1",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "c=1",
    }
    assert to_guarded_request(environ).path == "/v1/a%20b?c=1"
    assert to_guarded_request({**environ, "RAW_URI": "/v1/%61%20b?c=1"}).path == "/v1/%61%20b?c=1"
