/** Creating and deleting initial access tokens. To create one is to give what its clients can do, before they exist. */
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import { generateClientId, generateInitialAccessToken } from '../clients/credentials.ts';
import type { FindActor } from '../clients/find-actor.ts';
import type { FindDelegate } from '../delegation/delegate.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { type ResourceRegistry, requireRegistered } from '../resources/resource-registry.ts';
import { requireKnown, type ScopeRegistry } from '../scopes/scope-registry.ts';
import type { InitialAccessToken } from './initial-access-token.ts';
import {
  deleteInitialAccessToken,
  getInitialAccessToken,
  insertInitialAccessToken,
} from './initial-access-token-store.ts';
import { reachOfRegistered } from './registration-limits.ts';

export interface WantedInitialAccessToken
  extends Pick<InitialAccessToken, 'name' | 'scopes' | 'resources' | 'maxUses'> {
  readonly expiresInSeconds: number;
}

export interface CreatedInitialAccessToken {
  readonly record: InitialAccessToken;
  /** The token itself. Shown only once; its digest is kept. */
  readonly text: string;
}

/** Each call takes a verified access token, and throws `invalid_token` if that is no longer active. */
export interface InitialAccessTokenAdministration {
  /**
   * Throws `conflict` while registration is off, `invalid_parameter` for a scope or resource that is unknown and for
   * a scope that administers Postern, `access_denied` for what the token may not give.
   */
  create(token: AccessToken, wanted: WantedInitialAccessToken): Promise<CreatedInitialAccessToken>;
  /** Throws `not_found`, and `access_denied` unless the token may give all that its clients can do. */
  remove(token: AccessToken, id: string): Promise<void>;
}

export interface InitialAccessTokenAdministrationOptions {
  /** False: registration is off. */
  readonly enabled: boolean;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  readonly scopes: ScopeRegistry;
  readonly findActor: FindActor;
  readonly findDelegate: FindDelegate;
  readonly resources: ResourceRegistry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createInitialAccessTokenAdministration(
  options: InitialAccessTokenAdministrationOptions,
): InitialAccessTokenAdministration {
  const { enabled, events, masterKey, scopes: registry, findActor, findDelegate, resources, now } = options;

  return {
    async create(token, { expiresInSeconds, ...wanted }) {
      if (!enabled) {
        throw new OAuthError(
          'conflict',
          'Dynamic client registration is off: start the server with POSTERN_REGISTRATION=initial_access_token.',
        );
      }
      const scopes = requireKnown(wanted.scopes, registry);
      const administrative = scopes.find((scope) => !registry.ordinaryNames.has(scope));
      if (administrative !== undefined) {
        throw new OAuthError(
          'invalid_parameter',
          `scopes: clients cannot register for ${administrative}, which administers Postern.`,
        );
      }
      requireRegistered(wanted, resources);
      return events.change(token, async (transaction, append) => {
        const record: InitialAccessToken = {
          ...wanted,
          scopes,
          id: generateClientId(),
          uses: 0,
          createdAt: now(),
          expiresAt: now() + expiresInSeconds * 1000,
          createdBy: token.clientId,
        };
        const text = generateInitialAccessToken();
        const delegate = await findDelegate(transaction, token);
        delegate.requireReach(reachOfRegistered(record, delegate.client, delegate.rules));
        await insertInitialAccessToken(transaction, record, masterKey.digest('initial access tokens', text));
        await append({
          kind: 'initial_access_token.created',
          subject: record.id,
          data: { name: record.name, scopes, resources: record.resources, maxUses: record.maxUses },
        });
        return { record, text };
      });
    },

    remove(token, id) {
      return events.change(token, async (transaction, append) => {
        const delegate = await findDelegate(transaction, token);
        const record = await getInitialAccessToken(transaction, id);
        // Without its creator it is invalid, and anybody's who may give what it names.
        const creator = (await findActor(transaction, record.createdBy)) ?? delegate.client;
        delegate.requireReach(reachOfRegistered(record, creator, delegate.rules));
        await deleteInitialAccessToken(transaction, id);
        await append({ kind: 'initial_access_token.deleted', subject: id, data: {} });
      });
    },
  };
}
