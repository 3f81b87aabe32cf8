/** The scopes that users add to the built-in ones. They are ordinary scopes: none administers Postern. */
import type { AccessToken } from '@postern/guard';
import { isScopeToken, OAuthError, scopeFamily, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import { StartError } from '../start-error.ts';
import { defaultScopes, type Scope } from './default-scopes.ts';
import {
  countOwnScopes,
  deleteOwnScope,
  findOwnScopes,
  listScopeHolders,
  loadOwnScopes,
  loadVersionedScopes,
  type OwnScope,
  readOwnScopesVersion,
  saveOwnScopes,
} from './own-scope-store.ts';
import { createScopeRegistry, type ScopeRegistry } from './scope-registry.ts';

export interface OwnScopes {
  /** All scopes there are, as this node knows them now. */
  readonly registry: ScopeRegistry;
  /**
   * Creates or changes all of them, or none. Throws `invalid_parameter` for a name that no scope can have, and `conflict`
   * for a built-in one that would not stay as it is, or if there would be too many.
   */
  save(token: AccessToken, scopes: readonly OwnScope[]): Promise<readonly Scope[]>;
  /** Throws `not_found`. */
  get(name: string): Scope;
  /** Throws `not_found`, and `conflict` for a built-in one and for one that a client or a resource has. */
  remove(token: AccessToken, name: string): Promise<void>;
}

export interface OwnScopesOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  /** Keys of the resources that know the scope. */
  readonly findResources: (name: string) => readonly string[];
}

/** Each node keeps all of them in memory. */
const mostOwnScopes = 20_000;

const builtIn = createScopeRegistry(defaultScopes);

/** Throws `StartError` if a user's scope has the name of a built-in scope of this version. */
export async function openOwnScopes({ db, events, findResources }: OwnScopesOptions): Promise<OwnScopes> {
  const load = async () => createScopeRegistry([...defaultScopes, ...(await loadOwnScopes(db)).map(toScope)]);
  let current = await load();
  requireNoneTaken(current);
  events.follow(
    async ({ kind, subject }) => {
      if (kind.startsWith('scope.')) {
        const [found] = await findOwnScopes(db, [subject]);
        if (found === undefined) {
          current.remove(subject);
        } else {
          current.put(toScope(found));
        }
      }
    },
    async () => {
      current = await load();
    },
  );

  return {
    registry: {
      get scopes() {
        return current.scopes;
      },
      get names() {
        return current.names;
      },
      get ordinaryNames() {
        return current.ordinaryNames;
      },
      find: (name) => current.find(name),
    },

    get: (name) => requireFound(name, current.find(name)),

    async save(token, scopes) {
      requireAllowed(scopes);
      return events.change(token, async (transaction, append) => {
        const present = await findOwnScopes(
          transaction,
          scopes.map(({ name }) => name),
        );
        const before = new Map(present.map((scope) => [scope.name, toScope(scope)]));
        const changed: OwnScope[] = [];
        for (const { name, description } of scopes) {
          const event = { kind: 'scope.saved', subject: name, data: { description } } as const;
          if ((builtIn.find(name) ?? before.get(name))?.description === description) {
            await append.unchanged(event);
          } else {
            requireNotBuiltIn(name);
            changed.push({ name, description });
            await append(event);
          }
        }
        await saveOwnScopes(transaction, changed);
        requireRoom(await countOwnScopes(transaction));
        return scopes.map(({ name, description }) => builtIn.find(name) ?? toScope({ name, description }));
      });
    },

    async remove(token, name) {
      requireNotBuiltIn(name);
      await events.change(token, async (transaction, append) => {
        if (!(await deleteOwnScope(transaction, name))) {
          throw notFound(name);
        }
        requireUnused(name, await listScopeHolders(transaction, name), findResources(name));
        await append({ kind: 'scope.deleted', subject: name, data: {} });
      });
    },
  };
}

/** Loads all scopes as a transaction sees them, for a change that must see every earlier one. */
export type LoadScopes = (transaction: Kysely<Database>) => Promise<ScopeRegistry>;

/** Keeps what was loaded for as long as the transactions that follow see the same scopes. */
export function createLoadScopes(): LoadScopes {
  let kept: { readonly version: string; readonly registry: ScopeRegistry } | undefined;
  return async (transaction) => {
    const version = await readOwnScopesVersion(transaction);
    if (kept?.version !== version) {
      const { scopes, ...loaded } = await loadVersionedScopes(transaction);
      kept = { ...loaded, registry: createScopeRegistry([...defaultScopes, ...scopes.map(toScope)]) };
    }
    return kept.registry;
  };
}

/** Throws `not_found`. */
function requireFound(name: string, scope: Scope | undefined): Scope {
  if (scope === undefined) {
    throw notFound(name);
  }
  return scope;
}

function notFound(name: string): OAuthError {
  return new OAuthError('not_found', `There is no scope ${showName(name)}.`);
}

function toScope({ name, description }: OwnScope): Scope {
  return { name, description, administrative: false, origin: 'own' };
}

function requireAllowed(scopes: readonly OwnScope[]): void {
  const names = new Set<string>();
  for (const [index, { name }] of scopes.entries()) {
    const invalid = (text: string) => new OAuthError('invalid_parameter', `[${index}].name: ${text}`);
    if (!isScopeToken(name)) {
      throw invalid('must be printable ASCII without spaces, double quotes and backslashes.');
    }
    if (name === '.' || name === '..') {
      throw invalid('must not be . or .., which mean another path in a URL.');
    }
    const family = administrativeFamily(name);
    if (family !== undefined && !builtIn.names.has(name)) {
      throw invalid(`names that begin with ${family} are reserved for scopes that administer Postern.`);
    }
    if (names.has(name)) {
      throw invalid(`${showName(name)} is listed twice.`);
    }
    names.add(name);
  }
}

/** A name like that of an administrative scope would be mistaken for one, and may be one in a later version. */
function administrativeFamily(name: string): string | undefined {
  return defaultScopes
    .filter(({ administrative }) => administrative)
    .map((scope) => scopeFamily(scope.name))
    .find((family) => name.startsWith(family));
}

function requireNotBuiltIn(name: string): void {
  if (builtIn.names.has(name)) {
    throw new OAuthError('conflict', `The scope ${name} is built in and cannot be changed or deleted.`);
  }
}

function requireNoneTaken({ scopes }: ScopeRegistry): void {
  const taken = scopes.find(({ name, origin }) => origin === 'own' && builtIn.names.has(name));
  if (taken !== undefined) {
    throw new StartError(
      `The scope ${taken.name} was added by a user, and this version has one of that name that means something else: ` +
        'start the version from before, take the scope from its clients, delete it, and start this version again.',
    );
  }
}

function requireRoom(number: number): void {
  if (number > mostOwnScopes) {
    throw new OAuthError('conflict', `There is no room: users can add at most ${mostOwnScopes} scopes.`);
  }
}

function requireUnused(name: string, clientIds: readonly string[], resourceKeys: readonly string[]): void {
  if (clientIds.length > 0) {
    const some = clientIds.slice(0, 3).join(', ');
    throw new OAuthError(
      'conflict',
      `${clientIds.length} client${clientIds.length === 1 ? ' holds' : 's hold'} the scope ${name} or may hand it out: ` +
        `take it from them first (${some}${clientIds.length > 3 ? ', ...' : ''}).`,
    );
  }
  if (resourceKeys.length > 0) {
    throw new OAuthError(
      'conflict',
      `The scope ${name} is one of the resource ${resourceKeys[0]}: take it from there first.`,
    );
  }
}
