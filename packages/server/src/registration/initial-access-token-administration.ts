/** Creating and deleting initial access tokens. To create one is to assign scopes, to clients that do not exist yet. */
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import { generateClientId, generateInitialAccessToken } from '../clients/credentials.ts';
import type { ActorScopes } from '../delegation/actor-scopes.ts';
import { type DelegationRules, requireAssignable } from '../delegation/delegation.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { type ResourceRegistry, requireRegistered } from '../resources/resource-registry.ts';
import { requireKnown } from '../scopes/scope-registry.ts';
import type { InitialAccessToken } from './initial-access-token.ts';
import {
  deleteInitialAccessToken,
  findInitialAccessToken,
  insertInitialAccessToken,
} from './initial-access-token-store.ts';

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
   * a scope that administers Postern, `access_denied` for one that the token may not assign.
   */
  create(token: AccessToken, wanted: WantedInitialAccessToken): Promise<CreatedInitialAccessToken>;
  /** Throws `not_found`, and `access_denied` unless the token may assign all of its scopes. */
  remove(token: AccessToken, id: string): Promise<void>;
}

export interface InitialAccessTokenAdministrationOptions {
  /** False: registration is off. */
  readonly enabled: boolean;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  readonly delegation: DelegationRules;
  readonly actorScopesOf: ActorScopes;
  readonly resources: ResourceRegistry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createInitialAccessTokenAdministration(
  options: InitialAccessTokenAdministrationOptions,
): InitialAccessTokenAdministration {
  const { enabled, events, masterKey, delegation, actorScopesOf, resources, now } = options;

  return {
    async create(token, { expiresInSeconds, ...wanted }) {
      if (!enabled) {
        throw new OAuthError(
          'conflict',
          'Dynamic client registration is off: start the server with POSTERN_REGISTRATION=initial_access_token.',
        );
      }
      const scopes = requireKnown(wanted.scopes, delegation.registry);
      const administrative = scopes.find((scope) => !delegation.registry.ordinaryNames.has(scope));
      if (administrative !== undefined) {
        throw new OAuthError(
          'invalid_parameter',
          `scopes: clients cannot register for ${administrative}, which administers Postern.`,
        );
      }
      requireRegistered(wanted, resources);
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
      await events.change(token, async (transaction, append) => {
        requireAssignable(delegatorOf(record), await actorScopesOf(transaction, token), delegation);
        await insertInitialAccessToken(transaction, record, masterKey.digest('initial access tokens', text));
        await append({
          kind: 'initial_access_token.created',
          subject: record.id,
          data: { name: record.name, scopes, resources: record.resources, maxUses: record.maxUses },
        });
      });
      return { record, text };
    },

    remove(token, id) {
      return events.change(token, async (transaction, append) => {
        const assignable = await actorScopesOf(transaction, token);
        const record = await findInitialAccessToken(transaction, { id });
        if (record === undefined) {
          throw new OAuthError('not_found', `There is no initial access token ${showName(id)}.`);
        }
        requireAssignable(delegatorOf(record), assignable, delegation);
        await deleteInitialAccessToken(transaction, id);
        await append({ kind: 'initial_access_token.deleted', subject: id, data: {} });
      });
    },
  };
}

/** The client that could be registered with it, for the rules of delegation. */
function delegatorOf({ scopes }: InitialAccessToken) {
  return { isRoot: false, grantableScopes: null, scopes: new Set(scopes) };
}
