/** The roles in memory, and their changes. Delegation applies: nobody defines a role that could do more than they may give. */
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { FindDelegate } from '../delegation/delegate.ts';
import type { EventLog } from '../events/event-log.ts';
import { openFollowedThings } from '../events/followed-things.ts';
import { requireKnown, type ScopeRegistry } from '../scopes/scope-registry.ts';
import { builtInRoles, clientOfRole, isBuiltInRole, type KnownRole, type Role } from './role.ts';
import { ownRoles } from './role-store.ts';

/** The most roles that users may add. */
const mostRoles = 100;

export interface RoleRegistry {
  /** The built-in ones first, then the others by name. */
  list(): readonly KnownRole[];
  /** Throws `not_found`. */
  get(name: string): KnownRole;
  /**
   * Creates the role, or changes the one of that name: people who have it are narrowed at once. Throws `access_denied` unless the
   * token may give all that the role can do, before and after; `conflict` for a built-in one; `invalid_parameter`.
   */
  save(token: AccessToken, role: Role): Promise<KnownRole>;
  /** People who have the role have no scope any more. Throws as `save` does, and `not_found`. */
  remove(token: AccessToken, name: string): Promise<void>;
}

export interface RoleRegistryOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly scopes: ScopeRegistry;
  readonly findDelegate: FindDelegate;
}

export async function openRoleRegistry(options: RoleRegistryOptions): Promise<RoleRegistry> {
  const { db, events, scopes, findDelegate } = options;
  const own = await openFollowedThings<Role>({
    db,
    events,
    store: ownRoles,
    kind: 'role',
    idMember: 'name',
    nouns: ['role', 'roles'],
    most: mostRoles,
    async requireAllowed(transaction, token, before, after) {
      const delegate = await findDelegate(transaction, token);
      for (const role of [before, after].filter((one) => one !== undefined)) {
        await delegate.requireWithin(clientOfRole(role));
      }
    },
  });
  return {
    list: () => [...builtInRoles(scopes), ...own.list().map(asOwn)],
    get: (name) => builtInRoles(scopes).find((role) => role.name === name) ?? asOwn(own.get(name)),
    async save(token, wanted) {
      requireNotBuiltIn(wanted.name);
      const role = {
        ...wanted,
        scopes: requireKnown(wanted.scopes, scopes),
        grantableScopes: wanted.grantableScopes && requireKnown(wanted.grantableScopes, scopes),
      };
      await own.save(token, role);
      return asOwn(role);
    },
    async remove(token, name) {
      requireNotBuiltIn(name);
      await own.remove(token, name);
    },
  };
}

function asOwn(role: Role): KnownRole {
  return { ...role, origin: 'own' };
}

function requireNotBuiltIn(name: string): void {
  if (isBuiltInRole(name)) {
    throw new OAuthError('conflict', `The role ${name} is built in and cannot be changed or deleted.`);
  }
}
