/**
 * Sessions of people in front of the console or the command. A session gives no right by itself: it gets access tokens that live
 * for minutes, and they name it as their parent token, so that all that holds for tokens (scopes, delegation, revocation, the
 * check inside each change) holds for what people do. Ending a session revokes its tokens on every node.
 */
import { createHash, randomUUID } from 'node:crypto';
import { invalidTokenError, parentTokensClaim } from '@postern/guard';
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { issueAccessToken } from '../access-token/issue.ts';
import type { Client } from '../clients/client.ts';
import type { ClientDirectory } from '../clients/client-directory.ts';
import { generateSessionCode, generateSessionSecret } from '../clients/credentials.ts';
import type { FindActor } from '../clients/find-actor.ts';
import { isPersonId } from '../clients/person-id.ts';
import { findOwnInactiveReason, findStatusFault } from '../clients/token-status.ts';
import type { Database } from '../db/schema.ts';
import type { CredentialHolder } from '../events/actor.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { RevokedTokens } from '../revocation/revocations.ts';
import { insertRevokedToken } from '../revocation/revoked-token-store.ts';
import { builtInScopeNames } from '../scopes/default-scopes.ts';
import {
  codeMs,
  findExtension,
  findSessionFault,
  mostSessions,
  newSession,
  type Session,
  type SessionKind,
  sessionTokenSeconds,
  tokenSecondsOf,
} from './session.ts';
import {
  deleteSession,
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

export interface Sessions {
  /** Opens a session for a client that has just been authenticated. Throws `unauthorized_client` for one that may have none. */
  open(client: Client, kind: SessionKind): Promise<OpenedSession>;
  /** Returns a code that begins a session of the client, within a minute. Throws as `open` does. */
  createCode(client: Client, kind: SessionKind, challenge?: string): Promise<string>;
  /** Opens the session of a code, once. Throws `invalid_grant` if it was used or has expired, or the verifier is wrong. */
  redeem(code: string, verifier: string | undefined): Promise<OpenedSession>;
  /** Returns the session of a secret, with its client; undefined if it has ended. */
  find(secret: string): Promise<{ readonly session: Session; readonly client: Client } | undefined>;
  /** Issues a token for the management API. Throws `invalid_token` if the session has ended, and `invalid_scope`. */
  issueToken(secret: string, wish: TokenWish): Promise<SessionToken>;
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
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { issuer, db, events, masterKey, directory, findActor, keys, revokedTokens, now } = options;
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

  const find: Sessions['find'] = async (secret) => {
    const session = await findSession(db, digestOf(secret));
    if (session === undefined || session.expiresAt <= now()) {
      return undefined;
    }
    const client = await directory.find(session.clientId);
    const reason = findOwnInactiveReason(parentOf(session), client, {
      issuer,
      isRevoked: revokedTokens.has,
      isKeyPublished: (kid) => keys.find(kid) !== undefined,
    });
    return client === undefined || reason !== undefined || findSessionFault(client) !== undefined
      ? undefined
      : { session, client };
  };

  const endOne = async (transaction: Kysely<Database>, append: Append, session: Session) => {
    if (!(await deleteSession(transaction, session.id))) {
      return;
    }
    const { id, clientId } = session;
    const client = await findActor(transaction, clientId);
    // As for other tokens: nothing revokes all tokens of root for good, and a client that is gone has no generation.
    const generation = client === undefined || client.isRoot ? undefined : session.generation;
    const expiresAt = Math.ceil(now() / 1000) + sessionTokenSeconds;
    await insertRevokedToken(transaction, { jti: id, clientId, generation, expiresAt });
    await append({
      kind: 'session.ended',
      subject: id,
      data: { clientId, exp: expiresAt, ...(generation !== undefined && { gen: generation }) },
    });
  };

  const begin = (kind: SessionKind, holder: CredentialHolder<Client>): Promise<OpenedSession> => {
    const secret = generateSessionSecret();
    return events.change(holder, async (transaction, append, client) => {
      const others = await listSessionsOf(transaction, client.id);
      for (const old of others.slice(mostSessions - 1)) {
        await endOne(transaction, append, old);
      }
      const session = newSession(randomUUID(), client, kind, now());
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
        authenticate: async (transaction) => requireActive(await findActor(transaction, client.id)),
      });
    },

    async createCode(client, kind, challenge) {
      requireMayHaveSession(client);
      const code = generateSessionCode();
      const { id: clientId, generation } = client;
      await insertSessionCode(db, { clientId, generation, kind, challenge, expiresAt: now() + codeMs }, digestOf(code));
      return code;
    },

    async redeem(text, verifier) {
      const digest = digestOf(text);
      const code = await findSessionCode(db, digest);
      const client = code && (await directory.find(code.clientId));
      if (code === undefined || client === undefined || code.expiresAt <= now()) {
        throw invalidCode('code_unknown');
      }
      if (code.challenge !== undefined && code.challenge !== challengeOf(verifier)) {
        throw invalidCode('code_verifier_wrong');
      }
      return begin(code.kind, {
        ...namesOf(client),
        authenticate: async (transaction) => {
          const present = requireActive(await findActor(transaction, code.clientId));
          if (present.generation !== code.generation || !(await deleteSessionCode(transaction, digest))) {
            throw invalidCode('code_unknown');
          }
          return present;
        },
      });
    },

    async issueToken(secret, { scopes: wanted, isUsed }) {
      const found = await find(secret);
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
      const ttlSeconds = tokenSecondsOf(extended, client, now());
      const { token, jti } = await issueAccessToken(issuer, {
        authorization: {
          client,
          scopes,
          audience: issuer,
          ttlSeconds,
          claims: {
            ...(isPersonId(client.id) && { name: client.name }),
            parent_tokens: parentTokensClaim([parentOf(session)]),
          },
        },
        scope: scopes.join(' '),
        typ: 'at+jwt',
        confirmation: undefined,
        key: keys.signingKey(),
        nowSeconds: now() / 1000,
      });
      return { token, jti, scopes, ttlSeconds, session: extended };
    },

    async end(secret, everywhere) {
      const session = await findSession(db, digestOf(secret));
      if (session === undefined) {
        return;
      }
      const client = await directory.find(session.clientId);
      const names = client === undefined ? { name: session.clientId } : namesOf(client);
      const holder: CredentialHolder<void> = { ...names, authenticate: async () => {} };
      await events.change(holder, async (transaction, append) => {
        const all = everywhere ? await listSessionsOf(transaction, session.clientId) : [session];
        for (const one of all) {
          await endOne(transaction, append, one);
        }
      });
    },
  };
}

export function sessionEnded(): OAuthError {
  return new OAuthError('invalid_token', 'There is no session, or it has ended: sign in again.', {
    reason: 'session_ended',
  });
}

function requireActive(client: Client | undefined): Client {
  const fault = findStatusFault(client);
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
