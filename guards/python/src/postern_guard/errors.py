"""Refusals, and how they are answered. RFC 6750 §3, RFC 9449 §7.1 and §8, RFC 9110 §10.2.3."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Scheme = Literal["Bearer", "DPoP"]

_REALM: Final = "Postern"

PROOF_ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519", "RS256", "PS256")
"""Algorithms of DPoP proofs. Ed25519 is the newer name of EdDSA. RFC 9864 §2.2."""

_STATUS: Final[Mapping[str, int]] = {
    "invalid_request": 400,
    "missing_token": 401,
    "invalid_token": 401,
    "invalid_dpop_proof": 401,
    "use_dpop_nonce": 401,
    "insufficient_scope": 403,
    "too_many_requests": 429,
    "temporarily_unavailable": 503,
}

_UNAVAILABLE_SECONDS: Final = 1
"""After so many seconds a caller may retry after ``temporarily_unavailable``."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, independent of frameworks."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GuardError(Exception):
    """A request that is refused.

    ``code`` and the message are for the caller. ``reason`` is for the log of the operator, never for the caller: a name of the
    table of reasons that Postern and its guards share.
    """

    def __init__(
        self,
        code: str,
        description: str,
        *,
        reason: str | None = None,
        scheme: Scheme = "Bearer",
        scope: str | None = None,
        dpop_nonce: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(_to_description(description))
        self.code = code
        self.reason = reason
        self.scheme = scheme
        self.scope = scope
        self.dpop_nonce = dpop_nonce
        self.retry_after_seconds = retry_after_seconds
        self.resource_metadata: str | None = None

    @property
    def status(self) -> int:
        return _STATUS[self.code]

    @property
    def description(self) -> str:
        return str(self)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer, except for ``content-type``."""
        headers = {"cache-control": "no-store"}
        challenge = self._challenge()
        if challenge is not None:
            headers["www-authenticate"] = challenge
        if self.dpop_nonce is not None:
            headers["dpop-nonce"] = self.dpop_nonce
        retry_after = self.retry_after_seconds
        if retry_after is None and self.code == "temporarily_unavailable":
            retry_after = _UNAVAILABLE_SECONDS
        if retry_after is not None:
            headers["retry-after"] = str(retry_after)
        return headers

    @property
    def answer(self) -> Answer:
        body = json.dumps({"error": self.code, "error_description": self.description}).encode()
        return Answer(self.status, {**self.headers, "content-type": "application/json"}, body)

    def _challenge(self) -> str | None:
        """A missing token gets no error code. RFC 6750 §3.1."""
        parameters: dict[str, str | None] = {"realm": _REALM}
        if self.code == "missing_token":
            parameters["resource_metadata"] = self.resource_metadata
            return _format_challenge("Bearer", parameters)
        if self.status not in (401, 403):
            return None
        parameters |= {
            "error": self.code,
            "error_description": self.description,
            "scope": self.scope,
            "resource_metadata": self.resource_metadata,
        }
        if self.scheme == "DPoP":
            parameters["algs"] = " ".join(PROOF_ALGORITHMS)
        return _format_challenge(self.scheme, parameters)


def invalid_token(reason: str, scheme: Scheme = "Bearer") -> GuardError:
    """The same text for every reason: RFC 6750 §3.1 has a single code for expired, revoked and malformed tokens."""
    description = "The access token is expired, revoked or not valid here: get a new one."
    return GuardError("invalid_token", description, reason=reason, scheme=scheme)


def unavailable(reason: str, description: str) -> GuardError:
    return GuardError("temporarily_unavailable", description, reason=reason)


def _format_challenge(scheme: str, parameters: Mapping[str, str | None]) -> str:
    pairs = ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value is not None)
    return f"{scheme} {pairs}"


def _to_description(text: str) -> str:
    """Printable ASCII without quotation marks and backslashes, of at most 400 characters. RFC 6750 §3."""
    clean = re.sub(r"[^\x20-\x7e]", "?", re.sub(r'["\\]', "'", text))
    return clean if len(clean) <= 400 else clean[:397] + "..."
