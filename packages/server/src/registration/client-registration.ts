/**
 * Clients that register and manage themselves. RFC 7591 §3, RFC 7592 §2.
 *
 * A registered client has ordinary scopes and stays within the reach of whoever created the initial access token, may
 * assign none, and manages itself until an administrator changes it. Clients that were created otherwise, and root, have no registration and
 * cannot be managed here.
 */
import { isDeepStrictEqual } from 'node:util';
import { invalidTokenError } from '@postern/guard';
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { digestPresented, findSecret, findSecretFault } from '../client-auth/client-secret.ts';
import { type ClientPolicy, requirePolicies, secretTtlSeconds } from '../client-policies/client-policy.ts';
import { clientPolicies } from '../client-policies/client-policy-store.ts';
import { isAllowedFrom } from '../clients/allowed-networks.ts';
import { type Client, changeClient, newClient } from '../clients/client.ts';
import { recordChange, recordDeletion } from '../clients/client-changes.ts';
import { usesSecret } from '../clients/client-metadata.ts';
import { isExpired, newSecret } from '../clients/client-secret.ts';
import { deleteSecret, insertSecret } from '../clients/client-secret-store.ts';
import { findClient, insertClient } from '../clients/client-store.ts';
import { generateClientId, generateClientSecret, generateRegistrationAccessToken } from '../clients/credentials.ts';
import type { FindActor } from '../clients/find-actor.ts';
import { findStatusFault } from '../clients/token-status.ts';
import type { Database } from '../db/schema.ts';
import type { LoadReachRules } from '../delegation/delegate.ts';
import { inheritLimits, namesOf, type Reach, type ReachRules, reachOf, within } from '../delegation/reach.ts';
import type { CredentialHolder } from '../events/actor.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import type { Precondition } from '../events/precondition.ts';
import type { OutboundHosts } from '../http/outbound-hosts.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { findInitialAccessTokenFault, type InitialAccessToken } from './initial-access-token.ts';
import { findInitialAccessToken, useInitialAccessToken } from './initial-access-token-store.ts';
import { parseMetadata, type RegisteredMetadata, requireValidRegistration } from './registered-metadata.ts';
import { limitsOfRegistration, reachOfRegistered, stillGiven } from './registration-limits.ts';
import {
  findRegistration,
  insertRegistration,
  type Registration,
  replaceRegistrationDigest,
} from './registration-store.ts';

export interface IssuedSecret {
  readonly text: string;
  /** Milliseconds since 1970; null: never. */
  readonly expiresAt: number | null;
}

export interface RegisteredClient {
  readonly client: Client;
  /** Shown only once. Undefined if none was created: the client has one already, or uses none. */
  readonly clientSecret: IssuedSecret | undefined;
  /** The one to use next time; the previous one is no longer valid. */
  readonly registrationAccessToken: string;
}

interface AuthorizedRegistration {
  readonly token: InitialAccessToken;
  readonly creator: Client;
  readonly rules: ReachRules;
  /** The most that the client can do. */
  readonly limits: Reach;
}

interface Registered {
  readonly registration: Registration;
  readonly client: Client;
}

/**
 * Each call throws `invalid_token` for a token that is not valid for it, and then changes nothing. `text` is the token
 * as it was sent.
 */
export interface ClientRegistration {
  /** Checks an initial access token before anything else of the request is read. */
  requireInitialAccessToken(text: string): Promise<void>;
  /**
   * Checks that the registration access token is that of the client, which may use it from the address, before anything else of
   * the request is read.
   */
  requireRegistrationAccessToken(clientId: string, text: string, address: string): Promise<void>;
  /** Uses the initial access token once. Throws as `parseMetadata` does, which uses nothing. */
  register(text: string, wanted: RegisteredMetadata): Promise<RegisteredClient>;
  read(clientId: string, text: string): Promise<RegisteredClient>;
  /**
   * Replaces all metadata. A client that begins to use a secret gets one, and the secrets of a client that no longer uses
   * one are deleted. Throws as `parseMetadata` does, and `invalid_client_metadata` if `clientSecret` is not its secret.
   */
  update(
    clientId: string,
    text: string,
    wanted: RegisteredMetadata,
    clientSecret: string | undefined,
    precondition?: Precondition,
  ): Promise<RegisteredClient>;
  /** Deletes the client, and revokes its tokens at once. */
  remove(clientId: string, text: string, precondition?: Precondition): Promise<void>;
}

