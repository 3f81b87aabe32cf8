"""Compact JWS as text, before any key is involved. RFC 7515 §3.1 and §7.1."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeGuard

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")

_LONGEST_INTEGER: Final = 17
"""Integers with more digits are read as floats, as JavaScript and most guards do."""


@dataclass(frozen=True)
class DecodedJws:
    """Header, payload and signature, of which nothing may be trusted yet."""

    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    signing_input: bytes
    signature: bytes


def decode_jws(token: str) -> DecodedJws | None:
    """Return the parts of a compact JWS whose header and payload are JSON objects, or None for anything else.

    Takes canonical base64url only, so that one token has one text. Does not check the signature or any claim.
    """
    parts = token.split(".", 3)
    if len(parts) != 3:
        return None
    header, payload = _decode_object(parts[0]), _decode_object(parts[1])
    signature = decode_base64url(parts[2])
    if header is None or payload is None or signature is None:
        return None
    return DecodedJws(header, payload, token[: token.rindex(".")].encode("ascii"), signature)


def decode_base64url(text: object) -> bytes | None:
    """Decode base64url without padding in its one form; None for anything else. RFC 7515 §2, RFC 4648 §3.5."""
    if not isinstance(text, str) or _BASE64URL.fullmatch(text) is None:
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return data if encode_base64url(data) == text else None


def encode_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def as_safe_integer(value: object) -> int | None:
    """Return an integer that every language has, also if it is written as 3.0; None for anything else."""
    if not is_number(value) or value != int(value) or abs(value) > 2**53 - 1:
        return None
    return int(value)


def _decode_object(part: str) -> Mapping[str, Any] | None:
    data = decode_base64url(part)
    if data is None:
        return None
    try:
        value = json.loads(data.decode("utf-8"), parse_int=_parse_integer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _parse_integer(text: str) -> int | float:
    return int(text) if len(text) <= _LONGEST_INTEGER else float(text)


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError(name)
