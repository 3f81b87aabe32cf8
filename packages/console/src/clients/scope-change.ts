/** The consequences of a change of the scopes of a client. */
import type { ClientUsage, TrustedIssuer } from '@postern/admin';

export interface ScopeChange {
  readonly added: readonly string[];
  readonly removed: readonly RemovedScope[];
}

export interface RemovedScope {
  readonly scope: string;
  /** Undefined if it is not known. */
  readonly tokensIssued: number | undefined;
  /** RFC 3339; null: no token has had it yet. */
  readonly lastIssuedAt: string | null;
  /** Keys of trusted issuers with a rule that names it. */
  readonly issuers: readonly string[];
}

export interface ScopeChangeOptions {
  readonly clientId: string;
  readonly held: readonly string[];
  readonly chosen: ReadonlySet<string>;
  readonly usage: ClientUsage | undefined;
  readonly issuers: readonly TrustedIssuer[];
}

export function describeChange({ clientId, held, chosen, usage, issuers }: ScopeChangeOptions): ScopeChange {
  return {
    added: [...chosen].filter((scope) => !held.includes(scope)),
    removed: held
      .filter((scope) => !chosen.has(scope))
      .map((scope) => {
        const used = usage?.scopes.find((one) => one.scope === scope);
        return {
          scope,
          tokensIssued: used?.tokens_issued,
          lastIssuedAt: used?.last_issued_at ?? null,
          issuers: issuers
            .filter(({ rules }) => rules.some((rule) => rule.client_id === clientId && rule.scopes?.includes(scope)))
            .map(({ key }) => key),
        };
      }),
  };
}
