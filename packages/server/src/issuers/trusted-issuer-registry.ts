/** The trusted issuers in memory, and their changes: to write a rule is to give all that its client can do. */
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName, toWireNames } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { revokeTokens } from '../clients/client-changes.ts';
import { findClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import type { Delegate, FindDelegate } from '../delegation/delegate.ts';
import type { EventDraft } from '../events/event.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import { type OutboundHosts, requireOutboundHost } from '../http/outbound-hosts.ts';
import { clientsLosingTrust, requireTrustedIssuer, type TrustedIssuer } from './trusted-issuer.ts';
import { loadTrustedIssuersOf, trustedIssuers } from './trusted-issuer-store.ts';

export interface TrustedIssuerRegistry {
  /** All, by key. */
  list(): Promise<readonly TrustedIssuer[]>;
  /** Throws `not_found`. */
  get(key: string): Promise<TrustedIssuer>;
  /** The one whose tokens have this `iss`. */
  findByIssuer(issuer: string): Promise<TrustedIssuer | undefined>;
  /**
   * Creates it, or changes the one with that key, and revokes the tokens of clients of rules that no longer apply. Throws
   * `invalid_parameter`, `conflict` for an issuer that has another key, `invalid_token`, and `access_denied` unless the
   * token may give all that the clients of its rules can do, of those before and those after.
   */
  save(token: AccessToken, trusted: TrustedIssuer): Promise<void>;
  /** Throws `not_found`, and otherwise as `save`. */
  remove(token: AccessToken, key: string): Promise<void>;
}

export interface TrustedIssuerRegistryOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly ownIssuer: string;
  readonly findDelegate: FindDelegate;
  readonly outboundHosts: OutboundHosts;
}

export function createTrustedIssuerRegistry(options: TrustedIssuerRegistryOptions): TrustedIssuerRegistry {
  const { db, events, ownIssuer, findDelegate, outboundHosts } = options;

  let loaded: Promise<LoadedIssuers> | undefined;
  const forget = () => {
    loaded = undefined;
  };
  events.follow(({ kind }) => {
    if (kind.startsWith('issuer.')) {
      forget();
    }
  }, forget);
  const load = () => {
    if (loaded === undefined) {
      loaded = trustedIssuers.load(db).then(indexIssuers);
      loaded.catch(forget);
    }
    return loaded;
  };

  /** Returns the clients of the rules that exist. Throws `access_denied` unless each is within the delegate's reach. */
  const getClientsWithin = async (
    transaction: Kysely<Database>,
    delegate: Delegate,
    { rules }: TrustedIssuer,
  ): Promise<ReadonlyMap<string, Client>> => {
    const clients = new Map<string, Client>();
    for (const clientId of new Set(rules.map((rule) => rule.clientId))) {
      const client = await findClient(transaction, clientId);
      if (client !== undefined) {
        await delegate.requireWithin(client);
        clients.set(clientId, client);
      }
    }
    return clients;
  };

  return {
    list: async () => (await load()).list,
    async get(key) {
      const trusted = (await load()).byKey.get(key);
      if (trusted === undefined) {
        throw unknownKey(key);
      }
      return trusted;
    },
    findByIssuer: async (issuer) => (await load()).byIssuer.get(issuer),

    save(token, trusted) {
      requireTrustedIssuer(trusted, ownIssuer);
      if (trusted.jwks === null) {
        requireOutboundHost(outboundHosts, ...addressOfKeys(trusted));
      }
      return events.change(token, async (transaction, append) => {
        const delegate = await findDelegate(transaction, token);
        const taken = await trustedIssuers.find(transaction, trusted.issuer, 'issuer');
        if (taken !== undefined && taken.key !== trusted.key) {
          throw new OAuthError('conflict', `issuer: it is trusted already, as ${taken.key}.`);
        }
        const before = await trustedIssuers.find(transaction, trusted.key);
        if (isDeepStrictEqual(before, trusted)) {
          await getClientsWithin(transaction, delegate, trusted);
          await append.unchanged(savedEvent(trusted));
          return;
        }
        requireConsistentRules(trusted, await getClientsWithin(transaction, delegate, trusted));
        await recordTrustedIssuer(transaction, append, trusted);
        if (before !== undefined) {
          const clients = await getClientsWithin(transaction, delegate, before);
          await revokeTokensOf(transaction, append, clients, clientsLosingTrust(before, trusted));
        }
      });
    },

    remove(token, key) {
      return events.change(token, async (transaction, append) => {
        const delegate = await findDelegate(transaction, token);
        const before = await trustedIssuers.find(transaction, key);
        if (before === undefined) {
          throw unknownKey(key);
        }
        const clients = await getClientsWithin(transaction, delegate, before);
        await trustedIssuers.delete(transaction, key);
        await append({ kind: 'issuer.deleted', subject: key, data: {} });
        await revokeTokensOf(transaction, append, clients, clientsLosingTrust(before, undefined));
      });
    },
  };
}

