"""Routes of FastAPI name the scopes that they require."""

from typing import Annotated, Any

import pytest

from postern_guard import AccessToken, Guard

fastapi = pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from fastapi import APIRouter, Depends, FastAPI, Security  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402

from postern_guard.fastapi import FastApiGuard  # noqa: E402


def _app_of(guard: Guard, *, is_installed: bool = True) -> TestClient:
    protect = FastApiGuard(guard)
    app = FastAPI()
    if is_installed:
        protect.install(app)

    @app.get("/orders")
    async def list_orders(token: Annotated[AccessToken, Depends(protect.require("orders:read"))]) -> dict[str, str]:
        return {"caller": token.client_id}

    @app.delete("/orders")
    def delete_orders(
        token: Annotated[AccessToken, Security(protect, scopes=["orders:write", "orders:delete"])],
    ) -> str:
        return token.client_id

    router = APIRouter(prefix="/reports", dependencies=[Depends(protect.require("orders:read orders:write"))])

    @router.get("/{name}")
    def read_report(name: str) -> str:
        return name

    app.include_router(router)
    sub = FastAPI()
    protect.install(sub)

    @sub.get("/orders", dependencies=[Security(protect, scopes=["orders:read"])])
    def list_below() -> str:
        return "below"

    app.mount("/v1", sub)
    return TestClient(app, base_url="https://api.example.com")


def test_a_token_with_the_scope_passes(guard: Guard, bearer: dict[str, str]) -> None:
    client = _app_of(guard)
    assert client.get("/orders", headers=bearer).json() == {"caller": "orders-sync"}
    assert client.get("/reports/May", headers=bearer).json() == "May"
    assert client.get("/v1/orders", headers=bearer).json() == "below"


def test_a_token_without_the_scope_gets_403_which_names_it(guard: Guard, bearer: dict[str, str]) -> None:
    answer = _app_of(guard).delete("/orders", headers=bearer)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert 'scope="orders:write orders:delete"' in answer.headers["www-authenticate"]


def test_a_call_without_a_token_gets_401_with_the_metadata(guard: Guard) -> None:
    answer = _app_of(guard).get("/orders")
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "missing_token",
        "error_description": "This call needs an access token: Authorization: Bearer <token>.",
    }
    url = "https://api.example.com/.well-known/oauth-protected-resource"
    assert answer.headers["www-authenticate"] == f'Bearer realm="Postern", resource_metadata="{url}"'
    assert _app_of(guard).get(url).json()["resource_name"] == "Orders"


def test_a_forged_token_gets_401(guard: Guard, bearer: dict[str, str]) -> None:
    forged = {"Authorization": bearer["Authorization"][:-86] + "A" * 86}
    answer = _app_of(guard).get("/orders", headers=forged)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["cache-control"] == "no-store"


def test_a_refusal_has_status_and_headers_without_install_too(guard: Guard) -> None:
    answer = _app_of(guard, is_installed=False).get("/orders")
    assert (answer.status_code, answer.json()["detail"]["error"]) == (401, "missing_token")
    assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_two_headers_with_tokens_are_refused(guard: Guard, bearer: dict[str, str]) -> None:
    twice = [("Authorization", bearer["Authorization"])] * 2
    assert _app_of(guard).get("/orders", headers=twice).status_code == 401


def test_a_dpop_proof_is_for_the_url_and_accepted_once(guard: Guard, dpop: dict[str, str]) -> None:
    client = _app_of(guard)
    assert client.get("/v1/orders", headers=dpop).json()["error"] == "invalid_dpop_proof"
    assert client.get("/orders?limit=1", headers=dpop).status_code == 200
    assert client.get("/orders", headers=dpop).json()["error_description"] == "The DPoP proof was used before."


def test_openapi_says_which_routes_need_a_token(guard: Guard) -> None:
    document: Any = _app_of(guard).get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["Postern"]["bearerFormat"] == "at+jwt"
    assert document["paths"]["/orders"]["delete"]["security"] == [{"Postern": ["orders:write", "orders:delete"]}]
    assert document["paths"]["/orders"]["get"]["security"] == [{"Postern": []}]
