"""The middleware for ASGI guards requests and WebSockets."""

from __future__ import annotations

import asyncio
from typing import Any

from postern_guard import Guard, TrustedProxies
from postern_guard.asgi import GuardMiddleware, Message, Receive, Scope, Send, access_token_of


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] == "http":
        body = access_token_of(scope).client_id if "Authorized" in scope["path"] else "open"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body.encode()})
    else:
        await send({"type": f"{scope['type']}.accept"})


def _scope_for(method: str, path: str) -> str | None:
    return None if (method, path) == ("GET", "/healthz") else "orders:read"


def _ask(guard: Guard, path: str, headers: dict[str, str], **scope: Any) -> list[Message]:  # noqa: ANN401
    sent: list[Message] = []
    middleware = GuardMiddleware(
        _app, guard=guard, scope=_scope_for, find_thumbprint=TrustedProxies(["10.0.0.0/8"], "client-cert")
    )

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asgi_scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("10.1.2.3", 4711),
        **scope,
    }
    asyncio.run(middleware(asgi_scope, receive, send))
    return sent


def test_the_app_sees_the_token(guard: Guard, bearer: dict[str, str]) -> None:
    assert _ask(guard, "/Authorized", bearer)[1]["body"] == b"orders-sync"


def test_a_request_without_a_token_does_not_reach_the_app(guard: Guard) -> None:
    start, body = _ask(guard, "/orders", {})
    assert start["status"] == 401
    assert dict(start["headers"])[b"www-authenticate"].startswith(b"Bearer realm=")
    assert b"missing_token" in body["body"]


def test_a_function_may_leave_calls_open(guard: Guard) -> None:
    assert _ask(guard, "/healthz", {})[1]["body"] == b"open"


def test_a_path_is_open_only_as_the_app_sees_it(guard: Guard) -> None:
    assert _ask(guard, "/healthz", {}, raw_path=b"/%68ealthz")[1]["body"] == b"open"
    assert _ask(guard, "/orders", {}, raw_path=b"/healthz")[0]["status"] == 401


def test_the_metadata_need_no_token(guard: Guard) -> None:
    start, body = _ask(guard, "/.well-known/oauth-protected-resource", {})
    assert start["status"] == 200
    assert b'"resource": "https://api.example.com"' in body["body"]


def test_a_websocket_is_accepted_with_a_token_only(guard: Guard, bearer: dict[str, str]) -> None:
    assert _ask(guard, "/orders", bearer, type="websocket") == [{"type": "websocket.accept"}]
    assert _ask(guard, "/orders", {}, type="websocket")[0]["type"] == "websocket.close"
    answered = _ask(guard, "/orders", {}, type="websocket", extensions={"websocket.http.response": {}})
    assert (answered[0]["type"], answered[0]["status"]) == ("websocket.http.response.start", 401)


def test_other_events_pass(guard: Guard) -> None:
    assert _ask(guard, "", {}, type="lifespan") == [{"type": "lifespan.accept"}]
