/** Which scopes exist. A client holds registered scopes only. */
import { OAuthError, showName } from '@postern/protocol';
import type { Scope } from './default-scopes.ts';

export interface ScopeRegistry {
  /** All scopes, in the order of registration. */
  readonly scopes: readonly Scope[];
  readonly names: ReadonlySet<string>;
  /** The names of the scopes that do not administer Postern. */
  readonly ordinaryNames: ReadonlySet<string>;
}

export function createScopeRegistry(scopes: readonly Scope[]): ScopeRegistry {
  return {
    scopes,
    names: new Set(scopes.map(({ name }) => name)),
    ordinaryNames: new Set(scopes.filter((scope) => !scope.administrative).map(({ name }) => name)),
  };
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
