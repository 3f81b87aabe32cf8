"""What the guard does beyond deciding: options, faults, forks, certificates and the default fetch."""

from __future__ import annotations

import base64
import contextlib
import datetime
import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from run_guard_case import FixedToken

from postern_guard import (
    Guard,
    GuardedRequest,
    GuardError,
    Response,
    Revocations,
    TrustedProxies,
    certificate_thumbprint,
)
from postern_guard.access_token import AccessToken
from postern_guard.documents import fetch_url
from postern_guard.dpop import UsedProofs
from postern_guard.revocation_list import ClientEntry, ClientStatus, RevocationList, RevokedToken

_OPTIONS: dict[str, Any] = {"issuer": "https://auth.example.com", "audience": "https://api.example.com"}


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"issuer": "http://auth.example.com"}, "allow_http is not set"),
        ({"issuer": "auth.example.com"}, "neither an https URL"),
        ({"audience": "urn:orders"}, "so base_url is required"),
        ({"base_url": "api.example.com"}, "base_url"),
        ({"algorithms": ["HS256"]}, "algorithms"),
        ({"accept_typ": "JWT"}, "accept_typ"),
    ],
)
def test_wrong_options_say_which(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Guard(**{**_OPTIONS, **options})


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"max_staleness_seconds": 1}, "less than 2"),
        ({"max_entries": 10}, "less than 1000"),
        ({"when_stale": "maybe"}, "when_stale"),
    ],
)
def test_wrong_revocation_options_say_which(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Revocations(token=FixedToken(), **options)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("location", "/document")
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 100)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        return


@pytest.fixture
def server() -> Iterator[str]:
    http_server = HTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=http_server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http_server.server_port}"
    http_server.shutdown()
    http_server.server_close()


def _fetch(url: str, max_bytes: int = 1_000) -> tuple[int, bytes]:
    response = fetch_url(url, headers={}, data=None, timeout=5, max_bytes=max_bytes)
    return response.status, response.body


def test_the_default_fetch_follows_no_redirect(server: str) -> None:
    assert _fetch(f"{server}/redirect")[0] == 302


def test_the_default_fetch_has_limits(server: str) -> None:
    assert _fetch(f"{server}/document") == (200, b"x" * 100)
    with pytest.raises(OSError, match="more than 99 bytes"):
        _fetch(f"{server}/document", 99)
    with pytest.raises(OSError, match="neither"):
        _fetch("file:///etc/passwd")


