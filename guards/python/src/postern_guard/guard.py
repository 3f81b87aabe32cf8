"""The guard of an API: verifies the tokens of one issuer by its published keys and, if configured, follows which of them are
revoked. RFC 6750 §2.1, RFC 9068 §4, RFC 9728, RFC 9449 §7, RFC 8705 §3.

Without ``revocations``, a token is accepted until it expires, even if it or its client is revoked.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import re
import time
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from .access_token import ACCESS_TOKEN_TYPS, AccessToken, VerificationKey, decode_access_token, verify_access_token
from .documents import Fetch, fetch_url, is_confidential, well_known_url
from .dpop import DpopNonces, DpopProof, UsedProofs, UseProof, verify_dpop_proof
from .errors import PROOF_ALGORITHMS, GuardError, Scheme, invalid_token, unavailable
from .issuer_keys import IssuerKeys
from .public_key import ALGORITHMS
from .revocation_follower import RevocationFollower, TokenSource

_logger: Final = logging.getLogger("postern_guard")

_AUTHORIZATION: Final = re.compile(r"(bearer|dpop)\b *", re.IGNORECASE | re.ASCII)

_MAX_FEED_WAIT: Final = 20
"""Seconds that the feed is asked to wait at most."""

_FIRST_ANSWER_TIMEOUT: Final = 5.0
"""Seconds that a call waits for the first answer of the revocation feed."""

_LEAST_MAX_ENTRIES: Final = 1_000


@dataclass(frozen=True)
class Revocations:
    """How the guard follows revocations."""

    token: TokenSource
    """Has the token that reads the feed: ``ClientCredentials`` of a client with the scope ``revocation:read``."""
    max_staleness_seconds: float = 60
    """Seconds that the known revocations may lag behind the issuer, at least 2."""
    when_stale: Literal["closed", "open"] = "closed"
    """If they lag further behind, ``closed`` rejects all calls with 503, ``open`` continues with those known so far."""
    max_entries: int = 500_000
    """How many revoked tokens and changed clients are kept in memory; they take about 200 MB."""

    def __post_init__(self) -> None:
        if not self.max_staleness_seconds >= 2:
            raise ValueError(f"max_staleness_seconds: {self.max_staleness_seconds} is less than 2")
        if not self.max_entries >= _LEAST_MAX_ENTRIES:
            raise ValueError(f"max_entries: {self.max_entries} is less than {_LEAST_MAX_ENTRIES}")
        if self.when_stale not in ("closed", "open"):
            raise ValueError(f"when_stale: {self.when_stale!r} is neither 'closed' nor 'open'")

    @property
    def wait_seconds(self) -> int:
        """Short enough that a feed without news answers before ``max_staleness_seconds`` have passed."""
        return min(max(int(self.max_staleness_seconds // 3), 1), _MAX_FEED_WAIT)


@dataclass(frozen=True)
class GuardedRequest:
    """The parts of a request that a guard reads. Repeated headers are joined by a comma and a space. RFC 9110 §5.3."""

    method: str
    path: str
    """The path as the caller sent it, with or without its query."""
    authorization: str | None = None
    dpop: str | None = None
    certificate_thumbprint: str | Callable[[], str | None] | None = None
    """``x5t#S256`` of the client certificate, or a function that finds it. Read only for a token that is bound to one."""


@dataclass(frozen=True)
class Decision:
    """The result of authorizing one request, for metrics."""

    outcome: str
    """``passed``, or the error code."""
    reason: str | None
    """Why the request was rejected, for the operator; None if it passed, or if the code says all."""
    duration_seconds: float


class _WouldWaitError(Exception):
    """The decision needs an answer of the issuer first."""


