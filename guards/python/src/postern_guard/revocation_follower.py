"""Follows the revocation feed of an issuer by long polling, in a thread of its own. docs/revocation-feed.md.

While the feed cannot be reached, what is known so far holds; ``lag_seconds`` says how old it is.
"""

from __future__ import annotations

import math
import random
import threading
import uuid
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlencode

from .access_token import AccessToken, VerificationKey
from .documents import Fetch, UnexpectedAnswerError, fetch_json, parse_document
from .feed_signature import SignedTime, verify_feed_signature
from .revocation_list import FeedError, FeedPage, RevocationList, RevokedKey, parse_feed_page

_MAX_BYTES: Final = 33_554_432
"""An answer has at most 1000 entries; a client with all scopes takes some kilobytes."""

_TIMEOUT: Final = 10.0
"""Seconds, in addition to the time that the feed was asked to wait."""

_OLD: Final = 10.0
"""Seconds: an answer that was signed so long before it arrived is reported."""

_DOUBTFUL: Final = 1.0
"""Seconds: whether an answer that was signed so long before it arrived is new, a nonce decides."""

_NEARLY_FULL: Final = 0.8
_NOT_NEARLY_FULL: Final = 0.7

_FIRST_PAUSE: Final = 0.2
_MAX_PAUSE: Final = 3.0

_LATE: Final = 1.0
"""Seconds by which an answer may be later than the feed was asked to send it, before the next one is not waited for."""

_POLL: Final = 0.4
"""Seconds before the next request to a feed that does not wait, although asked to."""

_TOLERANCE: Final = 60.0
_STEADY: Final = 3_600.0
_SLACK: Final = 86_400.0


class TokenSource(Protocol):
    """Has an access token with the scope ``revocation:read``. Called by one thread."""

    def authorization(self, issuer: str) -> str:
        """The header ``Authorization``. Raises ``OSError`` if there is no token."""

    def renew(self) -> None:
        """Get another token for the next call, since the present one was refused."""


