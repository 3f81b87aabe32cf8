"""Guard as ASGI middleware, for Starlette, FastAPI, Litestar, Quart, Django and others. RFC 6750, RFC 9728 §3.1."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from .access_token import AccessToken
from .certificates import ThumbprintFinder
from .errors import Answer, GuardError
from .guard import Guard, GuardedRequest

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

RequiredScope = str | Callable[[str, str], str | None]
"""The scope that calls require: one, several separated by spaces, '' for any valid token; or a function that returns it for a
method and the path that the app sees, which is percent-decoded, or None for a call that needs no token."""

_STATE_KEY: Final = "postern_guard.access_token"


class GuardMiddleware:
    """Requires a token of every request and WebSocket, and answers those without one itself.

    Serves the metadata of the API, which need no token.
    """

    def __init__(
        self,
        app: Application,
        *,
        guard: Guard,
        scope: RequiredScope,
        find_thumbprint: ThumbprintFinder | None = None,
    ) -> None:
        self._app = app
        self._guard = guard
        self._required = scope
        self._find_thumbprint = find_thumbprint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        metadata = _metadata_answer(self._guard, scope)
        if metadata is not None:
            await _send_answer(metadata, send)
            return
        request = to_guarded_request(scope, self._find_thumbprint)
        # By the path that the app decides by, whatever it is called with.
        required = self._required if isinstance(self._required, str) else self._required(request.method, scope["path"])
        if required is not None:
            try:
                scope[_STATE_KEY] = await self._guard.authorize_async(request, required)
            except GuardError as error:
                await _refuse(error, scope, receive, send)
                return
        await self._app(scope, receive, send)


def access_token_of(scope: Scope) -> AccessToken:
    """Return the verified token of a guarded request, by its ASGI scope: ``request.scope`` in Starlette and FastAPI.

    Raises ``LookupError`` for any other request.
    """
    token = scope.get(_STATE_KEY)
    if not isinstance(token, AccessToken):
        raise LookupError("This request was not authorized by a guard: protect its path.")
    return token


def to_guarded_request(scope: Scope, find_thumbprint: ThumbprintFinder | None = None) -> GuardedRequest:
    """Read what a guard needs. The path is the one that the caller sent, wherever the app is mounted."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    raw_path = scope.get("raw_path")
    path = raw_path.decode("latin-1").partition("?")[0] if raw_path else quote(scope["path"], safe="/%:@!$&'()*+,;=~")
    query = scope.get("query_string", b"").decode("latin-1")
    peer = (scope.get("client") or (None,))[0]
    return GuardedRequest(
        method=scope.get("method", "GET"),
        path=f"{path}?{query}" if query else path,
        authorization=_header_of(headers, "authorization"),
        dpop=_header_of(headers, "dpop"),
        certificate_thumbprint=None if find_thumbprint is None else lambda: find_thumbprint(peer, headers),
    )


def _header_of(headers: list[tuple[str, str]], wanted: str) -> str | None:
    """Repeated headers are joined, which makes neither a valid token nor a valid proof. RFC 9110 §5.3."""
    values = [value for name, value in headers if name.lower() == wanted]
    return ", ".join(values) if values else None


def _metadata_answer(guard: Guard, scope: Scope) -> Answer | None:
    return metadata_answer(guard, scope.get("method", ""), scope["path"])


def metadata_answer(guard: Guard, method: str, path: str) -> Answer | None:
    """Return the metadata of the API as an answer to a request for them, and None for any other request. RFC 9728 §3.1."""
    url = guard.resource_metadata_url
    if url is None or method not in ("GET", "HEAD") or path != urlsplit(url).path:
        return None
    headers = {
        "content-type": "application/json",
        "cache-control": "public, max-age=300",
        "access-control-allow-origin": "*",
    }
    return Answer(200, headers, b"" if method == "HEAD" else json.dumps(guard.resource_metadata).encode())


async def _refuse(error: GuardError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _send_answer(error.answer, send)
        return
    # The server answers 403 if the handshake is closed and it cannot send another answer.
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        await _send_answer(error.answer, send, "websocket.http.response")
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})


async def _send_answer(answer: Answer, send: Send, kind: str = "http.response") -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": f"{kind}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": answer.body})