interface LoadedIssuers {
  readonly list: readonly TrustedIssuer[];
  readonly byKey: ReadonlyMap<string, TrustedIssuer>;
  readonly byIssuer: ReadonlyMap<string, TrustedIssuer>;
}

function indexIssuers(list: readonly TrustedIssuer[]): LoadedIssuers {
  return {
    list,
    byKey: new Map(list.map((trusted) => [trusted.key, trusted])),
    byIssuer: new Map(list.map((trusted) => [trusted.issuer, trusted])),
  };
}

/** The member of the record, and its URL, from which the keys are fetched or discovered. */
function addressOfKeys({ issuer, jwksUri }: TrustedIssuer): [member: string, url: string] {
  return jwksUri === null ? ['issuer', issuer] : ['jwks_uri', jwksUri];
}

/**
 * Deletes the rules for a client that is deleted. Otherwise whoever wrote them could get tokens of a later client with its
 * id, which may do more.
 */
export async function deleteRulesFor(
  transaction: Kysely<Database>,
  append: Append,
  deletedClientId: string,
): Promise<void> {
  for (const trusted of await loadTrustedIssuersOf(transaction, deletedClientId)) {
    const rules = trusted.rules.filter(({ clientId }) => clientId !== deletedClientId);
    await recordTrustedIssuer(transaction, append, { ...trusted, rules });
  }
}

export async function recordTrustedIssuer(
  transaction: Kysely<Database>,
  append: Append,
  trusted: TrustedIssuer,
): Promise<void> {
  await trustedIssuers.save(transaction, trusted);
  await append(savedEvent(trusted));
}

function savedEvent(trusted: TrustedIssuer): EventDraft {
  return { kind: 'issuer.saved', subject: trusted.key, data: { ...trusted, rules: trusted.rules.map(toWireNames) } };
}

/** Throws `invalid_parameter` if a rule is for a client that does not exist, or for scopes that it does not hold. */
function requireConsistentRules({ rules }: TrustedIssuer, clients: ReadonlyMap<string, Client>): void {
  for (const [index, { clientId, scopes }] of rules.entries()) {
    const client = clients.get(clientId);
    if (client === undefined) {
      throw new OAuthError('invalid_parameter', `rules[${index}].client_id: there is no client ${showName(clientId)}.`);
    }
    const excess = scopes?.find((scope) => !client.scopes.has(scope));
    if (excess !== undefined) {
      throw new OAuthError(
        'invalid_parameter',
        `rules[${index}].scopes: the client does not hold ${showName(excess)}.`,
      );
    }
  }
}

async function revokeTokensOf(
  transaction: Kysely<Database>,
  append: Append,
  clients: ReadonlyMap<string, Client>,
  clientIds: ReadonlySet<string>,
): Promise<void> {
  for (const [clientId, client] of clients) {
    if (clientIds.has(clientId)) {
      await revokeTokens(transaction, append, client);
    }
  }
}

function unknownKey(key: string): OAuthError {
  return new OAuthError('not_found', `There is no trusted issuer ${showName(key)}.`);
}
