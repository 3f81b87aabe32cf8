"""Verifies DPoP proofs, and remembers them so that each is accepted once. RFC 9449 §4.3, §8 and §11.1."""

from __future__ import annotations

import hashlib
import math
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from .errors import PROOF_ALGORITHMS, GuardError
from .jws import decode_jws, encode_base64url, is_number
from .public_key import PublicKey, PublicKeyError, parse_public_key

_MAX_AGE_SECONDS: Final = 60
"""Seconds after ``iat`` for which a proof is accepted."""

_CLOCK_SKEW_SECONDS: Final = 30
"""Seconds by which ``iat`` and ``nbf`` may be in the future, since clocks differ."""

_MAX_PROOF_LENGTH: Final = 8_192

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class DpopNonces(Protocol):
    """Nonces that this API issues, and that proofs must contain. RFC 9449 §9."""

    def current(self) -> str: ...

    def is_valid(self, nonce: str) -> bool: ...


@dataclass(frozen=True)
class DpopProof:
    """A verified proof."""

    jkt: str
    """Thumbprint of the key that signed it."""
    jti: str
    nonce: str | None
    expires_at: float
    """When it becomes too old, in seconds since 1970."""


UseProof = Callable[[str, str, float, str], bool]
"""Records a proof by jkt, jti, expiry in seconds since 1970 and client; True for its first use, False for every later one."""


def verify_dpop_proof(header: str, *, method: str, url: str, now: float, access_token: str) -> DpopProof:
    """Return the verified proof in a ``DPoP`` header. Raises ``invalid_dpop_proof``.

    Does not check whether it was used before, its nonce, or whether its key is that of the token.
    """
    jws = decode_jws(header) if len(header) <= _MAX_PROOF_LENGTH else None
    if jws is None:
        raise _fault("proof_malformed", "is not a single signed JWT")
    if jws.header.get("typ") != "dpop+jwt" or "crit" in jws.header:
        raise _fault("token_type_wrong", "must have typ dpop+jwt and no critical extensions")
    named = jws.header.get("alg")
    if named not in PROOF_ALGORITHMS:
        raise _fault("algorithm_not_allowed", f"must be signed with one of {', '.join(PROOF_ALGORITHMS)}")
    algorithm = "EdDSA" if named == "Ed25519" else str(named)
    public_key = _parse_key(jws.header.get("jwk"))
    if not public_key.fits(algorithm):
        raise _fault("algorithm_not_allowed", "has a jwk that does not fit its alg")
    if not public_key.is_signature(algorithm, jws.signing_input, jws.signature):
        raise _fault("signature_wrong", "has a signature that does not match its jwk")
    claims = jws.payload
    jti, htu, iat, nonce = claims.get("jti"), claims.get("htu"), claims.get("iat"), claims.get("nonce")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 256:
        raise _fault("proof_malformed", "must have a jti of 1 to 256 characters")
    if claims.get("htm") != method or not isinstance(htu, str) or not _is_same_target(htu, url):
        raise _fault(
            "proof_wrong", "is for another request: its htm and htu must be the method and URL of this request"
        )
    if not is_number(iat):
        raise _fault("proof_malformed", "must have a number as its iat")
    if not now - _MAX_AGE_SECONDS <= iat <= now + _CLOCK_SKEW_SECONDS:
        raise _fault("token_expired", "is too old, or has an iat in the future")
    if "nbf" in claims:
        not_before = claims["nbf"]
        if not is_number(not_before) or not_before > now + _CLOCK_SKEW_SECONDS:
            raise _fault("token_not_yet_valid", "is not valid yet, or has an nbf that is not a number")
    if claims.get("ath") != encode_base64url(hashlib.sha256(access_token.encode()).digest()):
        raise _fault("proof_wrong", "must have the hash of the access token as its ath")
    if "nonce" in claims and not isinstance(nonce, str):
        raise _fault("proof_malformed", "must have a string as its nonce")
    return DpopProof(public_key.thumbprint, jti, nonce, iat + _MAX_AGE_SECONDS)


def _fault(reason: str, predicate: str) -> GuardError:
    return GuardError("invalid_dpop_proof", f"The DPoP proof {predicate}.", reason=reason, scheme="DPoP")