def test_a_guard_whose_issuer_is_unreachable_answers_503_and_logs_why(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard(issuer="http://127.0.0.1:9", audience="https://api.example.com")
    header = base64.urlsafe_b64encode(b'{"typ":"at+jwt","alg":"ES256","kid":"k"}').rstrip(b"=").decode()
    for _ in range(2):
        with pytest.raises(GuardError) as refused:
            guard.authorize(GuardedRequest("GET", "/", f"Bearer {header}.e30.AA"), "")
        assert (refused.value.status, refused.value.reason) == (503, "keys_unavailable")
    assert [record.message.startswith("Cannot fetch the keys of http://127.0.0.1:9") for record in caplog.records] == [
        True
    ]


def test_decisions_are_told_with_their_reason(guard: Guard) -> None:
    told: list[tuple[str, str | None]] = []
    watched = Guard(**_OPTIONS, on_decision=lambda decision: told.append((decision.outcome, decision.reason)))
    with pytest.raises(GuardError):
        watched.authorize(GuardedRequest("GET", "/", "Bearer x"), "")
    assert told == [("invalid_token", "token_malformed")]
    guard.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_fetches_keys_and_revocations_itself() -> None:
    release = threading.Event()
    asked: set[str] = set()

    def fetch(url: str, **_: object) -> Response:
        asked.add("feed" if "revocations" in url else "keys")
        if not release.is_set():
            release.wait(20)
        raise OSError("unreachable")

    guard = Guard(**_OPTIONS, revocations=Revocations(token=FixedToken()), fetch=fetch, on_fault=lambda _: None)
    for _ in range(2):
        threading.Thread(target=_start, args=(guard,), daemon=True).start()
    while asked != {"keys", "feed"}:
        time.sleep(0.001)
    # All threads of this process have locks now.
    child = os.fork()
    if child == 0:
        asked.clear()
        release.set()
        _start(guard)
        # It raises at the first fault, which may be before the other thread has asked.
        deadline = time.monotonic() + 20
        while asked != {"keys", "feed"} and time.monotonic() < deadline:
            time.sleep(0.01)
        os._exit(0 if asked == {"keys", "feed"} else 1)
    release.set()
    deadline = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    if ended[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    guard.close()
    assert ended[0] == child
    assert os.waitstatus_to_exitcode(ended[1]) == 0


def _start(guard: Guard) -> None:
    with contextlib.suppress(Exception):
        guard.start()


def _token(jti: str, issued_at: float = 100) -> AccessToken:
    return AccessToken("i", "c", "c", ("a",), jti, "k", frozenset(), 1, None, issued_at, 1_000, {})


def test_a_full_list_ends_the_tokens_of_the_client_with_the_most() -> None:
    revocations = RevocationList("i", 10)
    for i in range(11):
        revocations.add(RevokedToken(f"t{i}", 1_000, "c", 1), 200)
    assert revocations.size <= 8
    assert revocations.find_inactive_reason(_token("other")) == "token_revoked"
    assert revocations.find_inactive_reason(_token("later", 201)) is None


def test_a_token_of_a_client_that_was_deleted_is_forgotten() -> None:
    revocations = RevocationList("i", 10)
    revocations.add(RevokedToken("t", 1_000, "c", 1), 200)
    revocations.add(ClientEntry("c", ClientStatus(is_active=False)), 200)
    assert revocations.size == 1
    assert revocations.find_inactive_reason(_token("t")) == "client_unknown"
    revocations.forget_expired(2_000)
    assert revocations.size == 1


def test_proofs_of_one_client_are_limited() -> None:
    clock = [1_000.0]
    use = UsedProofs(most_of_client=2, now=lambda: clock[0], monotonic=lambda: clock[0])
    assert [use("key", jti, 1_060, "c") for jti in ("a", "b", "a")] == [True, True, False]
    with pytest.raises(GuardError) as refused:
        use("key", "d", 1_060, "c")
    assert (refused.value.status, refused.value.reason) == (429, "use_budget_spent")
    assert int(refused.value.headers["retry-after"]) == 70
    assert use("key", "d", 1_060, "other")
    clock[0] = 1_070.1
    assert use("key", "e", 1_130, "c")


@pytest.fixture
def certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "orders")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(day).not_valid_after(day + datetime.timedelta(1))
    return builder.sign(key, hashes.SHA256())


def test_proxies_forward_a_certificate_in_any_of_the_usual_forms(certificate: x509.Certificate) -> None:
    der, pem = certificate.public_bytes(Encoding.DER), quote(certificate.public_bytes(Encoding.PEM), safe="")
    find = TrustedProxies(["10.0.0.0/8", "::1"], "Client-Cert")
    encoded = base64.b64encode(der).decode()
    for value in (f":{encoded}:", encoded, pem, f'Hash=ab;Cert="{pem}";Subject="CN=orders"'):
        assert find("10.0.0.1", [("client-cert", value)]) == certificate_thumbprint(der)
        assert find("::ffff:10.0.0.1", [("CLIENT-CERT", value)]) == certificate_thumbprint(der)
        assert find("192.0.2.1", [("client-cert", value)]) is None
    assert find(None, [("client-cert", encoded)]) is None
    assert find("10.0.0.1", [("client-cert", "")]) is None


def test_what_is_not_exactly_one_certificate_is_refused(certificate: x509.Certificate) -> None:
    find = TrustedProxies(["10.0.0.1"], "client-cert")
    encoded = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    pem = quote(certificate.public_bytes(Encoding.PEM), safe="")
    element = f'Cert="{pem}"'
    for values in (
        ["x"],
        [f":{encoded}"],
        [encoded, encoded],
        [f"{pem}{pem}"],
        [f"{element},{element}"],
        ["%ff"],
        ["é"],
    ):
        with pytest.raises(GuardError) as refused:
            find("10.0.0.1", [("client-cert", value) for value in values])
        assert (refused.value.status, refused.value.reason) == (400, "certificate_malformed")
