/**
 * Sessions of people in front of the console or the command. A session gives no right by itself: it gets access tokens that live
 * for minutes, and they name it as their parent token, so that all that holds for tokens (scopes, delegation, revocation, the
 * check inside each change) holds for what people do. Ending a session revokes its tokens on every node.
 */
import { createHash, randomUUID } from 'node:crypto';
import { invalidTokenError, parentTokensClaim } from '@postern/guard';
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { mayActClaimOf } from '../access-token/authorization.ts';
import { issueAccessToken } from '../access-token/issue.ts';
import { isAllowedFrom } from '../clients/allowed-networks.ts';
import type { Client } from '../clients/client.ts';
import type { ClientDirectory } from '../clients/client-directory.ts';
import { generateSessionCode, generateSessionSecret } from '../clients/credentials.ts';
import type { FindActor } from '../clients/find-actor.ts';
import { isPersonId } from '../clients/person-id.ts';
import { findOwnInactiveReason, findStatusFault } from '../clients/token-status.ts';
import type { Database } from '../db/schema.ts';
import type { CredentialHolder } from '../events/actor.ts';
import type { EventLog } from '../events/event-log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { SelfServiceLimit } from '../limits/self-service-limit.ts';
import type { TokenQuota } from '../limits/token-quota.ts';
import type { RevokedTokens } from '../revocation/revocations.ts';
import { builtInScopeNames } from '../scopes/default-scopes.ts';
import type { Usage } from '../usage/usage.ts';
import { endSession, endSessionsOf } from './end-sessions.ts';
import {
  codeMs,
  findExtension,
  findSessionFault,
  mostSessions,
  newSession,
  type Session,
  type SessionKind,
  tokenSecondsOf,
} from './session.ts';
import {
  deleteSessionCode,
  extendSession,
  findSession,
  findSessionCode,
  insertSession,
  insertSessionCode,
  listSessionsOf,
} from './session-store.ts';

export interface OpenedSession {
  readonly session: Session;
  readonly client: Client;
  /** Whoever has it is signed in. It is stored nowhere. */
  readonly secret: string;
}

export interface SessionToken {
  readonly token: string;
  readonly jti: string;
  readonly scopes: readonly string[];
  readonly ttlSeconds: number;
  readonly session: Session;
}

export interface TokenWish {
  /** The scopes of the token. Undefined: the built-in ones that the client has. */
  readonly scopes: readonly string[] | undefined;
  /** Whether somebody has used the session since its last token: it ends if nobody does for long. */
  readonly isUsed: boolean;
}

/** Who may use a code, and by what right it was asked for. */
export interface CodeOrigin {
  /** RFC 7636 §4.2, for `S256`. */
  readonly challenge?: string | undefined;
  /** The session of whoever asks for it. Undefined: they have just been authenticated. */
  readonly parent?: Session | undefined;
}

export interface Sessions {
  /**
   * Opens a session for a client that has just been authenticated. Throws `unauthorized_client` for one that may have none, and
   * `too_many_requests`, as all that begin or end one do.
   */
  open(client: Client, kind: SessionKind): Promise<OpenedSession>;
  /** Returns a code that begins a session of the client, within a minute. Throws as `open` does. */
  createCode(client: Client, kind: SessionKind, origin?: CodeOrigin): Promise<string>;
  /**
   * Opens the session of a code, once. Throws `invalid_grant` if it was used or has expired, the verifier is wrong, the client may
   * not authenticate from the address, or the session by which it was asked for has ended.
   */
  redeem(code: string, verifier: string | undefined, address: string): Promise<OpenedSession>;
  /** Returns the session of a secret, with its client; undefined if it has ended, or the client may not authenticate from the address. */
  find(secret: string, address: string): Promise<{ readonly session: Session; readonly client: Client } | undefined>;
  /**
   * Issues a token for the management API, as the client could get it by its secret. Throws `invalid_token` if `find` finds no session,
   * `invalid_scope`, and `too_many_requests` if the client has used its quota.
   */
  issueToken(secret: string, address: string, wish: TokenWish): Promise<SessionToken>;
  /** Ends the session; with `everywhere`, all sessions of its client. Does nothing if it has ended. */
  end(secret: string, everywhere: boolean): Promise<void>;
}

