"""Guard as WSGI middleware, for Flask, Django, Bottle, Pyramid and others. RFC 6750, RFC 9728 §3.1, PEP 3333."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from .access_token import AccessToken
from .asgi import RequiredScope, metadata_answer
from .certificates import ThumbprintFinder
from .errors import Answer, GuardError
from .guard import Guard, GuardedRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ENVIRON_KEY: Final = "postern_guard.access_token"


class GuardMiddleware:
    """Requires a token of every request, and answers those without one itself.

    Serves the metadata of the API, which need no token.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        guard: Guard,
        scope: RequiredScope,
        find_thumbprint: ThumbprintFinder | None = None,
    ) -> None:
        self._app = app
        self._guard = guard
        self._required = scope
        self._find_thumbprint = find_thumbprint

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = to_guarded_request(environ, self._find_thumbprint)
        # By the path that the app decides by, whatever it is called with.
        path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}".encode("latin-1").decode(
            "utf-8", "replace"
        )
        metadata = metadata_answer(self._guard, request.method, path)
        if metadata is not None:
            return _send_answer(metadata, start_response)
        required = self._required if isinstance(self._required, str) else self._required(request.method, path)
        if required is not None:
            try:
                environ[_ENVIRON_KEY] = self._guard.authorize(request, required)
            except GuardError as error:
                return _send_answer(error.answer, start_response)
        return self._app(environ, start_response)


def access_token_of(environ: WSGIEnvironment) -> AccessToken:
    """Return the verified token of a guarded request: ``request.environ`` in Flask.

    Raises ``LookupError`` for any other request.
    """
    token = environ.get(_ENVIRON_KEY)
    if not isinstance(token, AccessToken):
        raise LookupError("This request was not authorized by a guard: protect its path.")
    return token


def to_guarded_request(environ: WSGIEnvironment, find_thumbprint: ThumbprintFinder | None = None) -> GuardedRequest:
    """Read what a guard needs. Servers join repeated headers by a comma."""
    peer: str | None = environ.get("REMOTE_ADDR")
    return GuardedRequest(
        method=str(environ["REQUEST_METHOD"]),
        path=_path_of(environ),
        authorization=environ.get("HTTP_AUTHORIZATION"),
        dpop=environ.get("HTTP_DPOP"),
        certificate_thumbprint=None if find_thumbprint is None else lambda: find_thumbprint(peer, _headers_of(environ)),
    )


def _path_of(environ: dict[str, Any]) -> str:
    """The path as the caller sent it, if the server tells; otherwise as it is written without need."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if isinstance(raw, str) and raw.startswith("/"):
        return raw
    decoded = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    path = quote(decoded.encode("latin-1"), safe="/:@!$&'()*+,;=~")
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _headers_of(environ: dict[str, Any]) -> list[tuple[str, str]]:
    names = [name for name in environ if name.startswith("HTTP_")]
    return [(name.removeprefix("HTTP_").replace("_", "-"), str(environ[name])) for name in names]


def _send_answer(answer: Answer, start_response: StartResponse) -> Iterable[bytes]:
    phrase = HTTPStatus(answer.status).phrase
    start_response(f"{answer.status} {phrase}", [*answer.headers.items(), ("content-length", str(len(answer.body)))])
    return [answer.body]
