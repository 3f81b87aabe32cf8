"""The guard decides every case of the catalogue as the files say. docs/guard-cases.md."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from run_guard_case import Case, run_guard_case

_FILES = sorted((Path(__file__).parents[3] / "docs" / "guard-cases").glob("*.json"))

_CASES: list[Case] = [case for path in _FILES for case in json.loads(path.read_text("utf-8"))["cases"]]


def _decide(case: Case) -> tuple[str, list[Any], list[Any]]:
    expected = [step["expect"] for step in case["steps"] if "expect" in step]
    for one in expected:
        if one["token"] is not None:
            one["token"]["scopes"].sort()
    return case["id"], run_guard_case(case), expected


def test_every_case_is_decided_as_the_catalogue_says() -> None:
    assert len(_CASES) >= 300
    # Some cases wait for seconds for a feed that never answers.
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(_decide, _CASES))
    assert [result for result in results if result[1] != result[2]] == []
