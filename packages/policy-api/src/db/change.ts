/** How this API changes what it keeps: through its host, which knows who else makes changes and who follows them. */
import type { AccessToken } from '@postern/guard';
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

export interface Append {
  (event: PolicyEvent): Promise<unknown>;
  /** Appends nothing, since what the event is about is as it would make it already. */
  unchanged(event: PolicyEvent): Promise<void>;
}

/**
 * Runs `work` for the holder of `token` in a transaction, and appends its events in the same. If `work` throws, nothing is
 * changed. Throws `invalid_token` if, by what the transaction sees, the token is no longer active.
 *
 * No other change may be under way meanwhile in any process on this database: rules look at more than the row they
 * write, such as names and the erasure targets of a whole policy, and two changes could pass that only clash together.
 */
export type Change = <T>(
  token: AccessToken,
  work: (transaction: Kysely<PolicyDatabase>, append: Append) => Promise<T>,
) => Promise<T>;
