"""Runs a case of the catalogue by the guard. docs/guard-cases.md."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Any

from postern_guard import Guard, GuardedRequest, GuardError, Response, Revocations

Case = Mapping[str, Any]


class FixedNonce:
    """One nonce that is always valid."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce

    def current(self) -> str:
        return self._nonce

    def is_valid(self, nonce: str) -> bool:
        return nonce == self._nonce


class FixedToken:
    """The token that reads the feed."""

    def authorization(self, issuer: str) -> str:
        return f"Bearer token of {issuer}"

    def renew(self) -> None:
        return


class Issuer:
    """Answers as the case says. Requests to the feed wait for the next step with an answer."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._condition = threading.Condition()
        self._is_asked = False
        self._answer: Response | None = None
        self._is_closed = False

    def __call__(
        self, url: str, *, headers: Mapping[str, str], data: bytes | None, timeout: float, max_bytes: int
    ) -> Response:
        if "/api/v1/oauth/revocations" in url:
            return self._wait_for_feed()
        document = self._case[_document_of(url)]
        return Response(503, {}, b"") if document is None else Response(200, {}, json.dumps(document).encode())

    def answer_feed(self, status: int, signature: str | None, body: str) -> None:
        """Return when the guard has applied the answer, which is when it asks again."""
        with self._condition:
            self._condition.wait_for(lambda: self._is_asked)
            self._is_asked = False
            headers = {} if signature is None else {"revocations-signature": signature}
            self._answer = Response(status, headers, body.encode())
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._is_asked)

    def close(self) -> None:
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    def _wait_for_feed(self) -> Response:
        with self._condition:
            self._is_asked = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._answer is not None or self._is_closed)
            answer, self._answer = self._answer, None
        if answer is None:
            raise OSError("the case has ended")
        return answer


def _document_of(url: str) -> str:
    if "/.well-known/oauth-authorization-server" in url:
        return "metadata"
    return "feed_jwks" if "/.well-known/revocation-feed-jwks.json" in url else "jwks"


def run_guard_case(case: Case) -> list[dict[str, Any]]:
    """Return what the guard answers to each request of the case, in order, to compare with ``expect``."""
    options, steps = case["guard"], case["steps"]
    at = steps[0]["at"]
    issuer = Issuer(case)
    revocations = options.get("revocations")
    guard = Guard(
        issuer=options["issuer"],
        audience=options["audience"],
        base_url=options.get("base_url"),
        allow_http=options.get("allow_http", False),
        algorithms=options["algorithms"],
        accept_typ=options.get("accept_typ", ("at+jwt",)),
        clock_skew_seconds=options["clock_skew_seconds"],
        dpop_nonces=FixedNonce(options["dpop_nonce"]) if "dpop_nonce" in options else None,
        revocations=Revocations(token=FixedToken(), **revocations) if revocations is not None else None,
        fetch=issuer,
        now=lambda: float(at),
        monotonic=lambda: float(at),
        on_fault=lambda _: None,
    )
    # The first fetch of some cases fails, which their requests tell.
    threading.Thread(target=_start, args=(guard,), daemon=True).start()
    answers = []
    try:
        for step in steps:
            at = step["at"]
            if "feed" in step:
                issuer.answer_feed(**step["feed"])
            else:
                answers.append(_ask(guard, step["request"]))
    finally:
        guard.close()
        issuer.close()
    return answers


def _start(guard: Guard) -> None:
    try:
        guard.start()
    except Exception:
        return


def _ask(guard: Guard, request: Mapping[str, Any]) -> dict[str, Any]:
    guarded = GuardedRequest(
        method=request["method"],
        path=request["path"],
        authorization=_header_of(request, "authorization"),
        dpop=_header_of(request, "dpop"),
        certificate_thumbprint=request.get("certificate_thumbprint"),
    )
    try:
        token = guard.authorize(guarded, request["scope"])
    except GuardError as error:
        headers = dict(error.answer.headers)
        del headers["content-type"]
        challenge = headers.pop("www-authenticate", None)
        return {
            "status": error.answer.status,
            "error": json.loads(error.answer.body)["error"],
            "reason": error.reason,
            "challenge": _parse_challenge(challenge) if challenge is not None else None,
            "headers": headers,
            "token": None,
        }
    facts = {
        "client_id": token.client_id,
        "subject": token.subject,
        "jti": token.jti,
        "scopes": sorted(token.scopes),
    }
    return {"status": 200, "error": None, "reason": None, "challenge": None, "headers": {}, "token": facts}


def _header_of(request: Mapping[str, Any], wanted: str) -> str | None:
    values = [value for name, value in request["headers"] if name.lower() == wanted]
    return ", ".join(values) if values else None


def _parse_challenge(text: str) -> dict[str, Any]:
    scheme, _, rest = text.partition(" ")
    return {"scheme": scheme, "parameters": dict(re.findall(r'([a-z_]+)="([^"]*)"', rest))}
