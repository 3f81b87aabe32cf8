"""The access token by which the guard reads the revocation feed: client credentials. RFC 6749 §4.4 and §2.3.1."""

from __future__ import annotations

import base64
import math
import time
from typing import Final
from urllib.parse import quote, urlencode

from .documents import Fetch, fetch_document, fetch_url, is_confidential, parse_document, well_known_url

_TIMEOUT: Final = 10.0
_MAX_BYTES: Final = 262_144

_ASSUMED_LIFETIME: Final = 300.0
"""Seconds, if the answer does not say how long the token is valid."""


class ClientCredentials:
    """Gets tokens with the scope ``revocation:read`` for a client with a secret, and renews each at half of its lifetime.

    Called by one thread, that of the follower.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        scope: str = "revocation:read",
        token_endpoint: str | None = None,
        allow_http: bool = False,
        fetch: Fetch = fetch_url,
    ) -> None:
        """``token_endpoint``: that of the issuer's metadata, if None. ``allow_http``: as for ``Guard``."""
        self._scope = scope
        self._token_endpoint = token_endpoint
        self._allow_http = allow_http
        self._fetch = fetch
        credentials = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        self._basic = "Basic " + base64.b64encode(credentials.encode()).decode("ascii")
        self._token = ""
        self._renew_at = -math.inf

    def authorization(self, issuer: str) -> str:
        """The header ``Authorization``. Raises ``OSError`` if there is no token."""
        now = time.monotonic()
        if now >= self._renew_at:
            self._token, lifetime = self._request(issuer)
            self._renew_at = now + lifetime / 2
        return f"Bearer {self._token}"

    def renew(self) -> None:
        """Get another token for the next call, since the present one was refused."""
        self._renew_at = -math.inf

    def _request(self, issuer: str) -> tuple[str, float]:
        endpoint = self._token_endpoint or self._find_endpoint(issuer)
        response = self._fetch(
            endpoint,
            headers={
                "accept": "application/json",
                "authorization": self._basic,
                "content-type": "application/x-www-form-urlencoded",
            },
            data=urlencode({"grant_type": "client_credentials", "scope": self._scope}).encode(),
            timeout=_TIMEOUT,
            max_bytes=_MAX_BYTES,
        )
        answer = parse_document(endpoint, response.body) if response.status < 500 else {}
        members = answer if isinstance(answer, dict) else {}
        if response.status != 200:
            said = members.get("error_description") or members.get("error") or ""
            raise OSError(f"{endpoint} answered {response.status} {said}".rstrip())
        token, lifetime = members.get("access_token"), members.get("expires_in", _ASSUMED_LIFETIME)
        if not isinstance(token, str) or isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)):
            raise OSError(f"{endpoint} answered without an access token")
        return token, float(lifetime)

    def _find_endpoint(self, issuer: str) -> str:
        url = well_known_url("oauth-authorization-server", issuer)
        metadata, _ = fetch_document(self._fetch, url, timeout=_TIMEOUT, max_bytes=_MAX_BYTES)
        members = metadata if isinstance(metadata, dict) else {}
        endpoint = members.get("token_endpoint")
        if (
            members.get("issuer") != issuer
            or not isinstance(endpoint, str)
            or not is_confidential(endpoint, allow_http=self._allow_http)
        ):
            raise OSError(f"the document at {url} has no token_endpoint of {issuer}")
        return endpoint
