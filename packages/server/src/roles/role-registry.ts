/** The roles in memory, and their changes. Delegation applies: nobody defines a role that could do more than they may give. */
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { FindDelegate } from '../delegation/delegate.ts';
import type { EventLog } from '../events/event-log.ts';
import { requireKnown, type ScopeRegistry } from '../scopes/scope-registry.ts';
import { builtInRoles, clientOfRole, isBuiltInRole, type KnownRole, type Role } from './role.ts';
import { deleteOwnRole, findOwnRole, loadOwnRoles, saveOwnRole } from './role-store.ts';

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
  let own = await loadOwnRoles(db);
  const reload = async () => {
    own = await loadOwnRoles(db);
  };
  events.follow(async ({ kind }) => {
    if (kind.startsWith('role.')) {
      await reload();
    }
  }, reload);
  const list = () => [...builtInRoles(scopes), ...own];
  const unknown = (name: string) => new OAuthError('not_found', `There is no role ${showName(name)}.`);

  return {
    list,
    get(name) {
      const found = list().find((role) => role.name === name);
      if (found === undefined) {
        throw unknown(name);
      }
      return found;
    },
    async save(token, wanted) {
      requireNotBuiltIn(wanted.name);
      const role = {
        ...wanted,
        scopes: requireKnown(wanted.scopes, scopes),
        grantableScopes: wanted.grantableScopes && requireKnown(wanted.grantableScopes, scopes),
      };
      await events.change(token, async (transaction, append) => {
        const before = await findOwnRole(transaction, role.name);
        const delegate = await findDelegate(transaction, token);
        for (const one of before === undefined ? [role] : [before, role]) {
          await delegate.requireWithin(clientOfRole(one));
        }
        const { name, ...members } = role;
        const event = { kind: 'role.saved', subject: name, data: members } as const;
        if (before !== undefined && isDeepStrictEqual(before, { ...role, origin: 'own' })) {
          await append.unchanged(event);
          return;
        }
        if (before === undefined && (await loadOwnRoles(transaction)).length >= mostRoles) {
          throw new OAuthError('conflict', `There are ${mostRoles} roles already: delete one first.`);
        }
        await saveOwnRole(transaction, role);
        await append(event);
      });
      return { ...role, origin: 'own' };
    },
    async remove(token, name) {
      requireNotBuiltIn(name);
      await events.change(token, async (transaction, append) => {
        const before = await findOwnRole(transaction, name);
        if (before === undefined) {
          throw unknown(name);
        }
        const delegate = await findDelegate(transaction, token);
        await delegate.requireWithin(clientOfRole(before));
        await deleteOwnRole(transaction, name);
        await append({ kind: 'role.deleted', subject: name, data: {} });
      });
    },
  };
}

function requireNotBuiltIn(name: string): void {
  if (isBuiltInRole(name)) {
    throw new OAuthError('conflict', `The role ${name} is built in and cannot be changed or deleted.`);
  }
}
