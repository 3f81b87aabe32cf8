/** How this API changes what it keeps: by the host, which knows who else changes things and who wants to hear of it. */
import type { Kysely } from 'kysely';
import type { PolicyDatabase } from './schema.ts';

/** What was changed, for the audit trail of the host. */
export interface PolicyEvent {
  readonly kind:
    | 'policy.saved'
    | 'policy.deleted'
    | 'rule.saved'
    | 'rule.deleted'
    | 'rule_target.saved'
    | 'rule_target.deleted'
    | 'storage_config.saved'
    | 'storage_config.deleted';
  /** The key of what was changed. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type Append = (event: PolicyEvent) => Promise<unknown>;

/**
 * Runs `work` for the client `actor` in a transaction, and keeps its events in the same. Where `work` throws, nothing is
 * kept.
 *
 * No other change may be under way meanwhile in any process on this database: rules look at more than the row they
 * write, such as names and the erasure targets of a whole policy, and two changes could pass that only clash together.
 */
export type Change = <T>(
  actor: string,
  work: (transaction: Kysely<PolicyDatabase>, append: Append) => Promise<T>,
) => Promise<T>;