class Guard:
    """All methods may be called by several threads."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        base_url: str | None = None,
        allow_http: bool = False,
        algorithms: Collection[str] = ALGORITHMS,
        accept_typ: Collection[str] = ("at+jwt",),
        clock_skew_seconds: float = 5,
        token_cache_size: int = 10_000,
        revocations: Revocations | None = None,
        use_proof: UseProof | None = None,
        dpop_nonces: DpopNonces | None = None,
        resource: Mapping[str, Any] | None = None,
        on_decision: Callable[[Decision], None] | None = None,
        on_fault: Callable[[Exception], None] | None = None,
        fetch: Fetch = fetch_url,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ``ValueError`` for invalid options.

        issuer: exactly as in the metadata of the authorization server: an https URL, or http on this machine.
        audience: the ``aud`` of tokens for this API: the identifier of its resource.
        base_url: the URL before the path that the API sees, as callers use it, for DPoP; the origin of ``audience``, if None.
        allow_http: the issuer and its keys may be reached by plain http on another machine, for networks that encrypt every
            connection themselves, such as a service mesh. Anywhere else, whoever can change what is sent can forge tokens.
        algorithms: the accepted signature algorithms.
        accept_typ: the accepted types of tokens. ``JWT`` is for an API whose resource has it as its ``access_token_typ``; any JWT
            that the issuer signs may have it, so that the type no longer tells an access token from another.
        clock_skew_seconds: by how much the clocks of this machine and the issuer may differ.
        token_cache_size: how many recently used tokens are kept so that their signature is not verified again; 0 for none.
        revocations: None means that revocations are not followed.
        use_proof: keeps used DPoP proofs where all processes of the API see them; in this process, if None.
        dpop_nonces: None means that proofs need no nonce.
        resource: more members of the metadata of the API, such as ``resource_name`` and ``scopes_supported``. RFC 9728 §2.
        on_decision: called with every decision.
        on_fault: called if the issuer cannot be reached or too many tokens are revoked; logs to ``postern_guard``, if None.
        fetch: sends requests to the issuer.
        now: seconds since 1970. monotonic: seconds by a clock that never jumps.
        """
        if not is_confidential(issuer, allow_http=allow_http):
            hint = "" if allow_http else ", and allow_http is not set"
            raise ValueError(f'issuer: "{issuer}" is neither an https URL nor an http URL of this machine{hint}')
        _require_known("algorithms", algorithms, ALGORITHMS)
        _require_known("accept_typ", accept_typ, ACCESS_TOKEN_TYPS)
        self.issuer = issuer
        self.audience = audience
        self._base_url = _read_base_url(audience, base_url)
        self._algorithms = frozenset(algorithms)
        self._accept_typ = frozenset(accept_typ)
        self._clock_skew_seconds = clock_skew_seconds
        self._revocations = revocations
        self._used_proofs = UsedProofs(now=now, monotonic=monotonic)
        self._use_proof = use_proof or self._used_proofs
        self._dpop_nonces = dpop_nonces
        self._on_decision = on_decision
        self._now = now
        self._verified = _VerifiedTokens(token_cache_size)
        report = on_fault or _FaultLog()
        self._keys = IssuerKeys(
            issuer, use="sig", allow_http=allow_http, fetch=fetch, monotonic=monotonic, on_fault=report
        )
        self._feed_keys = IssuerKeys(
            issuer, use="revocation_feed", allow_http=allow_http, fetch=fetch, monotonic=monotonic, on_fault=report
        )
        self._follower: RevocationFollower | None = None
        if revocations is not None:
            self._follower = RevocationFollower(
                issuer,
                fetch=fetch,
                token=revocations.token,
                wait_seconds=revocations.wait_seconds,
                clock_skew_seconds=clock_skew_seconds,
                max_entries=revocations.max_entries,
                now=now,
                monotonic=monotonic,
                on_fault=report,
                find_feed_key=self._find_feed_key,
                on_key_revoked=self._renew_keys,
            )
        is_url = re.match(r"https?://", audience) is not None
        self.resource_metadata_url = well_known_url("oauth-protected-resource", audience) if is_url else None
        """Where the metadata of the API are served; None if its audience is no URL. RFC 9728 §3.1."""
        self.resource_metadata: Mapping[str, Any] = {
            "resource": audience,
            "authorization_servers": [issuer],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
            **(resource or {}),
        }

        _guards.add(self)

    def _renew_keys(self) -> None:
        self._keys.renew()
        self._feed_keys.renew()

    def _find_feed_key(self, kid: str) -> VerificationKey | None:
        known = self._feed_keys.find(kid)
        if known is None:
            self._feed_keys.load()
            known = self._feed_keys.find(kid)
        return known

    def start(self) -> None:
        """Fetch the keys and begin to follow revocations, which otherwise happens at the first call.

        Raises if the first attempt fails, and continues to retry. Calls need not wait for it.
        """
        if self._follower is not None:
            self._follower.start()
        self._keys.load()
        if self._follower is not None:
            self._follower.wait_for_first_attempt()

    def reset_after_fork(self) -> None:
        """The threads of the parent process do not exist in this one, which may have had their locks."""
        self._keys.reset_after_fork()
        self._feed_keys.reset_after_fork()
        self._used_proofs.reset_after_fork()
        if self._follower is not None:
            self._follower.reset_after_fork()

    def close(self) -> None:
        """Stop following revocations."""
        if self._follower is not None:
            self._follower.close()

    def revocation_lag_seconds(self) -> float | None:
        """Seconds that the known revocations lag behind: infinite before the first answer, None if none are followed."""
        return None if self._follower is None else self._follower.lag_seconds()

    def authorize(self, request: GuardedRequest, scope: str) -> AccessToken:
        """Return the token of a request if it has the required ``scope``.

        That is one scope, several separated by spaces, which it must all have, or '' to accept every valid token. Raises
        ``GuardError``. Waits for the issuer if its keys or revocations are not known yet.
        """
        return self._decide(request, scope, may_wait=True)

    async def authorize_async(self, request: GuardedRequest, scope: str) -> AccessToken:
        """Like ``authorize``; if there is something to wait for, it waits in another thread."""
        try:
            return self._decide(request, scope, may_wait=False)
        except _WouldWaitError:
            return await asyncio.to_thread(self._decide, request, scope, may_wait=True)

    def require_active(self, token: AccessToken) -> None:
        """Raise ``invalid_token`` if a token that was accepted earlier is no longer active. Does not check its expiry."""
        try:
            self._require_active(token, may_wait=True)
        except GuardError as error:
            raise self._named(error) from None

    def _decide(self, request: GuardedRequest, scope: str, *, may_wait: bool) -> AccessToken:
        started_at = time.perf_counter()
        try:
            token = self._authorize(request, scope, may_wait=may_wait)
        except GuardError as error:
            self._report(error.code, error.reason, started_at)
            raise self._named(error) from error.__cause__
        self._report("passed", None, started_at)
        return token

    def _report(self, outcome: str, reason: str | None, started_at: float) -> None:
        if self._on_decision is not None:
            self._on_decision(Decision(outcome, reason, time.perf_counter() - started_at))

    def _named(self, error: GuardError) -> GuardError:
        """Every challenge names the metadata of the API. RFC 9728 §5.1."""
        error.resource_metadata = self.resource_metadata_url
        return error

    def _authorize(self, request: GuardedRequest, scope: str, *, may_wait: bool) -> AccessToken:
        scheme, text = _read_authorization(request.authorization)
        now = self._now()
        token = self._find_verified(text, now) or self._verify(text, now, may_wait=may_wait)
        confirmation = token.confirmation
        proof: DpopProof | None = None
        if scheme == "DPoP" or (confirmation is not None and confirmation.jkt is not None):
            proof = self._require_proof(request, scheme, text, token, now)
        if confirmation is not None and confirmation.x5t_s256 is not None:
            _require_certificate(request, confirmation.x5t_s256)
        self._require_active(token, may_wait=may_wait)
        _require_scope(token, scope, scheme)
        # Last, so that nobody fills the memory of used proofs with requests that are refused anyway.
        if proof is not None and not self._use_proof(proof.jkt, proof.jti, proof.expires_at, token.client_id):
            raise GuardError(
                "invalid_dpop_proof", "The DPoP proof was used before.", reason="token_replayed", scheme="DPoP"
            )
        return token

    def _find_verified(self, text: str, now: float) -> AccessToken | None:
        """Return a token that was verified earlier, has not expired since, and whose key the issuer still publishes."""
        found = self._verified.find(text)
        if found is None:
            return None
        token, key = found
        is_valid = now < token.expires_at + self._clock_skew_seconds and self._keys.find(key.kid) is key
        return token if is_valid else None

    def _verify(self, text: str, now: float, *, may_wait: bool) -> AccessToken:
        jws = decode_access_token(text, self._accept_typ)
        kid = str(jws.header["kid"])
        key = self._keys.find(kid)
        if key is None:
            if not may_wait and self._keys.is_fetch_due():
                raise _WouldWaitError
            key = self._keys.fetch(kid)
        token = verify_access_token(
            jws,
            key,
            now,
            issuer=self.issuer,
            audience=self.audience,
            algorithms=self._algorithms,
            clock_skew_seconds=self._clock_skew_seconds,
        )
        if key is not None:
            self._verified.add(text, (token, key))
        return token

    def _require_proof(
        self, request: GuardedRequest, scheme: Scheme, text: str, token: AccessToken, now: float
    ) -> DpopProof:
        """A bound token requires a proof of its key, and is never accepted as a plain Bearer token. RFC 9449 §7.1 and §7.2."""
        jkt = token.confirmation and token.confirmation.jkt
        if scheme != "DPoP" or request.dpop is None or jkt is None:
            raise invalid_token("proof_missing", "DPoP")
        proof = verify_dpop_proof(
            request.dpop, method=request.method, url=self._base_url + request.path, now=now, access_token=text
        )
        if proof.jkt != jkt:
            raise invalid_token("proof_wrong", "DPoP")
        nonces = self._dpop_nonces
        if nonces is not None and (proof.nonce is None or not nonces.is_valid(proof.nonce)):
            raise GuardError(
                "use_dpop_nonce",
                "The DPoP proof must carry the nonce of the DPoP-Nonce header.",
                reason="proof_wrong",
                scheme="DPoP",
                dpop_nonce=nonces.current(),
            )
        return proof

    def _require_active(self, token: AccessToken, *, may_wait: bool) -> None:
        """Known revocations hold, however old they are; ``when_stale`` is about those that are not known yet."""
        follower, revocations = self._follower, self._revocations
        if follower is None or revocations is None:
            return
        follower.start()
        lag_seconds = follower.lag_seconds()
        if lag_seconds == math.inf:
            if not may_wait:
                raise _WouldWaitError
            follower.wait_until_ready(_FIRST_ANSWER_TIMEOUT)
            lag_seconds = follower.lag_seconds()
        reason = follower.find_inactive_reason(token)
        if reason is not None:
            raise invalid_token(reason)
        if revocations.when_stale == "closed" and lag_seconds > revocations.max_staleness_seconds:
            raise unavailable(
                "revocations_stale",
                "It is unknown at the moment whether the token was revoked. Try again later.",
            )


