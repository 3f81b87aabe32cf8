"""Judges the public keys of issuers and of DPoP proofs. RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, RFC 8725 §3.4, RFC 7638 §3."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from jwt.algorithms import get_default_algorithms

from .jws import decode_base64url, encode_base64url

Key = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey

ALGORITHMS: Final = ("ES256", "EdDSA", "RS256", "PS256")
"""The supported signature algorithms."""

_LEAST_RSA_BITS: Final = 2_048
_MOST_RSA_BITS: Final = 4_096

_LEAST_EXPONENT: Final = 65_537
_MOST_EXPONENT: Final = 0xFFFF_FFFF

_LONGEST_MEMBER: Final = 2_000

_CURVES: Final[Mapping[str, tuple[int, EllipticCurve]]] = {
    "P-256": (32, SECP256R1()),
    "P-384": (48, SECP384R1()),
    "P-521": (66, SECP521R1()),
}
"""The bytes of a coordinate, and the curve."""

_ALGORITHMS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),
}

_PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv")

_FIELD_PRIME: Final = 2**255 - 19
_ORDER_EIGHT: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_LOW_ORDERS: Final = frozenset({0, 1, _FIELD_PRIME - 1, _ORDER_EIGHT, _FIELD_PRIME - _ORDER_EIGHT})
"""y of the points under which one signature is valid for many messages."""

_verifiers: Final = get_default_algorithms()


class PublicKeyError(ValueError):
    """Why a key is not used: a predicate such as "has a use other than sig"."""


@dataclass(frozen=True)
class PublicKey:
    """A key that may verify signatures."""

    key: Key
    members: Mapping[str, str]
    """Its required members, which identify it."""

    @property
    def thumbprint(self) -> str:
        canonical = json.dumps(dict(sorted(self.members.items())), separators=(",", ":"))
        return encode_base64url(hashlib.sha256(canonical.encode()).digest())

    def fits(self, algorithm: str) -> bool:
        """Whether the key has the type that the algorithm requires."""
        if algorithm == "ES256":
            return isinstance(self.key, EllipticCurvePublicKey) and isinstance(self.key.curve, SECP256R1)
        if algorithm == "EdDSA":
            return isinstance(self.key, Ed25519PublicKey)
        return algorithm in ("RS256", "PS256") and isinstance(self.key, RSAPublicKey)

    def is_signature(self, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
        """Whether the signature is valid. The key must fit the algorithm."""
        try:
            return bool(_verifiers[algorithm].verify(signing_input, self.key, signature))
        except ValueError:
            return False


def parse_public_key(jwk: object) -> PublicKey:
    """Return the key that a JWK describes.

    Raises ``PublicKeyError`` unless it is a public key for signatures, of a kind and size that is neither weak nor expensive, in
    the one form that its kind has. Does not check whose key it is.
    """
    if not isinstance(jwk, dict):
        # A list is an object in JavaScript, and gets the same answer here.
        raise PublicKeyError("has a kty other than RSA, EC and OKP" if isinstance(jwk, list) else "is not a JWK")
    if any(member in jwk for member in _PRIVATE_MEMBERS):
        raise PublicKeyError("has private members: send the public key only")
    if "use" in jwk and jwk["use"] != "sig":
        raise PublicKeyError("has a use other than sig")
    if "key_ops" in jwk and jwk["key_ops"] != ["verify"]:
        raise PublicKeyError("has key_ops other than verify")
    kty = jwk.get("kty")
    if kty == "RSA":
        kind, public_key = "RSA", _parse_rsa(jwk)
    elif kty == "EC":
        kind, public_key = str(jwk.get("crv")), _parse_ec(jwk)
    elif kty == "OKP":
        kind, public_key = "Ed25519", _parse_ed25519(jwk)
    else:
        raise PublicKeyError("has a kty other than RSA, EC and OKP")
    if "alg" in jwk and jwk["alg"] not in _ALGORITHMS_OF[kind]:
        raise PublicKeyError("has an alg for signatures that its kty does not have")
    return public_key


def _require_bytes(jwk: Mapping[str, Any], member: str) -> bytes:
    text = jwk.get(member)
    data = decode_base64url(text) if isinstance(text, str) and len(text) <= _LONGEST_MEMBER else None
    if data is None:
        raise PublicKeyError(f"must have {member} in base64url")
    return data


def _parse_rsa(jwk: Mapping[str, Any]) -> PublicKey:
    n_bytes, e_bytes = _require_bytes(jwk, "n"), _require_bytes(jwk, "e")
    if n_bytes[0] == 0 or e_bytes[0] == 0:
        raise PublicKeyError("has a number that begins with zero bytes")
    n, e = int.from_bytes(n_bytes, "big"), int.from_bytes(e_bytes, "big")
    if not _LEAST_RSA_BITS <= n.bit_length() <= _MOST_RSA_BITS:
        raise PublicKeyError(f"must have {_LEAST_RSA_BITS} to {_MOST_RSA_BITS} bits")
    if n % 2 == 0:
        raise PublicKeyError("has an even modulus")
    if not _LEAST_EXPONENT <= e <= _MOST_EXPONENT or e % 2 == 0:
        raise PublicKeyError("must have an odd exponent from 65537 to 4294967295")
    try:
        key = RSAPublicNumbers(e, n).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublicKeyError("is not an RSA key") from error
    return PublicKey(key, {"e": cast(str, jwk["e"]), "kty": "RSA", "n": cast(str, jwk["n"])})


def _parse_ec(jwk: Mapping[str, Any]) -> PublicKey:
    x, y = _require_bytes(jwk, "x"), _require_bytes(jwk, "y")
    crv = jwk.get("crv")
    if not isinstance(crv, str) or crv not in _CURVES:
        raise PublicKeyError("has a curve other than P-256, P-384 and P-521")
    length, curve = _CURVES[crv]
    if len(x) != length or len(y) != length:
        raise PublicKeyError("has a coordinate of another length than its curve")
    try:
        numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve)
        key = numbers.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublicKeyError("is not a point on its curve") from error
    return PublicKey(key, {"crv": crv, "kty": "EC", "x": encode_base64url(x), "y": encode_base64url(y)})


def _parse_ed25519(jwk: Mapping[str, Any]) -> PublicKey:
    x = _require_bytes(jwk, "x")
    if jwk.get("crv") != "Ed25519":
        raise PublicKeyError("has a curve other than Ed25519")
    if len(x) != 32:
        raise PublicKeyError("must have an x of 32 bytes")
    y = int.from_bytes(x, "little") & (2**255 - 1)
    if y >= _FIELD_PRIME or y in _LOW_ORDERS:
        raise PublicKeyError("is a point of low order, or no point")
    try:
        key = Ed25519PublicKey.from_public_bytes(x)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublicKeyError("is not a point on its curve") from error
    return PublicKey(key, {"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(x)})