export interface SessionsOptions {
  readonly issuer: string;
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  readonly directory: Pick<ClientDirectory, 'find'>;
  readonly findActor: FindActor;
  readonly keys: Pick<KeyRing, 'signingKey' | 'find'>;
  readonly revokedTokens: Pick<RevokedTokens, 'has'>;
  readonly tokenQuota: TokenQuota;
  /** Of sessions that begin or end, by client or person. */
  readonly limit: SelfServiceLimit;
  readonly usage: Pick<Usage, 'recordIssued'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Whoever begins a session, and the session by which they do. */
interface Beginner {
  readonly client: Client;
  readonly parent?: Session | undefined;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { issuer, db, events, masterKey, directory, findActor, keys, revokedTokens, tokenQuota, usage, limit, now } =
    options;
  const digestOf = (secret: string) => masterKey.digest('sessions', secret);

  /** The session as the parent of the token that the key signs now. */
  const parentOf = ({ id, clientId, generation }: Session) => ({
    jti: id,
    kid: keys.signingKey().kid,
    clientId,
    generation,
    audience: [issuer],
    scopes: new Set<string>(),
    claims: {},
  });

  const find: Sessions['find'] = async (secret, address) => {
    const session = await findSession(db, { digest: digestOf(secret) });
    if (session === undefined || session.expiresAt <= now()) {
      return undefined;
    }
    const client = await directory.find(session.clientId);
    const reason = findOwnInactiveReason(parentOf(session), client, {
      issuer,
      isRevoked: revokedTokens.has,
      isKeyPublished: (kid) => keys.find(kid) !== undefined,
      now,
    });
    return client === undefined ||
      reason !== undefined ||
      findSessionFault(client) !== undefined ||
      !isAllowedFrom(client, address)
      ? undefined
      : { session, client };
  };

  const begin = (kind: SessionKind, holder: CredentialHolder<Beginner>): Promise<OpenedSession> => {
    limit.take(holder.name);
    const secret = generateSessionSecret();
    return events.change(holder, async (transaction, append, { client, parent }) => {
      const others = await listSessionsOf(transaction, client.id);
      for (const old of others.slice(mostSessions - 1)) {
        await endSession(transaction, append, old, client, now());
      }
      const session = newSession(randomUUID(), client, kind, now(), parent);
      await insertSession(transaction, session, digestOf(secret));
      await append({ kind: 'session.started', subject: session.id, data: { clientId: client.id, kind } });
      return { session, client, secret };
    });
  };

