"""The keys of an issuer: found through its metadata, cached, fetched again for an unknown key. RFC 8414 §3, RFC 7517 §5, RFC 9111 §5.2."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from .access_token import VerificationKey
from .documents import Fetch, fetch_document, is_confidential, well_known_url
from .errors import unavailable
from .public_key import ALGORITHMS, PublicKeyError, parse_public_key

_TIMEOUT_SECONDS: Final = 5.0
_MAX_BYTES: Final = 262_144
_MAX_KEYS: Final = 100

# Seconds until keys are stale: the max-age of the answer within these limits, or the default.
_MIN_AGE: Final = 30.0
_DEFAULT_AGE: Final = 300.0
_MAX_AGE: Final = 86_400.0

_GRACE: Final = 3_600.0
"""Seconds for which stale keys are still used while they cannot be fetched, which says nothing about them."""

_COOLDOWN: Final = 30.0
"""Seconds after a successful fetch before the next one."""

_RETRY: Final = 1.0
"""Seconds before a failed fetch is repeated."""


KeyUse = Literal["sig", "revocation_feed"]
"""What the keys of a set are for: ``sig`` for tokens. A key for tokens may have no ``use``, one for the feed must have its own."""

_KEY_SETS: Final[Mapping[KeyUse, tuple[str, str]]] = {
    "sig": ("jwks_uri", "keys"),
    "revocation_feed": ("revocation_feed_jwks_uri", "keys of the revocation feed"),
}
"""The keys of each use: the member of the metadata that names them, and what an operator reads of them."""


class OtherIssuerError(Exception):
    """Metadata of another issuer, which no later attempt makes right."""


class IssuerKeys:
    """Keeps the keys of one issuer. All methods may be called by several threads."""

    def __init__(
        self,
        issuer: str,
        *,
        use: KeyUse,
        allow_http: bool,
        fetch: Fetch,
        monotonic: Callable[[], float],
        on_fault: Callable[[Exception], None],
    ) -> None:
        self._issuer = issuer
        self._use: KeyUse = use
        self._member, self._name = _KEY_SETS[use]
        self._allow_http = allow_http
        self._fetch = fetch
        self._monotonic = monotonic
        self._on_fault = on_fault
        self._keys: Mapping[str, tuple[str, VerificationKey]] = {}
        self._fresh_until = -math.inf
        self._attempt_from = -math.inf
        self._renewed_at = -math.inf
        self._fault: Exception | None = None
        self._loading = threading.Lock()

    def find(self, kid: str) -> VerificationKey | None:
        """Return the cached key with this id. Fetches the keys again in the background if they are stale."""
        now = self._monotonic()
        if now >= self._fresh_until:
            self._refresh_in_background()
        if now >= self._fresh_until + _GRACE:
            return None
        found = self._keys.get(kid)
        return found and found[1]

    def is_fetch_due(self) -> bool:
        """Whether ``fetch`` would send a request, or wait for one."""
        return self._loading.locked() or self._monotonic() >= self._attempt_from

    def fetch(self, kid: str) -> VerificationKey | None:
        """Fetch the keys for one that is not cached. Raises ``temporarily_unavailable`` if the issuer cannot be reached."""
        self._refresh()
        key = self.find(kid)
        fault = self._fault
        if key is None and fault is not None:
            raise unavailable("keys_unavailable", _describe(fault)) from fault
        return key

    def load(self) -> None:
        """Fetch all keys. Raises the fault if that fails."""
        self._refresh()
        if self._fault is not None:
            raise self._fault

    def renew(self) -> None:
        """Fetch the keys again in the background, since one was revoked and another one signs instead."""
        self._renewed_at = self._attempt_from = self._monotonic()
        self._refresh_in_background()

    def reset_after_fork(self) -> None:
        self._loading = threading.Lock()

    def _refresh_in_background(self) -> None:
        if not self._loading.locked() and self._monotonic() >= self._attempt_from:
            threading.Thread(target=self._refresh, name="postern-guard-keys", daemon=True).start()

    def _refresh(self) -> None:
        """Fetch the keys, unless that happened a moment ago. All callers wait for the same fetch."""
        with self._loading:
            if self._monotonic() < self._attempt_from:
                return
            try:
                document, headers = self._fetch_jwks()
                self._keys = _read_keys(document, self._keys, self._use)
            except Exception as error:
                self._fault = error
                self._attempt_from = self._monotonic() + _RETRY
                self._on_fault(RuntimeError(f"Cannot fetch the {self._name} of {self._issuer}: {error}"))
                return
            now = self._monotonic()
            self._fresh_until = now + _read_max_age(headers.get("cache-control", ""))
            # What was fetched just now may be of a node that has not heard of the change yet.
            self._attempt_from = now + (_RETRY if now - self._renewed_at < _COOLDOWN else _COOLDOWN)
            self._fault = None

    def _fetch_jwks(self) -> tuple[Any, Mapping[str, str]]:
        """The issuer in the document must equal the requested one, character by character. RFC 8414 §3.3."""
        url = well_known_url("oauth-authorization-server", self._issuer)
        metadata, _ = fetch_document(self._fetch, url, timeout=_TIMEOUT_SECONDS, max_bytes=_MAX_BYTES)
        members = metadata if isinstance(metadata, dict) else {}
        if members.get("issuer") != self._issuer:
            raise OtherIssuerError(
                f"the metadata at {url} name another issuer, {json.dumps(members.get('issuer'))}, than the guard was created "
                f"with, {json.dumps(self._issuer)}; both must be equal, character by character"
            )
        jwks_uri = members.get(self._member)
        if not isinstance(jwks_uri, str) or not is_confidential(jwks_uri, allow_http=self._allow_http):
            raise OSError(f"the document at {url} has no https URL as its {self._member}")
        return fetch_document(self._fetch, jwks_uri, timeout=_TIMEOUT_SECONDS, max_bytes=_MAX_BYTES)


def _describe(fault: Exception) -> str:
    """For callers, who cannot change how the API is set up."""
    if isinstance(fault, OtherIssuerError):
        return "This API is set up for another issuer than the one at that address. Its operator must correct that."
    return "Signing keys of the issuer are unavailable. Try again later."


def _read_keys(
    document: object, known: Mapping[str, tuple[str, VerificationKey]], use: KeyUse
) -> Mapping[str, tuple[str, VerificationKey]]:
    """Ignores keys that must not be used. An unchanged key is the same object as in ``known``."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise OSError("the document with the keys is not a JWK set")
    if len(keys) > _MAX_KEYS:
        raise OSError(f"the JWK set has more than {_MAX_KEYS} keys")
    found: dict[str, tuple[str, VerificationKey]] = {}
    for jwk in keys:
        if not isinstance(jwk, dict):
            continue
        kid, alg, text = jwk.get("kid"), _algorithm_of(jwk), json.dumps(jwk)
        if not isinstance(kid, str) or alg is None:
            continue
        if kid in known and known[kid][0] == text:
            found[kid] = known[kid]
            continue
        try:
            # `parse_public_key` knows one purpose only.
            for_signatures = jwk if use == "sig" else {**jwk, "use": "sig" if jwk.get("use") == use else "other"}
            public_key = parse_public_key(for_signatures)
        except PublicKeyError:
            continue
        if public_key.fits(alg):
            found[kid] = (text, VerificationKey(kid, alg, public_key))
    return found


def _algorithm_of(jwk: Mapping[str, Any]) -> str | None:
    """RSA keys need ``alg``, since RS256 and PS256 use the same keys."""
    if "alg" in jwk:
        alg = jwk["alg"]
        return alg if isinstance(alg, str) and alg in ALGORITHMS else None
    crv = jwk.get("crv")
    return {"P-256": "ES256", "Ed25519": "EdDSA"}.get(crv) if isinstance(crv, str) else None


def _read_max_age(cache_control: str) -> float:
    if re.search(r"\bno-(store|cache)\b", cache_control, re.IGNORECASE):
        return _MIN_AGE
    found = re.search(r"\bmax-age=([0-9]{1,9})", cache_control, re.IGNORECASE)
    age = float(found[1]) if found else _DEFAULT_AGE
    return min(max(age, _MIN_AGE), _MAX_AGE)
