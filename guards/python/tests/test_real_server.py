"""FastAPI on uvicorn, guarded with the tokens of a real Postern, whose address and clients the environment has."""

import json
import os
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlencode

import pytest

from postern_guard import AccessToken, ClientCredentials, Guard, Revocations

ISSUER = os.environ.get("POSTERN_TEST_ISSUER", "")
if not ISSUER:
    pytest.skip("POSTERN_TEST_ISSUER names no server", allow_module_level=True)
pytest.importorskip("fastapi", reason="fastapi is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from fastapi import Depends, FastAPI  # noqa: E402

from postern_guard.fastapi import FastApiGuard  # noqa: E402

AUDIENCE = os.environ["POSTERN_TEST_AUDIENCE"]


def _call(url: str, authorization: str | None, form: dict[str, str] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, data=urlencode(form).encode() if form is not None else None)
    if authorization is not None:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _basic() -> str:
    return "Basic " + b64encode(os.environ["POSTERN_TEST_CALLER"].encode()).decode()


def _token(scope: str) -> str:
    form = {"grant_type": "client_credentials", "scope": scope, "resource": AUDIENCE}
    status, body = _call(f"{ISSUER}/api/v1/oauth/token", _basic(), form)
    assert status == 200, body
    return f"Bearer {json.loads(body)['access_token']}"


@pytest.fixture
def api() -> Iterator[str]:
    client_id, client_secret = os.environ["POSTERN_TEST_FOLLOWER"].split(":")
    guard = Guard(
        issuer=ISSUER,
        audience=AUDIENCE,
        revocations=Revocations(token=ClientCredentials(client_id, client_secret)),
    )
    guard.start()
    protect = FastApiGuard(guard)
    app = FastAPI()
    protect.install(app)

    @app.get("/orders")
    def list_orders(token: Annotated[AccessToken, Depends(protect.require("orders:read"))]) -> str:
        return token.client_id

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    guard.close()


def test_tokens_pass_by_their_scope_until_they_are_revoked(api: str) -> None:
    token = _token("orders:read")
    status, body = _call(f"{api}/orders", token)
    assert (status, json.loads(body)) == (200, os.environ["POSTERN_TEST_CALLER"].split(":")[0])
    assert _call(f"{api}/orders", None)[0] == 401
    assert _call(f"{api}/orders", token[:-86] + "A" * 86)[0] == 401
    assert _call(f"{api}/orders", _token("orders:write"))[0] == 403
    form = {"token": token.removeprefix("Bearer ")}
    assert _call(f"{ISSUER}/api/v1/oauth/revoke", _basic(), form)[0] == 200
    revoked_at = time.monotonic()
    while _call(f"{api}/orders", token)[0] == 200:
        assert time.monotonic() - revoked_at < 10
        time.sleep(0.02)
    print(f"refused {round((time.monotonic() - revoked_at) * 1000)} ms after the revocation")  # noqa: T201
    assert _call(f"{api}/orders", token)[0] == 401
    assert _call(f"{api}/orders", _token("orders:read"))[0] == 200