def _require_known(option: str, names: Collection[str], known: Collection[str]) -> None:
    if isinstance(names, str) or not all(name in known for name in names):
        raise ValueError(f"{option}: each must be one of {', '.join(known)}")


def _read_base_url(audience: str, base_url: str | None) -> str:
    text = audience if base_url is None else base_url
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(
            f'audience: "{audience}" is not an http or https URL, so base_url is required'
            if base_url is None
            else f'base_url: "{base_url}" is not an http or https URL'
        )
    path = "" if base_url is None else parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _read_authorization(authorization: str | None) -> tuple[Scheme, str]:
    """A request with another scheme has no token. The text after the scheme is not validated yet."""
    found = _AUTHORIZATION.match(authorization or "")
    if authorization is None or found is None:
        raise GuardError("missing_token", "This call needs an access token: Authorization: Bearer <token>.")
    return ("DPoP" if len(found[1]) == 4 else "Bearer"), authorization[found.end() :].rstrip(" ")


def _require_certificate(request: GuardedRequest, bound: str) -> None:
    """A token that is bound to a certificate requires that certificate. Does not check who issued it. RFC 8705 §3."""
    presented = request.certificate_thumbprint
    if callable(presented):
        presented = presented()
    if presented != bound:
        raise invalid_token("certificate_missing" if presented is None else "certificate_wrong")