class RevocationFollower:
    """Knows which tokens are revoked. All methods may be called by several threads."""

    def __init__(
        self,
        issuer: str,
        *,
        fetch: Fetch,
        token: TokenSource,
        wait_seconds: int,
        clock_skew_seconds: float,
        max_entries: int,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        on_fault: Callable[[Exception], None],
        find_feed_key: Callable[[str], VerificationKey | None],
        on_key_revoked: Callable[[], None],
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._token = token
        self._wait_seconds = wait_seconds
        self._clock_skew_seconds = clock_skew_seconds
        self._max_entries = max_entries
        self._now = now
        self._monotonic = monotonic
        self._on_fault = on_fault
        self._find_feed_key = find_feed_key
        self._on_key_revoked = on_key_revoked
        self._signed_time = SignedTime(now=now, monotonic=monotonic, clock_skew_seconds=clock_skew_seconds)
        self._trusted = _TrustedTime(now, monotonic)
        self._closing = threading.Event()
        self._answered = threading.Event()
        self._attempted = threading.Event()
        self._first_fault: Exception | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._list = RevocationList(issuer, max_entries)
        self._incoming: RevocationList | None = None
        """A snapshot that is not complete yet; the list holds until it is."""
        self._lost_at: float | None = None
        """When the issuer turned out to have lost changes, as long as the snapshot of what is left is not complete."""
        self._latest_of_issuer = 0.0
        """Seconds since 1970: the latest time that a clock of the issuer has shown here, for one of its nodes may be ahead."""
        self._cursor: str | None = None
        self._size_at_start = 0
        self._is_nearly_full = False
        self._is_old = False
        self._is_doubtful = True
        """Whether the next question has a nonce, since the time does not show that what was answered is new."""
        self._current_at = -math.inf

    def start(self) -> None:
        """Begin to follow, unless that happened already."""
        if self._thread is None and not self._closing.is_set():
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._follow, name="postern-guard-revocations", daemon=True)
                    self._thread.start()

    def reset_after_fork(self) -> None:
        """Begin again at the next call, with what is known."""
        self._lock, self._thread = threading.Lock(), None
        self._closing, self._answered, self._attempted = (
            _copy_of(event) for event in (self._closing, self._answered, self._attempted)
        )
        if self._incoming is not None:
            # Without the first part of a snapshot, the rest says nothing.
            self._incoming = self._cursor = None

    def close(self) -> None:
        """Stop following. A request that the feed holds ends with it."""
        self._closing.set()
        self._attempted.set()

    def wait_until_ready(self, timeout: float) -> None:
        """Return at the first answer, or after so many seconds."""
        self._answered.wait(timeout)

    def wait_for_first_attempt(self) -> None:
        """Raises the fault of the first attempt, if it failed."""
        self._attempted.wait()
        if self._first_fault is not None:
            raise self._first_fault

    def find_inactive_reason(self, token: AccessToken) -> str | None:
        """Return why a verified token is no longer active, as far as known, or None."""
        with self._lock:
            self._latest_of_issuer = max(self._latest_of_issuer, token.issued_at)
            return self._list.find_inactive_reason(token)

    def lag_seconds(self) -> float:
        """Seconds for which revocations may be missing here; infinite before the first answer."""
        return max(0.0, self._monotonic() - self._current_at)

    def _follow(self) -> None:
        failures = 0
        late_by = 0.0
        while not self._closing.is_set():
            asked_at = self._monotonic()
            is_waiting = self._cursor is not None and self._incoming is None and failures == 0 and late_by <= _LATE
            due_at = asked_at + (self._wait_seconds if is_waiting else 0)
            pause = 0.0
            try:
                page, signed_at = self._fetch_page(self._wait_seconds if is_waiting else 0)
                arrived_at = self._monotonic()
                # What was held up on its way, or arrived while this process was paused, is as old as when it had to be sent.
                self._apply(page, min(arrived_at, due_at, signed_at))
                failures = 0
                late_by = arrived_at - due_at if is_waiting else 0.0
                if is_waiting and not page.entries and arrived_at - asked_at < _POLL:
                    pause = _with_jitter(_POLL)
            except Exception as error:
                if self._closing.is_set():
                    return
                fault = RuntimeError(f"Cannot follow the revocations of {self._issuer}: {error}")
                fault.__cause__ = error
                self._on_fault(fault)
                if isinstance(error, UnexpectedAnswerError) and error.status == 401:
                    self._token.renew()
                if not self._attempted.is_set():
                    self._first_fault = fault
                pause = _pause_after(failures, error)
                failures += 1
            self._attempted.set()
            self._closing.wait(pause)

    def _fetch_page(self, wait_seconds: int) -> tuple[FeedPage, float]:
        """Return a page that the issuer signed as the answer to the cursor, and when, by the monotonic clock, at the latest."""
        url = f"{self._issuer}/api/v1/oauth/revocations"
        asked_at = self._monotonic()
        nonce = str(uuid.uuid4()) if self._is_doubtful else None
        query = {
            **({"cursor": self._cursor} if self._cursor is not None else {}),
            "wait": str(wait_seconds if nonce is None else 0),
            **({"nonce": nonce} if nonce is not None else {}),
        }
        response = fetch_json(
            self._fetch,
            f"{url}?{urlencode(query)}",
            headers={"authorization": self._token.authorization(self._issuer)},
            timeout=wait_seconds + _TIMEOUT,
            max_bytes=_MAX_BYTES,
        )
        signed = verify_feed_signature(
            response.headers.get("revocations-signature"),
            response.body,
            issuer=self._issuer,
            after=self._cursor,
            nonce=nonce,
            find_key=lambda kid: None if self._list.is_key_revoked(kid) else self._find_feed_key(kid),
        )
        with self._lock:
            self._latest_of_issuer = max(self._latest_of_issuer, signed.signed_at)
        signed_at = (
            self._signed_time.read_new(signed.signed_at, asked_at)
            if signed.is_new
            else self._signed_time.read(signed.signed_at)
        )
        page = parse_feed_page(parse_document(url, response.body))
        if not page.has_more:
            age = self._monotonic() - signed_at
            self._is_doubtful = not signed.is_new and age > _DOUBTFUL
            self._report_age(age)
        return page, signed_at

    def _report_age(self, age: float) -> None:
        """Of an answer without others behind it: how old those are does not matter."""
        if not self._is_old and age > _OLD:
            self._on_fault(
                RuntimeError(
                    f"The feed of {self._issuer} answered what it had signed {round(age)} seconds before: the answer was held up "
                    "or sent again on its way, or a clock is wrong."
                )
            )
        self._is_old = age > _OLD

    def _apply(self, page: FeedPage, sent_at: float) -> None:
        """``sent_at`` is the latest time, by the monotonic clock, at which the feed can have sent the page."""
        is_following = self._current_at != -math.inf
        # The latest time, by the clock of the issuer, at which anything that is known now can have happened.
        now = max(self._now() + self._clock_skew_seconds, self._latest_of_issuer)
        if page.is_snapshot:
            self._incoming = RevocationList(self._issuer, self._max_entries)
            # A follower that asks with a cursor is sent back only if the issuer does not have the history of the cursor.
            if self._lost_at is None and (page.is_history_changed or self._cursor is not None):
                self._lost_at = now
        target = self._incoming or self._list
        with self._lock:
            for entry in page.entries:
                target.add(entry, now)
                # Even one entry for each client is too much. Each further one would look for something to collapse in vain.
                if target.size > self._max_entries:
                    self._incoming = self._cursor = None
                    raise FeedError(f"the feed has more than {self._max_entries} entries")
        self._report_size(target.size)
        if is_following and any(isinstance(entry, RevokedKey) for entry in page.entries):
            self._on_key_revoked()
        self._cursor = page.cursor
        if page.has_more:
            return
        is_replaced = self._incoming is not None
        if self._incoming is not None:
            self._complete_snapshot(self._incoming, now, is_following)
        kept_since = self._trusted.kept_since()
        if kept_since is not None:
            with self._lock:
                self._list.forget_expired(kept_since)
        known_until = sent_at - page.lag_seconds
        # What seems old takes nothing back; the next answer shows whether it was.
        self._current_at = max(self._current_at, known_until) if self._is_doubtful and not is_replaced else known_until
        self._answered.set()
        # The feed forgets clients whose tokens have all expired without reporting it; starting over forgets them here too.
        if self._list.size > 2 * self._size_at_start + 10_000:
            self._cursor = None

    def _complete_snapshot(self, incoming: RevocationList, now: float, is_following: bool) -> None:
        with self._lock:
            kept = incoming.inherit(self._list, now, self._lost_at)
            self._list = incoming
        if self._lost_at is not None and is_following:
            self._on_fault(
                RuntimeError(
                    f"{self._issuer} has lost changes: its database was restored or replaced. {kept} revoked tokens that it no "
                    "longer knows are refused here until they expire, and so are tokens that were issued before now and are "
                    "invalid by what was known of their clients. Other APIs may accept them: revoke all tokens with: postern "
                    "revoke-all-tokens"
                )
            )
        self._incoming = self._lost_at = None
        self._size_at_start = self._list.size
        self._report_size(self._list.size)

    def _report_size(self, size: int) -> None:
        if not self._is_nearly_full and size >= _NEARLY_FULL * self._max_entries:
            self._is_nearly_full = True
            self._on_fault(
                RuntimeError(
                    f"The revocations of {self._issuer} fill {size} of {self._max_entries} entries. When all are full, the "
                    "clients with the most revoked tokens must get new tokens for this API."
                )
            )
        elif size < _NOT_NEARLY_FULL * self._max_entries:
            self._is_nearly_full = False


