"""Verifies the signature of an answer of the revocation feed. docs/revocation-feed.md. RFC 7515 §5.2, RFC 7519 §4.1, RFC 8725 §3.11."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .access_token import VerificationKey
from .jws import decode_jws, encode_base64url, is_number

_TYPE: Final = "revocation-feed+jwt"

_MAX_LENGTH: Final = 4_096
"""Characters; a longer signature is not even decoded."""


class FeedSignatureError(Exception):
    """Why an answer is not the one of the issuer to what it was asked."""


@dataclass(frozen=True)
class FeedSignature:
    """What the signature of an answer says."""

    signed_at: float
    """Seconds since 1970, by the clock of the issuer."""
    is_new: bool
    """Whether the nonce was signed, so that the answer was made after the question."""


def verify_feed_signature(
    signature: str | None,
    body: bytes,
    *,
    issuer: str,
    after: str | None,
    nonce: str | None,
    find_key: Callable[[str], VerificationKey | None],
) -> FeedSignature:
    """Return when an answer was signed.

    Raises unless the issuer signed this body as an answer to the cursor ``after``, which is None for a request without one.
    ``find_key`` returns a key of the feed, never one that signs tokens. Does not check how long ago it was signed:
    an answer without the nonce may be an old one.
    """
    if signature is None:
        raise FeedSignatureError("the answer has no signature")
    jws = decode_jws(signature) if len(signature) <= _MAX_LENGTH else None
    if jws is None:
        raise FeedSignatureError("the answer has a malformed signature")
    kid = jws.header.get("kid")
    if (
        jws.header.get("typ") != _TYPE
        or jws.header.get("alg") != "EdDSA"
        or not isinstance(kid, str)
        or "crit" in jws.header
    ):
        raise FeedSignatureError("the answer has a signature of another kind")
    key = find_key(kid)
    if key is None or key.alg != "EdDSA":
        raise FeedSignatureError("the answer is signed with a key that the issuer has not for its feed")
    if not key.public_key.is_signature("EdDSA", jws.signing_input, jws.signature):
        raise FeedSignatureError("the answer has a wrong signature")
    if jws.payload.get("iss") != issuer:
        raise FeedSignatureError("the answer is signed by another issuer")
    if ("after" in jws.payload) != (after is not None) or jws.payload.get("after") != after:
        raise FeedSignatureError("the answer is signed as the answer to another cursor")
    if jws.payload.get("sha256") != encode_base64url(hashlib.sha256(body).digest()):
        raise FeedSignatureError("the answer is not the one that was signed")
    signed_nonce = jws.payload.get("nonce")
    if "nonce" in jws.payload and (nonce is None or signed_nonce != nonce):
        raise FeedSignatureError("the answer is signed for another follower, or an earlier question")
    signed_at = jws.payload.get("iat")
    if not is_number(signed_at):
        raise FeedSignatureError("the answer does not say when it was signed")
    return FeedSignature(float(signed_at), is_new="nonce" in jws.payload)


class SignedTime:
    """How old an answer is whose time is signed by another machine.

    An answer that is sent again is older each time, whatever clock it is measured by. If the clock of one side is set, another one
    shows that the answer is new all the same, or a nonce does.
    """

    def __init__(
        self, *, now: Callable[[], float], monotonic: Callable[[], float], clock_skew_seconds: float
    ) -> None:
        self._now = now
        self._monotonic = monotonic
        self._skew = clock_skew_seconds
        self._least_ahead: float | None = None
        """By what the clock of the other machine is ahead of the monotonic one at least; None before the first answer."""

    def read(self, signed_at: float) -> float:
        """Turn the time at which an answer was signed into one of the monotonic clock. To be called when it arrives."""
        arrived_at = self._monotonic()
        ahead = signed_at - self._now()
        # If it is from the future, the wall clocks do not agree, and say nothing about its age.
        age_by_wall = math.inf if ahead > self._skew else -ahead - self._skew
        age_by_monotonic = math.inf if self._least_ahead is None else self._least_ahead + arrived_at - signed_at
        least = min(age_by_wall, age_by_monotonic)
        age = 0.0 if least == math.inf else max(0.0, least)
        self._least_ahead = signed_at + age - arrived_at
        return arrived_at - age

    def read_new(self, signed_at: float, asked_at: float) -> float:
        """The same for an answer that was certainly signed after ``asked_at``, by the monotonic clock."""
        self._least_ahead = signed_at - self._monotonic()
        return asked_at
