/** A session: somebody who signed in, until they sign out, are idle for too long, or the day is over. Pure. */
import type { ErrorReason } from '@postern/protocol';
import { clientCredentialsGrant } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { requirementsOf } from '../clients/security-profile.ts';

/** A session of the web console is in a cookie, and one of the command in a file of its user. */
export type SessionKind = 'browser' | 'command';

export interface Session {
  /** Tokens of the session name it as their parent, so that they are revoked with it. */
  readonly id: string;
  /** Who signed in. */
  readonly clientId: string;
  /** The generation of the client at the sign-in: revoking all of its tokens ends its sessions too. */
  readonly generation: number;
  readonly kind: SessionKind;
  /** Milliseconds since 1970, as below. */
  readonly createdAt: number;
  /** When it ends if nobody uses it until then. */
  readonly expiresAt: number;
  /** When it ends, however much it is used. */
  readonly endsAt: number;
}

/** A code that begins one session, for somebody who is signed in elsewhere. */
export interface SessionCode {
  /** Who is signed in. */
  readonly clientId: string;
  readonly generation: number;
  /** Of the session that it begins. */
  readonly kind: SessionKind;
  /** The session of whoever asked for it. Undefined: they were authenticated just then. */
  readonly parentId: string | undefined;
  /** RFC 7636 §4.2, for `S256`. Undefined: whoever has the code may use it. */
  readonly challenge: string | undefined;
  readonly expiresAt: number;
}

/** Milliseconds for which a code can be used. */
export const codeMs = 60_000;

const minute = 60_000;
const hour = 60 * minute;

/** Milliseconds. A session of the command ends with the working day, since nobody sits in front of it all the time. */
export const idleMs: Readonly<Record<SessionKind, number>> = { browser: 30 * minute, command: 12 * hour };
export const longestMs = 12 * hour;

/** The lifetime of a token of a session, at most. */
export const sessionTokenSeconds = 300;

/** Sessions of one client. One more ends the oldest. */
export const mostSessions = 100;

/** Milliseconds by which the end of an idle session must move before that is written. */
const leastExtensionMs = minute;

/** `parent`: the session by which it is begun. It ends with the same day, since nobody has signed in again. */
export function newSession(
  id: string,
  { id: clientId, generation }: Pick<Client, 'id' | 'generation'>,
  kind: SessionKind,
  now: number,
  parent?: Pick<Session, 'endsAt'>,
): Session {
  const endsAt = Math.min(now + longestMs, parent?.endsAt ?? Number.POSITIVE_INFINITY);
  return { id, clientId, generation, kind, createdAt: now, expiresAt: idleEnd(kind, endsAt, now), endsAt };
}

function idleEnd(kind: SessionKind, endsAt: number, now: number): number {
  return Math.min(now + idleMs[kind], endsAt);
}

/** When a session that is used now ends if it is not used again; undefined if that need not be written. */
export function findExtension({ kind, expiresAt, endsAt }: Session, now: number): number | undefined {
  const extended = idleEnd(kind, endsAt, now);
  return extended - expiresAt >= leastExtensionMs ? extended : undefined;
}

/** Seconds for which a token of the session may be valid. */
export function tokenSecondsOf(
  { expiresAt }: Session,
  { accessTokenTtlSeconds }: Pick<Client, 'accessTokenTtlSeconds'>,
  now: number,
): number {
  const remaining = Math.floor((expiresAt - now) / 1000);
  return Math.max(1, Math.min(sessionTokenSeconds, accessTokenTtlSeconds ?? sessionTokenSeconds, remaining));
}

/**
 * Why a client may not have a session, which gives it plain bearer tokens without a further proof of who it is; undefined if
 * it may.
 */
export function findSessionFault(client: Client): ErrorReason | undefined {
  const { grantTypes, dpopBoundAccessTokens, tlsClientCertificateBoundAccessTokens } = client.metadata;
  const mayGetTokens = grantTypes?.includes(clientCredentialsGrant) ?? true;
  const isBound = dpopBoundAccessTokens === true || tlsClientCertificateBoundAccessTokens === true;
  return mayGetTokens && !isBound && requirementsOf(client) === undefined ? undefined : 'session_not_allowed';
}