def _require_scope(token: AccessToken, scope: str, scheme: Scheme) -> None:
    """The challenge names all required scopes, the text those that are missing. RFC 6750 §3.1."""
    missing = [name for name in scope.split(" ") if name and name not in token.scopes]
    if missing:
        raise GuardError(
            "insufficient_scope",
            f"This call needs the scope {' '.join(missing)}, which the token lacks: request a token that has it.",
            reason="scope_missing",
            scope=scope,
            scheme=scheme,
        )


class _VerifiedTokens:
    """Tokens that were used last, by their text, in two halves: when the recent one is full, it becomes the older one."""

    def __init__(self, size: int) -> None:
        self._half_size = math.ceil(size / 2)
        self._recent: dict[str, tuple[AccessToken, VerificationKey]] = {}
        self._older: dict[str, tuple[AccessToken, VerificationKey]] = {}

    def find(self, text: str) -> tuple[AccessToken, VerificationKey] | None:
        found = self._recent.get(text)
        if found is None:
            found = self._older.get(text)
            if found is not None:
                self.add(text, found)
        return found

    def add(self, text: str, verified: tuple[AccessToken, VerificationKey]) -> None:
        if self._half_size == 0:
            return
        if len(self._recent) >= self._half_size:
            self._older, self._recent = self._recent, {}
        self._recent[text] = verified


class _FaultLog:
    """Logs what went wrong; the same message several times in a row only once."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, fault: Exception) -> None:
        message = str(fault)
        if message != self._last:
            self._last = message
            _logger.warning(message)


_guards: Final[weakref.WeakSet[Guard]] = weakref.WeakSet()


def _reset_guards() -> None:
    for guard in list(_guards):
        guard.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_guards)
