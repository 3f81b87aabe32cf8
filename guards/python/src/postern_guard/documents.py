"""Fetches documents of the authorization server, with limits of time and size. RFC 9110 §15, RFC 6749 §1.6."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final, Protocol
from urllib.parse import urlsplit

_CHUNK_BYTES: Final = 65_536


@dataclass(frozen=True)
class Response:
    """What a server answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetch(Protocol):
    """Sends one request, and follows no redirect, since only the requested server is trusted.

    Raises ``OSError`` if there is no answer within ``timeout`` seconds, or if it has more than ``max_bytes``.
    """

    def __call__(
        self, url: str, *, headers: Mapping[str, str], data: bytes | None, timeout: float, max_bytes: int
    ) -> Response: ...


class UnexpectedAnswerError(OSError):
    """An answer without the status 200."""

    def __init__(self, url: str, response: Response) -> None:
        super().__init__(f"{url} answered {response.status}")
        retry_after = response.headers.get("retry-after", "")
        self.status = response.status
        self.retry_after_seconds = int(retry_after) if re.fullmatch(r"[0-9]{1,6}", retry_after) else 0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


_opener: Final = urllib.request.build_opener(_NoRedirects)


def fetch_url(url: str, *, headers: Mapping[str, str], data: bytes | None, timeout: float, max_bytes: int) -> Response:
    """The default ``Fetch``: ``urllib`` with its proxies and the authorities that OpenSSL trusts."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise OSError(f"{url} is neither an https nor an http URL")
    deadline = time.monotonic() + timeout
    request = urllib.request.Request(url, data=data, headers=dict(headers))  # noqa: S310
    try:
        with _opener.open(request, timeout=timeout) as answer:
            return _read(url, answer.status, answer.headers, answer, deadline, max_bytes)
    except urllib.error.HTTPError as error:
        with error:
            return _read(url, error.code, error.headers, error, deadline, max_bytes)
    except (HTTPException, ValueError) as error:
        raise OSError(f"{url} gave no answer: {error}") from error


class _Stream(Protocol):
    def read1(self, n: int = -1, /) -> bytes: ...


def _read(
    url: str, status: int, headers: Message[str, str], stream: _Stream, deadline: float, max_bytes: int
) -> Response:
    body = b""
    while chunk := stream.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise OSError(f"{url} answered with more than {max_bytes} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} took too long")
    return Response(status, {name.lower(): value for name, value in headers.items()}, body)


def fetch_document(fetch: Fetch, url: str, *, timeout: float, max_bytes: int) -> tuple[Any, Mapping[str, str]]:
    """Return a JSON document and the headers. Raises ``OSError`` for any other answer."""
    response = fetch_json(fetch, url, headers={}, timeout=timeout, max_bytes=max_bytes)
    return parse_document(url, response.body), response.headers


def fetch_json(fetch: Fetch, url: str, *, headers: Mapping[str, str], timeout: float, max_bytes: int) -> Response:
    """Return an answer that should be a JSON document. Raises ``OSError`` for any other status than 200."""
    sent = {"accept": "application/json", **headers}
    response = fetch(url, headers=sent, data=None, timeout=timeout, max_bytes=max_bytes)
    if response.status != 200:
        raise UnexpectedAnswerError(url, response)
    return response


def parse_document(url: str, body: bytes) -> Any:  # noqa: ANN401
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OSError(f"{url} did not answer with JSON") from error


def well_known_url(name: str, identifier: str) -> str:
    """The URL of a document, with the path of ``identifier`` inserted behind its name. RFC 8414 §3.1, RFC 9728 §3.1."""
    parts = urlsplit(identifier)
    path = "" if parts.path == "/" else parts.path
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{path}"


def is_confidential(url: object, *, allow_http: bool) -> bool:
    """Whether nobody on the network can read or change what is sent to the URL.

    ``allow_http``: the network between machines, such as a service mesh, encrypts every connection.
    """
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_local = (
        allow_http or host in ("localhost", "::1") or re.fullmatch(r"127\.[0-9]+\.[0-9]+\.[0-9]+", host) is not None
    )
    return host != "" and (parts.scheme == "https" or (parts.scheme == "http" and is_local))
