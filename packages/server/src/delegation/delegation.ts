/**
 * Who may hand out which scope. Pure rules; every verb that makes, changes or deletes a client asks them.
 *
 * The promise: whatever a client does, also through clients that it made or took over, no client ends up with a
 * scope that the first one could not have assigned itself. So a rule looks at a client's whole reach, which is what
 * it holds and what it could in turn hand out.
 */
import { OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import type { DelegationMode } from '../config/config.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';

/** What delegation looks at in a client. */
export type Delegator = Pick<Client, 'isRoot' | 'grantableScopes' | 'scopes'>;

export interface DelegationRules {
  readonly mode: DelegationMode;
  readonly registry: ScopeRegistry;
}

/**
 * Stands for the scopes that will be added, in what a client may assign. Who may assign all ordinary scopes there are
 * because they were listed one by one may not assign these. It reads as the end of a sentence, and no scope has spaces.
 */
export const futureScopes = 'that is added next';

/**
 * The scopes that a client may assign with a token of `tokenScopes`: those of the token and its `grantable_scopes`.
 * With no `grantable_scopes`, a holder of `client:create` may assign the whole registry (or, by POSTERN_DELEGATION,
 * what its token holds), and nothing that administers Postern is assigned at all.
 */
export function assignableScopes(
  granter: Delegator,
  tokenScopes: ReadonlySet<string>,
  { mode, registry }: DelegationRules,
): ReadonlySet<string> {
  if (granter.isRoot) {
    return withFuture(registry.names);
  }
  if (granter.grantableScopes !== null) {
    return tokenScopes.union(granter.grantableScopes);
  }
  return mode === 'registry' && tokenScopes.has('client:create')
    ? withFuture(registry.ordinaryNames)
    : tokenScopes.intersection(registry.ordinaryNames);
}

function withFuture(names: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(names).add(futureScopes);
}

/** All that could ever be done with a client: the scopes it holds, and those it could assign. */
export function reachOf(client: Delegator, rules: DelegationRules): ReadonlySet<string> {
  return client.scopes.union(assignableScopes(client, client.scopes, rules));
}

/** Throws `access_denied` unless all that `client` holds or could hand out is `assignable`. */
export function requireAssignable(client: Delegator, assignable: ReadonlySet<string>, rules: DelegationRules): void {
  const refuse = (text: string) => new OAuthError('access_denied', text, { reason: 'grant_exceeded' });
  const held = firstBeyond(client.scopes, assignable);
  if (held !== undefined) {
    throw refuse(`This takes the right to assign the scope ${held}, which you do not have.`);
  }
  const grantable = firstBeyond(reachOf(client, rules), assignable);
  if (grantable !== undefined) {
    throw refuse(
      `The client could hand out the scope ${grantable}, which you may not assign: narrow its grantable_scopes.`,
    );
  }
}

function firstBeyond(scopes: ReadonlySet<string>, limit: ReadonlySet<string>): string | undefined {
  for (const scope of scopes) {
    if (!limit.has(scope)) {
      return scope;
    }
  }
  return undefined;
}
