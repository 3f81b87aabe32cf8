"""One answer of the revocation feed, and what all of them say of a token. docs/revocation-feed.md. RFC 7009 §2.2, RFC 8693 §4.1.

A revoked token that the status of its client makes inactive anyway is dropped. If the list is still full, the clients with the
most revoked tokens have each of theirs replaced by one time: all tokens that they got until then are rejected. So only such a
client must get new tokens, and no revoked token is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .access_token import AccessToken
from .errors import invalid_token
from .jws import as_safe_integer, is_number

_LONGEST_LIFETIME: Final = 366 * 86_400
"""Seconds: no token of Postern is valid for longer."""

_REMAINING_PART: Final = 0.8
"""The part of the entries that remains when single tokens are collapsed, so that it does not happen for each new one."""


class FeedError(ValueError):
    """An answer that is not understood. It is rejected as a whole: a skipped entry might be the one that matters."""


@dataclass(frozen=True, slots=True)
class RevokedToken:
    jti: str
    expires_at: float
    client_id: str | None
    """Client and generation; None if the end of its client says nothing about the token for good."""
    generation: int | None


@dataclass(frozen=True)
class RevokedKey:
    kid: str


@dataclass(frozen=True)
class RevokedGenerations:
    """Every token with a smaller generation, of whatever client, is revoked."""

    generation: int


@dataclass(frozen=True)
class ClientStatus:
    """What the tokens of a client may have now. None, for a list, means unlimited."""

    is_active: bool
    generation: int = 0
    is_generation_exact: bool = False
    scopes: frozenset[str] | None = None
    resources: frozenset[str] | None = None
    details_types: frozenset[str] | None = None

    def covers(self, generation: int | None) -> bool:
        """Whether every token of that generation is inactive for good."""
        if generation is None:
            return False
        return not self.is_active or (not self.is_generation_exact and generation < self.generation)


@dataclass(frozen=True)
class ClientEntry:
    client_id: str
    status: ClientStatus


FeedEntry = RevokedToken | RevokedKey | RevokedGenerations | ClientEntry


@dataclass(frozen=True)
class FeedPage:
    cursor: str
    is_snapshot: bool
    is_history_changed: bool
    has_more: bool
    lag_seconds: float
    entries: tuple[FeedEntry, ...]


def parse_feed_page(body: object) -> FeedPage:
    """Raises ``FeedError`` if any part is malformed."""
    page = body if isinstance(body, dict) else {}
    cursor, snapshot, more, lag, entries = (
        page.get(name) for name in ("cursor", "snapshot", "more", "lag_seconds", "entries")
    )
    if (
        not isinstance(cursor, str)
        or not isinstance(snapshot, bool)
        or not isinstance(more, bool)
        or not is_number(lag)
        or lag < 0
        or not isinstance(entries, list)
    ):
        raise FeedError("the answer is not a page of a revocation feed")
    if more and not entries:
        raise FeedError("the feed sends an empty page and promises more")
    return FeedPage(
        cursor,
        snapshot,
        page.get("history_changed") is True,
        more,
        lag,
        tuple(_parse_entry(entry) for entry in entries),
    )


def _parse_entry(entry: object) -> FeedEntry:
    if isinstance(entry, dict):
        kind, jti, expires_at = entry.get("type"), entry.get("jti"), entry.get("exp")
        if kind == "token" and isinstance(jti, str) and is_number(expires_at):
            return RevokedToken(jti, expires_at, *_parse_client_of_token(entry))
        kid = entry.get("kid")
        if kind == "signing_key" and isinstance(kid, str):
            return RevokedKey(kid)
        generation = as_safe_integer(entry.get("gen"))
        if kind == "all_tokens" and generation is not None:
            return RevokedGenerations(generation)
        client_id = entry.get("client_id")
        if kind == "client" and isinstance(client_id, str):
            return ClientEntry(client_id, _parse_status(entry))
    raise FeedError("the feed has a malformed entry")


def _parse_client_of_token(entry: Mapping[str, Any]) -> tuple[str | None, int | None]:
    if "client_id" not in entry and "gen" not in entry:
        return None, None
    client_id, generation = entry.get("client_id"), as_safe_integer(entry.get("gen"))
    if not isinstance(client_id, str) or generation is None:
        raise FeedError("the feed has a malformed token")
    return client_id, generation


def _parse_status(entry: Mapping[str, Any]) -> ClientStatus:
    active, generation, is_exact = entry.get("active"), as_safe_integer(entry.get("gen")), entry.get("gen_exact")
    if active is False:
        return ClientStatus(is_active=False)
    if active is not True or generation is None or not isinstance(is_exact, bool):
        raise FeedError("the feed has a malformed client")
    return ClientStatus(
        is_active=True,
        generation=generation,
        is_generation_exact=is_exact,
        scopes=_parse_names(entry, "scopes"),
        resources=_parse_names(entry, "resources"),
        details_types=_parse_names(entry, "authorization_details_types"),
    )


def _parse_names(entry: Mapping[str, Any], member: str) -> frozenset[str] | None:
    if member not in entry:
        return None
    names = entry[member]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FeedError("the feed has a malformed list")
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class _Held:
    """The parts of a token, or of one that was exchanged for it, that revocation is checked against."""

    jti: str
    kid: str
    client_id: str
    generation: int
    audience: tuple[str, ...]


def _held_tokens(token: AccessToken) -> Iterator[_Held]:
    """All tokens that must be active for ``token`` to be active. Raises ``invalid_token`` if ``parent_tokens`` is malformed."""
    yield _Held(token.jti, token.kid, token.client_id, token.generation, token.audience)
    if "parent_tokens" not in token.claims:
        return
    parents = token.claims["parent_tokens"]
    if not isinstance(parents, list):
        raise invalid_token("claims_malformed")
    for parent in parents:
        members = parent if isinstance(parent, dict) else {}
        jti, kid, client_id, aud = (members.get(name) for name in ("jti", "kid", "client_id", "aud"))
        generation = as_safe_integer(members.get("gen"))
        if (
            not isinstance(jti, str)
            or not isinstance(kid, str)
            or not isinstance(client_id, str)
            or generation is None
            or not isinstance(aud, list)
            or not all(isinstance(one, str) for one in aud)
        ):
            raise invalid_token("claims_malformed")
        yield _Held(jti, kid, client_id, generation, tuple(aud))


@dataclass(frozen=True)
class _Collapsed:
    """Instead of single revoked tokens of a client. Times are in seconds since 1970."""

    issued_until: float
    expires_at: float


@dataclass(frozen=True)
class _LostHistory:
    """What was known of a history that the issuer has lost. It says nothing about later tokens."""

    issued_until: float
    status_of: Mapping[str, ClientStatus]
    least_generation: int


class RevocationList:
    """Revoked tokens and keys and the status of clients, in bounded memory. Not for several threads at once."""

    def __init__(self, issuer: str, max_entries: int) -> None:
        self._issuer = issuer
        self._max_entries = max_entries
        self._revoked: dict[str, RevokedToken] = {}
        self._revoked_of: dict[str | None, set[str]] = {}
        self._collapsed: dict[str, _Collapsed] = {}
        self._revoked_keys: set[str] = set()
        self._status_of: dict[str, ClientStatus] = {}
        self._least_generation = 0
        self._lost: list[_LostHistory] = []
        self._lost_size = 0
        self._issued_after = 0.0
        """Instead of lost histories that had too many entries: every token that was issued until then is rejected."""

    @property
    def size(self) -> int:
        """The number of tokens, keys and clients."""
        return (
            len(self._revoked) + len(self._collapsed) + len(self._revoked_keys) + len(self._status_of) + self._lost_size
        )

    def is_key_revoked(self, kid: str) -> bool:
        return kid in self._revoked_keys

    def add(self, entry: FeedEntry, now: float) -> None:
        """``now`` is the latest time, by the clock of the issuer, at which a token that is known to be revoked was issued."""
        if isinstance(entry, ClientEntry):
            self._status_of[entry.client_id] = entry.status
            for jti in list(self._revoked_of.get(entry.client_id, ())):
                if entry.status.covers(self._revoked[jti].generation):
                    self._remove(jti)
        elif isinstance(entry, RevokedGenerations):
            self._least_generation = entry.generation
            for token in list(self._revoked.values()):
                if token.generation is not None and token.generation < entry.generation:
                    self._remove(token.jti)
        elif isinstance(entry, RevokedKey):
            self._revoked_keys.add(entry.kid)
        else:
            self._remove(entry.jti)
            self._revoked[entry.jti] = entry
            self._revoked_of.setdefault(entry.client_id, set()).add(entry.jti)
        if self.size > self._max_entries:
            self._collapse(now)

    def inherit(self, before: RevocationList, now: float, lost_at: float | None) -> int:
        """Take over what the list before knew and this one, a snapshot, lacks.

        That is revoked tokens until they expire, and revoked keys. If the issuer has lost changes, also what ``before`` knew
        about clients, for the tokens that were issued until ``lost_at``. Returns how many revoked tokens this list lacked.
        """
        count = 0
        for token in before._revoked.values():
            if token.jti not in self._revoked and not self._is_covered(token):
                count += 1
                self.add(token, now)
        self._collapsed |= before._collapsed
        self._revoked_keys |= before._revoked_keys
        self._issued_after = before._issued_after
        self._lost = list(before._lost)
        if lost_at is not None:
            self._lost.append(_LostHistory(lost_at, before._status_of, before._least_generation))
        self._count_lost()
        if self.size > self._max_entries:
            self._collapse(now)
        return count

    def forget_expired(self, since: float) -> None:
        """Forget tokens that expired before ``since``, in seconds since 1970."""
        for token in list(self._revoked.values()):
            if token.expires_at < since:
                self._remove(token.jti)
        self._collapsed = {one: held for one, held in self._collapsed.items() if held.expires_at >= since}
        self._lost = [lost for lost in self._lost if lost.issued_until + _LONGEST_LIFETIME >= since]
        self._count_lost()

    def find_inactive_reason(self, token: AccessToken) -> str | None:
        """Return why a verified token is no longer active, or None if nothing here says so."""
        for held in _held_tokens(token):
            # A copy of the JWKS may still have the key.
            if held.kid in self._revoked_keys:
                return "key_revoked"
            if self._is_revoked(held, token.issued_at if held.jti == token.jti else 0):
                return "token_revoked"
            reason = self._find_reason(token, held, self._status_of, self._least_generation)
            if reason is not None:
                return reason
        return self._find_reason_in_lost_history(token)

    def _find_reason(
        self, token: AccessToken, held: _Held, status_of: Mapping[str, ClientStatus], least_generation: int
    ) -> str | None:
        if held.generation < least_generation:
            return "generation_old"
        status = status_of.get(held.client_id)
        if status is None:
            return None
        if not status.is_active:
            return "client_unknown"
        # The token may come from a node that is ahead of this status, so a higher generation is accepted.
        is_old = (
            held.generation != status.generation if status.is_generation_exact else held.generation < status.generation
        )
        if is_old:
            return "generation_old"
        if status.resources is not None and not status.resources.issuperset(set(held.audience) - {self._issuer}):
            return "resource_withdrawn"
        if status.details_types is not None and not status.details_types.issuperset(_details_types_of(token)):
            return "details_type_withdrawn"
        if status.scopes is not None and not token.scopes <= status.scopes:
            return "scope_withdrawn"
        return None

    def _find_reason_in_lost_history(self, token: AccessToken) -> str | None:
        if token.issued_at <= self._issued_after:
            return "token_revoked"
        for lost in self._lost:
            if token.issued_at <= lost.issued_until:
                for held in _held_tokens(token):
                    reason = self._find_reason(token, held, lost.status_of, lost.least_generation)
                    if reason is not None:
                        return reason
        return None

    def _is_revoked(self, held: _Held, issued_at: float) -> bool:
        """``issued_at`` is 0 for a parent token, about which nobody says when it was issued."""
        revoked = self._revoked.get(held.jti)
        if revoked is not None and revoked.client_id in (held.client_id, None):
            return True
        collapsed = self._collapsed.get(held.client_id)
        return collapsed is not None and issued_at <= collapsed.issued_until

    def _is_covered(self, token: RevokedToken) -> bool:
        if token.generation is None or token.client_id is None:
            return False
        status = self._status_of.get(token.client_id)
        return token.generation < self._least_generation or (status is not None and status.covers(token.generation))

    def _remove(self, jti: str) -> None:
        token = self._revoked.pop(jti, None)
        if token is not None:
            of_client = self._revoked_of[token.client_id]
            of_client.discard(jti)
            if not of_client:
                del self._revoked_of[token.client_id]

    def _count_lost(self) -> None:
        self._lost_size = sum(len(lost.status_of) for lost in self._lost)

    def _collapse(self, now: float) -> None:
        """Replace lost histories, and the revoked tokens of the clients that have the most. Those of no client are kept."""
        if self._lost:
            self._issued_after = max(lost.issued_until for lost in self._lost)
            self._lost = []
            self._count_lost()
        for client_id, jtis in sorted(self._revoked_of.items(), key=lambda item: -len(item[1])):
            if self.size <= _REMAINING_PART * self._max_entries:
                return
            if client_id is not None and len(jtis) > 1:
                known = self._collapsed.get(client_id)
                latest = max(self._revoked[jti].expires_at for jti in jtis)
                for jti in list(jtis):
                    self._remove(jti)
                self._collapsed[client_id] = _Collapsed(now, max(latest, known.expires_at if known else 0))


def _details_types_of(token: AccessToken) -> set[str]:
    """Of the authorization details of a verified token, which its issuer validated; most tokens have none. RFC 9396 §2."""
    details = token.claims.get("authorization_details", [])
    if not isinstance(details, list) or not all(isinstance(detail, dict) for detail in details):
        raise invalid_token("claims_malformed")
    return {str(detail.get("type")) for detail in details}
