"""The programs in README.md run."""

import re
from pathlib import Path

import pytest

from postern_guard import Guard

_README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
_BLOCKS = re.findall(r"^```python\n(.*?)^```", _README, re.MULTILINE | re.DOTALL)


def test_the_program_for_fastapi_runs(monkeypatch: pytest.MonkeyPatch, guard: Guard, bearer: dict[str, str]) -> None:
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    pytest.importorskip("httpx", reason="httpx is not installed")
    from fastapi.testclient import TestClient

    members: dict[str, object] = {}
    exec(_BLOCKS[0], members)  # noqa: S102
    monkeypatch.setattr(members["guard"], "guard", guard)
    client = TestClient(members["app"])  # type: ignore[arg-type]
    assert client.get("/orders", headers=bearer).json() == {"caller": "orders-sync"}
    assert client.get("/orders").status_code == 401


def test_the_manual_shows_the_same_program() -> None:
    page = Path(__file__).parents[3] / "docs" / "protect-a-python-api.md"
    assert f"```python\n{_BLOCKS[0]}```" in page.read_text("utf-8")


def test_the_program_for_asgi_runs() -> None:
    members: dict[str, object] = {}
    exec(_BLOCKS[1], members)  # noqa: S102
    assert callable(members["protect"])
