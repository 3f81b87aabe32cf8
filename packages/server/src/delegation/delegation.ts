/**
 * Who may assign which scope. Pure rules, which every call that creates, changes or deletes a client applies.
 *
 * They guarantee: whatever a client does, also through clients that it created or took over, no client gets a scope that
 * the first one could not have assigned itself. So a rule considers the whole reach of a client: the scopes that it
 * holds, and those that it may in turn assign.
 */
import { OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import type { DelegationMode } from '../config/config.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';

/** The members of a client that delegation considers. */
export type Delegator = Pick<Client, 'isRoot' | 'grantableScopes' | 'scopes'>;

export interface DelegationRules {
  readonly mode: DelegationMode;
  readonly registry: ScopeRegistry;
}

/**
 * Represents the scopes that will be added, among those that a client may assign. A client that may assign all ordinary
 * scopes because they are listed one by one may not assign these. It completes a sentence; no scope has spaces.
 */
export const futureScopes = 'that is added next';

/**
 * The scopes that a client may assign with a token of `tokenScopes`: those of the token and its `grantable_scopes`.
 * With no `grantable_scopes`, a holder of `client:create` may assign the whole registry (or, by POSTERN_DELEGATION,
 * what its token holds), and nothing that administers Postern is assigned at all.
 */
export function assignableScopes(
  delegator: Delegator,
  tokenScopes: ReadonlySet<string>,
  { mode, registry }: DelegationRules,
): ReadonlySet<string> {
  if (delegator.isRoot) {
    return withFuture(registry.names);
  }
  if (delegator.grantableScopes !== null) {
    return tokenScopes.union(delegator.grantableScopes);
  }
  return mode === 'registry' && tokenScopes.has('client:create')
    ? withFuture(registry.ordinaryNames)
    : tokenScopes.intersection(registry.ordinaryNames);
}

function withFuture(names: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(names).add(futureScopes);
}

/** The scopes that a client holds, and those that it may assign. */
export function reachOf(client: Delegator, rules: DelegationRules): ReadonlySet<string> {
  return client.scopes.union(assignableScopes(client, client.scopes, rules));
}

/** Throws `access_denied` unless every scope that `client` holds or may assign is `assignable`. */
export function requireAssignable(client: Delegator, assignable: ReadonlySet<string>, rules: DelegationRules): void {
  const denied = (text: string) => new OAuthError('access_denied', text, { reason: 'grant_exceeded' });
  const held = findExcess(client.scopes, assignable);
  if (held !== undefined) {
    throw denied(`This requires the right to assign the scope ${held}, which you do not have.`);
  }
  const grantable = findExcess(reachOf(client, rules), assignable);
  if (grantable !== undefined) {
    throw denied(
      `The client could assign the scope ${grantable}, which you may not assign: narrow its grantable_scopes.`,
    );
  }
}

function findExcess(scopes: ReadonlySet<string>, limit: ReadonlySet<string>): string | undefined {
  for (const scope of scopes) {
    if (!limit.has(scope)) {
      return scope;
    }
  }
  return undefined;
}
