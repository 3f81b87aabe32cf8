"""The good token of the catalogue, and a guard that accepts it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from run_guard_case import Issuer

from postern_guard import Guard

_CATALOGUE = Path(__file__).parents[3] / "docs" / "guard-cases"


def _case_of(name: str) -> Any:  # noqa: ANN401
    cases = json.loads((_CATALOGUE / f"{name.partition('/')[0]}.json").read_text("utf-8"))["cases"]
    return next(case for case in cases if case["id"] == name)


def _step_of(name: str) -> Any:  # noqa: ANN401
    return next(step for step in _case_of(name)["steps"] if "request" in step)


@pytest.fixture
def guard() -> Iterator[Guard]:
    case = _case_of("tokens/good")
    now = float(_step_of("tokens/good")["at"])
    guard = Guard(
        issuer=case["guard"]["issuer"],
        audience=case["guard"]["audience"],
        fetch=Issuer(case),
        now=lambda: now,
        resource={"resource_name": "Orders", "scopes_supported": ["orders:read"]},
    )
    yield guard
    guard.close()


@pytest.fixture
def bearer() -> dict[str, str]:
    """Headers with a token that has the scopes orders:read and orders:write."""
    return dict(_step_of("tokens/good")["request"]["headers"])


@pytest.fixture
def dpop() -> dict[str, str]:
    """Headers with a bound token, and a proof for ``GET https://api.example.com/orders``."""
    return dict(_step_of("dpop/good")["request"]["headers"])
