"""A verified access token, and how one is verified: form, key, signature, type, issuer, audience and times. RFC 9068 §2 and §4."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .errors import invalid_token
from .jws import DecodedJws, as_safe_integer, decode_jws, is_number
from .public_key import PublicKey

MAX_TOKEN_LENGTH: Final = 16_384
"""Characters. Longer tokens are not decoded."""

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


ACCESS_TOKEN_TYPS: Final = ("at+jwt", "JWT")
"""The types of access tokens. ``at+jwt`` tells them from every other JWT; ``JWT`` is for APIs whose verifiers know no other."""


@dataclass(frozen=True)
class VerificationKey:
    """A key that the issuer publishes."""

    kid: str
    alg: str
    public_key: PublicKey


@dataclass(frozen=True)
class Confirmation:
    """What a token is bound to: exactly one of the two. RFC 7800 §3.1."""

    jkt: str | None = None
    """Thumbprint of the key that signs its DPoP proofs. RFC 9449 §6.1."""
    x5t_s256: str | None = None
    """Thumbprint of the required client certificate. RFC 8705 §3.1."""


@dataclass(frozen=True)
class AccessToken:
    """A verified access token, as an API sees it."""

    issuer: str
    subject: str
    client_id: str
    audience: tuple[str, ...]
    jti: str
    kid: str
    """The id of the key that signed it."""
    scopes: frozenset[str]
    generation: int
    """The generation of the client when the token was issued. All its tokens are revoked when its generation rises."""
    confirmation: Confirmation | None
    """What the token is bound to; None for a plain bearer token."""
    issued_at: float
    """Seconds since 1970."""
    expires_at: float
    """Seconds since 1970."""
    claims: Mapping[str, Any]
    """All verified claims, as they are in the token."""


def decode_access_token(text: str, accept_typ: Collection[str]) -> DecodedJws:
    """Decode an access token. Raises ``invalid_token`` if it is not a JWT of an accepted type. Does not verify anything."""
    jws = decode_jws(text) if len(text) <= MAX_TOKEN_LENGTH else None
    if jws is None:
        raise invalid_token("token_malformed")
    typ = jws.header.get("typ")
    if ("at+jwt" if typ == "application/at+jwt" else typ) not in list(accept_typ):
        raise invalid_token("token_type_wrong")
    # No header extension is supported, so a token with a critical one is rejected (RFC 7515 §4.1.11).
    if "crit" in jws.header or not isinstance(jws.header.get("kid"), str):
        raise invalid_token("token_malformed")
    return jws


def verify_access_token(
    jws: DecodedJws,
    key: VerificationKey | None,
    now: float,
    *,
    issuer: str,
    audience: str,
    algorithms: Collection[str],
    clock_skew_seconds: float,
) -> AccessToken:
    """Return the verified token. ``key`` is the issuer's key of its ``kid``, or None if the issuer has none.

    Raises ``invalid_token``, with the reason for the log. Does not check scopes, revocations, or what the token is bound to.
    """
    if jws.payload.get("iss") != issuer:
        raise invalid_token("issuer_wrong")
    if key is None:
        raise invalid_token("key_unknown")
    if jws.header.get("alg") != key.alg or key.alg not in algorithms:
        raise invalid_token("algorithm_not_allowed")
    if not key.public_key.is_signature(key.alg, jws.signing_input, jws.signature):
        raise invalid_token("signature_wrong")
    token = _parse_claims(jws, key.kid)
    if now >= token.expires_at + clock_skew_seconds:
        raise invalid_token("token_expired")
    if "nbf" in token.claims:
        not_before = token.claims["nbf"]
        if not is_number(not_before) or not_before > now + clock_skew_seconds:
            raise invalid_token("token_not_yet_valid")
    if audience not in token.audience:
        raise invalid_token("audience_wrong")
    return token


def _parse_claims(jws: DecodedJws, kid: str) -> AccessToken:
    payload = jws.payload
    issuer, subject, client_id, jti, scope = (payload.get(name) for name in ("iss", "sub", "client_id", "jti", "scope"))
    generation, issued_at, expires_at = as_safe_integer(payload.get("gen")), payload.get("iat"), payload.get("exp")
    if (
        not isinstance(issuer, str)
        or not isinstance(subject, str)
        or not isinstance(client_id, str)
        or not isinstance(jti, str)
        or not isinstance(scope, str)
        or generation is None
        or not is_number(issued_at)
        or not is_number(expires_at)
    ):
        raise invalid_token("claims_malformed")
    aud = payload.get("aud")
    audience: list[Any] = aud if isinstance(aud, list) else [aud]
    if not audience or not all(isinstance(one, str) for one in audience):
        raise invalid_token("audience_wrong")
    if scope != "" and _SCOPE.fullmatch(scope) is None:
        raise invalid_token("claims_malformed")
    return AccessToken(
        issuer=issuer,
        subject=subject,
        client_id=client_id,
        audience=tuple(audience),
        jti=jti,
        kid=kid,
        scopes=frozenset(scope.split(" ")) if scope else frozenset(),
        generation=generation,
        confirmation=_parse_confirmation(payload["cnf"]) if "cnf" in payload else None,
        issued_at=issued_at,
        expires_at=expires_at,
        claims=payload,
    )


def _parse_confirmation(cnf: object) -> Confirmation:
    """An unknown binding is rejected, since it cannot be checked."""
    if isinstance(cnf, dict) and len(cnf) == 1:
        ((name, thumbprint),) = cnf.items()
        if isinstance(thumbprint, str):
            if name == "jkt":
                return Confirmation(jkt=thumbprint)
            if name == "x5t#S256":
                return Confirmation(x5t_s256=thumbprint)
    raise invalid_token("claims_malformed")