  return {
    find,

    async open(client, kind) {
      requireMayHaveSession(client);
      return begin(kind, {
        ...namesOf(client),
        async authenticate(transaction) {
          const present = requireActive(await findActor(transaction, client.id), now());
          // Its secret may have been replaced, and its tokens revoked, while this waited for other changes.
          if (present.generation !== client.generation) {
            throw sessionEnded();
          }
          return { client: present };
        },
      });
    },

    async createCode(client, kind, { challenge, parent } = {}) {
      requireMayHaveSession(client);
      const { id: clientId, generation } = client;
      limit.take(clientId);
      const text = generateSessionCode();
      const expiresAt = now() + codeMs;
      const code = { clientId, generation, kind, parentId: parent?.id, challenge, expiresAt };
      await insertSessionCode(db, code, digestOf(text));
      return text;
    },

    async redeem(text, verifier, address) {
      const digest = digestOf(text);
      const code = await findSessionCode(db, digest);
      const client = code && (await directory.find(code.clientId));
      if (code === undefined || client === undefined || code.expiresAt <= now()) {
        throw invalidCode('code_unknown');
      }
      if (code.challenge !== undefined && code.challenge !== challengeOf(verifier)) {
        throw invalidCode('code_verifier_wrong');
      }
      if (!isAllowedFrom(client, address)) {
        throw invalidCode('address_not_allowed');
      }
      return begin(code.kind, {
        ...namesOf(client),
        authenticate: async (transaction) => {
          const present = requireActive(await findActor(transaction, code.clientId), now());
          if (present.generation !== code.generation || !(await deleteSessionCode(transaction, digest))) {
            throw invalidCode('code_unknown');
          }
          const { parentId } = code;
          const parent = parentId === undefined ? undefined : await findSession(transaction, { id: parentId });
          if (parentId !== undefined && (parent === undefined || parent.expiresAt <= now())) {
            throw invalidCode('session_ended');
          }
          return { client: present, parent };
        },
      });
    },

    async issueToken(secret, address, { scopes: wanted, isUsed }) {
      const found = await find(secret, address);
      if (found === undefined) {
        throw sessionEnded();
      }
      const { session, client } = found;
      const extension = isUsed ? findExtension(session, now()) : undefined;
      if (extension !== undefined) {
        await extendSession(db, session.id, extension);
      }
      const extended = { ...session, expiresAt: extension ?? session.expiresAt };
      const scopes = wanted ?? [...client.scopes.intersection(builtInScopeNames)];
      const missing = scopes.find((name) => !client.scopes.has(name));
      if (missing !== undefined) {
        throw new OAuthError('invalid_scope', 'The session does not have all of the scopes in the parameter scope.');
      }
      const scope = scopes.join(' ');
      const { token, jti, ttlSeconds } = await tokenQuota.spend(client, () =>
        issueAccessToken(issuer, {
          authorization: {
            client,
            scopes,
            audience: issuer,
            ttlSeconds: tokenSecondsOf(extended, client, now()),
            claims: {
              ...mayActClaimOf(client),
              ...(isPersonId(client.id) && { name: client.name }),
              parent_tokens: parentTokensClaim(parentOf(session)),
            },
          },
          scope,
          typ: 'at+jwt',
          confirmation: undefined,
          key: keys.signingKey(),
          nowSeconds: now() / 1000,
        }),
      );
      // No report of usage has root or people.
      if (!client.isRoot && !isPersonId(client.id)) {
        usage.recordIssued(client, scope, false);
      }
      return { token, jti, scopes, ttlSeconds, session: extended };
    },

    async end(secret, everywhere) {
      const session = await findSession(db, { digest: digestOf(secret) });
      if (session === undefined) {
        return;
      }
      limit.take(session.clientId);
      const client = await directory.find(session.clientId);
      const names = client === undefined ? { name: session.clientId } : namesOf(client);
      const holder: CredentialHolder<void> = { ...names, authenticate: async () => {} };
      await events.change(holder, async (transaction, append) => {
        const present = await findActor(transaction, session.clientId);
        await (everywhere
          ? endSessionsOf(transaction, append, session.clientId, present, now())
          : endSession(transaction, append, session, present, now()));
      });
    },
  };
}

export function sessionEnded(): OAuthError {
  return new OAuthError('invalid_token', 'There is no session, or it has ended: sign in again.', {
    reason: 'session_ended',
  });
}

function requireActive(client: Client | undefined, now: number): Client {
  const fault = findStatusFault(client, now);
  if (client === undefined || fault !== undefined) {
    throw invalidTokenError(fault ?? 'client_unknown');
  }
  return client;
}

/** How the audit trail names a client or a person. */
function namesOf({ id, name }: Client): Pick<CredentialHolder<unknown>, 'name' | 'displayName'> {
  return { name: id, displayName: isPersonId(id) ? (name ?? undefined) : undefined };
}

function requireMayHaveSession(client: Client): void {
  const fault = findSessionFault(client);
  if (fault !== undefined) {
    throw new OAuthError(
      'unauthorized_client',
      'This client cannot sign in here: it is not registered for client_credentials, or its tokens must be bound to a key ' +
        'or certificate. Sign in with an access token instead.',
      { reason: fault },
    );
  }
}

/** The same text for every reason. */
function invalidCode(reason: ErrorReason): OAuthError {
  return new OAuthError('invalid_grant', 'The code was used before or has expired: ask for another one.', { reason });
}

/** RFC 7636 §4.6. */
function challengeOf(verifier: string | undefined): string | undefined {
  return verifier === undefined ? undefined : createHash('sha256').update(verifier).digest('base64url');
}
