"""Finds the client certificate of a request in the header of a proxy that terminates TLS. RFC 8705 §3.1 and §6.3, RFC 9440 §2.2.

The header is read only on connections from trusted proxies.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Protocol
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .errors import GuardError
from .jws import encode_base64url

_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*")
_PROPERTY: Final = r'([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))'


class ThumbprintFinder(Protocol):
    """Returns ``x5t#S256`` of the client certificate of a request, or None if it has none."""

    def __call__(self, peer: str | None, headers: Sequence[tuple[str, str]]) -> str | None: ...


@dataclass(frozen=True)
class TrustedProxies:
    """Finds the certificate in the header that trusted proxies forward it in.

    addresses: the addresses and networks (CIDR) that they connect from. header: its name; they must remove it from requests of
    callers, also in the spelling with underscores.
    """

    addresses: Sequence[str]
    header: str
    _networks: list[IPv4Network | IPv6Network] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_networks", [ip_network(address) for address in self.addresses])

    def __call__(self, peer: str | None, headers: Sequence[tuple[str, str]]) -> str | None:
        if not self._is_trusted(peer):
            return None
        values = [value for name, value in headers if name.lower() == self.header.lower()]
        return parse_certificate_header(", ".join(values))

    def _is_trusted(self, peer: str | None) -> bool:
        try:
            address = ip_address(peer or "")
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def certificate_thumbprint(der: bytes) -> str:
    """The thumbprint of a certificate in DER. Does not check whether it is valid, or who issued it."""
    return encode_base64url(hashlib.sha256(der).digest())


def parse_certificate_header(header: str) -> str | None:
    """Return the thumbprint of the certificate in a header: as in RFC 9440, percent-encoded PEM, base64 of DER, or Envoy's list.

    None for an empty header, which some proxies send without a certificate. Raises ``invalid_request`` for anything that is not
    exactly one certificate. Does not check who sent the header, nor anything in the certificate.
    """
    text = header.strip()
    if text == "":
        return None
    try:
        return certificate_thumbprint(_to_der(text))
    except (ValueError, binascii.Error) as error:
        description = "The header of the proxy does not have exactly one client certificate."
        raise GuardError("invalid_request", description, reason="certificate_malformed") from error


def _to_der(text: str) -> bytes:
    """The forms are unambiguous, since each starts differently."""
    if text.startswith("-----"):
        return _pem_to_der(text)
    inner = text[1:-1] if text.startswith(":") and text.endswith(":") and len(text) > 2 else text
    if _BASE64.fullmatch(inner) is not None:
        return x509.load_der_x509_certificate(base64.b64decode(inner, validate=True)).public_bytes(Encoding.DER)
    return _pem_to_der(_find_property(text, "cert"))


def _pem_to_der(encoded: str) -> bytes:
    pem = unquote(encoded)
    if _PEM.fullmatch(pem) is None:
        raise ValueError("not exactly one certificate")
    return x509.load_pem_x509_certificate(pem.encode("ascii")).public_bytes(Encoding.DER)


def _find_property(text: str, name: str) -> str:
    """A property of Envoy's ``X-Forwarded-Client-Cert``. A second element, after a comma, would be of another proxy or the caller."""
    if re.fullmatch(f"{_PROPERTY}(?:;{_PROPERTY})*", text) is not None:
        found = [quoted or bare for key, quoted, bare in re.findall(_PROPERTY, text) if key.lower() == name]
        if len(found) == 1:
            return str(found[0])
    raise ValueError("not exactly one certificate")
