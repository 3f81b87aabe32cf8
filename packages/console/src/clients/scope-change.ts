/** What a change of a client's scopes brings, and what it ends. */
import type { ClientUsage, TrustedIssuer } from '../api/contract.ts';

export interface ScopeChange {
  readonly added: readonly string[];
  readonly removed: readonly RemovedScope[];
}

export interface RemovedScope {
  readonly scope: string;
  /** Undefined where it is not known. */
  readonly tokensIssued: number | undefined;
  /** RFC 3339; null: no token held it yet. */
  readonly lastIssuedAt: string | null;
  /** Keys of trusted issuers with a rule that gives it to a workload by name. */
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