export interface ClientRegistrationOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  readonly loadReachRules: LoadReachRules;
  readonly findActor: FindActor;
  readonly outboundHosts: OutboundHosts;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createClientRegistration(options: ClientRegistrationOptions): ClientRegistration {
  const { db, events, masterKey, loadReachRules, findActor, now } = options;
  const digestOf = (text: string) => masterKey.digest('registration access tokens', text);

  const getInitialAccessToken = async (database: Kysely<Database>, text: string): Promise<InitialAccessToken> => {
    const token = await findInitialAccessToken(database, { digest: masterKey.digest('initial access tokens', text) });
    const fault = findInitialAccessTokenFault(token, now());
    if (token === undefined || fault !== undefined) {
      throw invalidInitialToken(fault ?? 'token_unknown');
    }
    return token;
  };

  /** An initial access token allows what its creator may still give, and nothing if that client was deleted or disabled. */
  const authorize = async (transaction: Kysely<Database>, text: string): Promise<AuthorizedRegistration> => {
    const token = await getInitialAccessToken(transaction, text);
    const creator = await findActor(transaction, token.createdBy);
    const fault = findStatusFault(creator, now());
    if (creator === undefined || fault !== undefined) {
      throw invalidInitialToken(fault ?? 'client_unknown');
    }
    const rules = await loadReachRules(transaction, [creator.id]);
    return { token, creator, rules, limits: reachOfRegistered(stillGiven(token, creator, rules), creator, rules) };
  };

  const getRegistered = async (database: Kysely<Database>, clientId: string, text: string): Promise<Registered> => {
    const registration = await findRegistration(database, clientId, digestOf(text));
    const client = registration && (await findClient(database, clientId));
    if (registration === undefined || client === undefined) {
      throw invalidTokenError('token_unknown');
    }
    const fault = findStatusFault(client, now());
    if (fault !== undefined) {
      throw invalidTokenError(fault);
    }
    return { registration, client };
  };

  /** Whoever registers is no client yet, so that the audit trail names its token. */
  const holderOfInitialToken = (text: string): CredentialHolder<AuthorizedRegistration> => ({
    name: 'initial_access_token',
    authenticate: (transaction) => authorize(transaction, text),
  });

  const registeredClient = (
    clientId: string,
    text: string,
    precondition?: Precondition,
  ): CredentialHolder<Registered> => ({
    name: clientId,
    precondition,
    authenticate: (transaction) => getRegistered(transaction, clientId, text),
  });

  const rotate = async (transaction: Kysely<Database>, append: Append, registration: Registration): Promise<string> => {
    const next = generateRegistrationAccessToken();
    if (!(await replaceRegistrationDigest(transaction, registration, digestOf(next)))) {
      throw invalidTokenError('token_unknown');
    }
    await append({ kind: 'registration_access_token.rotated', subject: registration.clientId, data: {} });
    return next;
  };

  const addSecret = async (transaction: Kysely<Database>, append: Append, client: Client): Promise<IssuedSecret> => {
    const text = generateClientSecret();
    const ttlSeconds = secretTtlSeconds(client, await clientPolicies.load(transaction), undefined);
    const secret = newSecret(text, masterKey, now(), ttlSeconds);
    await insertSecret(transaction, client.id, secret);
    await append({ kind: 'secret.created', subject: client.id, data: { secretId: secret.id } });
    return { text, expiresAt: secret.expiresAt };
  };

  /** Creates or deletes secrets as the client's new way to authenticate requires. Returns the new secret, if there is one. */
  const alignSecrets = async (transaction: Kysely<Database>, append: Append, client: Client) => {
    if (usesSecret(client.metadata)) {
      const has = client.secrets.some((secret) => !isExpired(secret, now()));
      return has ? undefined : addSecret(transaction, append, client);
    }
    for (const { id } of client.secrets) {
      await deleteSecret(transaction, id);
      await append({ kind: 'secret.deleted', subject: client.id, data: { secretId: id } });
    }
    return undefined;
  };

  return {
    async requireInitialAccessToken(text) {
      await authorize(db, text);
    },

    async requireRegistrationAccessToken(clientId, text, address) {
      const { client } = await getRegistered(db, clientId, text);
      if (!isAllowedFrom(client, address)) {
        throw invalidTokenError('address_not_allowed');
      }
    },

    register(text, wanted) {
      return events.change(holderOfInitialToken(text), async (transaction, append, authorized) => {
        const { token, creator, rules, limits } = authorized;
        const { change } = inheritLimits(parseMetadata(wanted, limits), creator, rules);
        const createdAt = now();
        const client = changeClient(newClient(generateClientId(), createdAt), change, createdAt);
        requireValidRegistration(client, limits, rules, options.outboundHosts);
        requireRegistrationPolicies(client, await clientPolicies.load(transaction));
        if (!(await useInitialAccessToken(transaction, token.id))) {
          throw invalidInitialToken('token_used_up');
        }
        await insertClient(transaction, client);
        await append({
          kind: 'client.created',
          subject: client.id,
          data: { ...change, initialAccessTokenId: token.id },
        });
        const registrationAccessToken = generateRegistrationAccessToken();
        await insertRegistration(transaction, {
          clientId: client.id,
          digest: digestOf(registrationAccessToken),
          limits: limitsOfRegistration(limits),
        });
        const clientSecret = await alignSecrets(transaction, append, client);
        return { client, clientSecret, registrationAccessToken };
      });
    },

    read(clientId, text) {
      return events.change(registeredClient(clientId, text), async (transaction, append, { registration, client }) => {
        const registrationAccessToken = await rotate(transaction, append, registration);
        return { client, clientSecret: undefined, registrationAccessToken };
      });
    },

    update(clientId, text, wanted, presentedSecret, precondition) {
      return events.change(registeredClient(clientId, text, precondition), async (transaction, append, registered) => {
        const { registration, client: before } = registered;
        const presented =
          presentedSecret === undefined ? undefined : findSecret(before, digestPresented(presentedSecret, masterKey));
        if (presentedSecret !== undefined && findSecretFault(presented, now()) !== undefined) {
          throw new OAuthError('invalid_client_metadata', 'client_secret: is not the secret of this client.');
        }
        const rules = await loadReachRules(transaction, [before.id]);
        // What it cannot register stays as it is, and scopes may have been deleted.
        const scopes = new Set(within(namesOf(registration.limits.scopes), rules.registry.ordinaryNames));
        const limits = { ...reachOf(before, rules), ...registration.limits, scopes };
        const change = parseMetadata(wanted, limits);
        const changed = changeClient(before, change, now(), append.leastGeneration());
        const isSame = isDeepStrictEqual(changed, { ...before, updatedAt: changed.updatedAt });
        const client = isSame ? before : changed;
        requireValidRegistration(client, limits, rules, options.outboundHosts);
        requireRegistrationPolicies(client, await clientPolicies.load(transaction));
        if (isSame) {
          await append.unchanged({ kind: 'client.updated', subject: clientId, data: {} });
        } else {
          await recordChange(transaction, append, before, client, change);
        }
        const clientSecret = await alignSecrets(transaction, append, client);
        const registrationAccessToken = await rotate(transaction, append, registration);
        return { client, clientSecret, registrationAccessToken };
      });
    },

    remove(clientId, text, precondition) {
      return events.change(registeredClient(clientId, text, precondition), (transaction, append, { client }) =>
        recordDeletion(transaction, append, client),
      );
    },
  };
}

/** Throws `invalid_client_metadata` if the client does not meet a policy. RFC 7591 §3.2.2. */
function requireRegistrationPolicies(client: Client, policies: readonly ClientPolicy[]): void {
  try {
    requirePolicies(client, policies);
  } catch (error) {
    throw error instanceof OAuthError ? new OAuthError('invalid_client_metadata', error.message) : error;
  }
}

function invalidInitialToken(reason: ErrorReason): OAuthError {
  return new OAuthError('invalid_token', 'The initial access token is expired, used up, deleted or unknown.', {
    reason,
  });
}