class _TrustedTime:
    """The time by which something may be forgotten for good: what is forgotten while the clock is ahead would be accepted later."""

    def __init__(self, now: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._now = now
        self._monotonic = monotonic
        self._wall, self._elapsed = now(), monotonic()
        self._steady_since = self._elapsed

    def kept_since(self) -> float | None:
        """What expired before may be forgotten. None if a clock jumped within the last hour."""
        wall_before, elapsed_before = self._wall, self._elapsed
        self._wall, self._elapsed = self._now(), self._monotonic()
        if abs(self._wall - wall_before - (self._elapsed - elapsed_before)) > _TOLERANCE:
            self._steady_since = self._elapsed
        return self._wall - _SLACK if self._elapsed - self._steady_since >= _STEADY else None


def _copy_of(event: threading.Event) -> threading.Event:
    copy = threading.Event()
    if event.is_set():
        copy.set()
    return copy


def _pause_after(failures: int, cause: Exception) -> float:
    """Doubles with each failure, and is at least as long as the feed asks for."""
    back_off = min(_FIRST_PAUSE * 2 ** min(failures, 10), _MAX_PAUSE)
    requested = cause.retry_after_seconds if isinstance(cause, UnexpectedAnswerError) else 0
    return max(_with_jitter(back_off), min(requested, 10 * _MAX_PAUSE))


def _with_jitter(seconds: float) -> float:
    """So that not all guards retry at the same moment."""
    return seconds * random.uniform(0.5, 1)  # noqa: S311