def _parse_key(jwk: object) -> PublicKey:
    try:
        return parse_public_key(jwk)
    except PublicKeyError as error:
        raise _fault("key_weak", f"must have a public key as its jwk, and this one {error}") from error


def _is_same_target(one: str, other: str) -> bool:
    """Compare normalized URLs without query and fragment; False if either is not a URL. RFC 9449 §4.3 step 9."""
    target = _normalize(one)
    return target is not None and target == _normalize(other)


def _normalize(url: str) -> str | None:
    if re.search(r"[\x00-\x20\x7f\\]", url) is not None:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or not host.isascii() or parts.username is not None:
        return None
    address = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{address}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")
    return origin + _remove_dot_segments(quote(parts.path, safe="/%:@!$&'()*+,;=~[]|^-._"))


def _remove_dot_segments(path: str) -> str:
    """RFC 3986 §5.2.4. A dot may be percent-encoded, as the URL Standard has it."""
    segments: list[str] = []
    names = path.split("/")[1:]
    for i, name in enumerate(names):
        dots = re.sub("%2e", ".", name, flags=re.IGNORECASE)
        if dots == "..":
            segments[-1:] = []
        elif dots != ".":
            segments.append(name)
        if dots in (".", "..") and i == len(names) - 1:
            segments.append("")
    return "/" + "/".join(segments)


_STEP_SECONDS: Final = 10
"""Expiries are counted in steps of so many seconds."""

_REMOVED_PER_USE: Final = 2
"""How many expired proofs are removed for each that is added; more than one, so that the memory shrinks."""


class UsedProofs:
    """Keeps proofs in this process until they expire.

    If too many proofs of one client are in use at once it raises ``too_many_requests`` for that client rather than forget one. An
    API with several processes needs a shared store, or else each process accepts a proof once.
    """

    def __init__(
        self,
        *,
        most_of_client: int = 100_000,
        most_of_all: int = 1_000_000,
        now: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._most_of_client = most_of_client
        self._most_of_all = most_of_all
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # By the clock that never jumps: one that was ahead for a moment must not make proofs usable again.
        self._forget_at: dict[tuple[str, str], float] = {}
        self._remembered: defaultdict[str, int] = defaultdict(int)
        self._expiring: dict[int, defaultdict[str, int]] = {}
        self._all = 0
        self._swept_at = -math.inf

    def __call__(self, jkt: str, jti: str, expires_at: float, client_id: str) -> bool:
        with self._lock:
            now = self._monotonic()
            for proof in [proof for proof, _ in zip(self._forget_at, range(_REMOVED_PER_USE), strict=False)]:
                if self._forget_at[proof] >= now:
                    break
                del self._forget_at[proof]
            if (jkt, jti) in self._forget_at:
                return False
            forget_at = now + expires_at - self._now()
            self._take(client_id, now, forget_at)
            self._forget_at[jkt, jti] = forget_at
            return True

    def reset_after_fork(self) -> None:
        self._lock = threading.Lock()

    def _take(self, client_id: str, now: float, forget_at: float) -> None:
        self._sweep(int(now // _STEP_SECONDS))
        own = self._remembered.get(client_id, 0)
        is_fair = self._all < self._most_of_all or own < self._most_of_all / len(self._remembered)
        if own >= self._most_of_client or not is_fair:
            step = min((step for step, counts in self._expiring.items() if client_id in counts), default=0)
            retry_after = max(1, math.ceil((step + 1) * _STEP_SECONDS - now))
            raise GuardError(
                "too_many_requests",
                f"The client used {own} one-time tokens (DPoP proofs or assertions) that have not expired: let them expire "
                f"sooner, or retry in {retry_after} seconds.",
                reason="use_budget_spent",
                retry_after_seconds=retry_after,
            )
        step = int(forget_at // _STEP_SECONDS)
        self._expiring.setdefault(step, defaultdict(int))[client_id] += 1
        self._remembered[client_id] = own + 1
        self._all += 1

    def _sweep(self, step_now: int) -> None:
        if step_now == self._swept_at:
            return
        self._swept_at = step_now
        for step in [step for step in self._expiring if step < step_now]:
            for client_id, count in self._expiring.pop(step).items():
                self._all -= count
                self._remembered[client_id] -= count
                if self._remembered[client_id] <= 0:
                    del self._remembered[client_id]
