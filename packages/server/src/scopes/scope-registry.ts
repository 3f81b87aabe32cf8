/** Which scopes exist. A client holds registered scopes only. */
import { OAuthError, showName } from '@postern/protocol';
import type { Scope } from './default-scopes.ts';

/**
 * Scopes that the metadata lists: the built-in ones, and some of those that users added, since readers take only so many bytes, and RFC 8414 §2
 * asks for no more.
 */
export const mostScopesListed = 1_000;

export interface ScopeRegistry {
  /** All scopes: the built-in ones in their own order, then those that users added, by name. */
  readonly scopes: readonly Scope[];
  readonly names: ReadonlySet<string>;
  /** The names of the scopes that do not administer Postern. */
  readonly ordinaryNames: ReadonlySet<string>;
  find(name: string): Scope | undefined;
}

/** A registry that follows what users change. */
export interface FollowingScopeRegistry extends ScopeRegistry {
  /** Adds the scope, or replaces the one of that name. */
  put(scope: Scope): void;
  remove(name: string): void;
}

export function createScopeRegistry(scopes: readonly Scope[]): FollowingScopeRegistry {
  const byName = new Map<string, Scope>();
  const names = new Set<string>();
  const ordinaryNames = new Set<string>();
  let sorted: readonly Scope[] | undefined;
  const put = (scope: Scope) => {
    byName.set(scope.name, scope);
    names.add(scope.name);
    if (!scope.administrative) {
      ordinaryNames.add(scope.name);
    }
    sorted = undefined;
  };
  scopes.forEach(put);
  return {
    get scopes() {
      sorted ??= inOrder([...byName.values()]);
      return sorted;
    },
    names,
    ordinaryNames,
    find: (name) => byName.get(name),
    put,
    remove(name) {
      byName.delete(name);
      names.delete(name);
      ordinaryNames.delete(name);
      sorted = undefined;
    },
  };
}

function inOrder(scopes: readonly Scope[]): Scope[] {
  const { own = [], 'built-in': builtIn = [] } = Object.groupBy(scopes, ({ origin }) => origin);
  return [...builtIn, ...own.toSorted((one, other) => (one.name < other.name ? -1 : 1))];
}

/** Returns the names, each once, in order. Throws `invalid_parameter` for one that is not registered. */
export function requireKnown(names: readonly string[], registry: ScopeRegistry): string[] {
  const unknown = names.find((name) => !registry.names.has(name));
  if (unknown !== undefined) {
    throw new OAuthError(
      'invalid_parameter',
      `Invalid Scope. There is no scope ${showName(unknown)}; GET /api/v1/oauth/scope lists all.`,
    );
  }
  return [...new Set(names)];
}
