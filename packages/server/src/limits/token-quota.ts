/** How many tokens a client may get per minute, if its metadata sets a limit. */
import { OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import type { MinuteCounters } from './minute-counters.ts';

export interface TokenQuota {
  /** Throws `too_many_requests` if the client has used up its quota of this minute. */
  requireLeft(client: Client): void;
  /** Counts an issued token, if the client has a quota. */
  recordIssued(client: Client): void;
}

export function createTokenQuota(counts: MinuteCounters): TokenQuota {
  return {
    requireLeft({ id, metadata }) {
      const quota = metadata.tokenQuotaPerMinute;
      if (quota !== undefined && counts.count(keyOf(id)) >= quota) {
        const seconds = counts.secondsLeft();
        throw new OAuthError(
          'too_many_requests',
          `The client has used its quota of ${quota} tokens per minute: reuse its tokens, or retry in ${seconds} seconds.`,
          { reason: 'token_quota_spent', retryAfterSeconds: seconds },
        );
      }
    },
    recordIssued({ id, metadata }) {
      if (metadata.tokenQuotaPerMinute !== undefined) {
        counts.add(keyOf(id));
      }
    },
  };
}

function keyOf(clientId: string): string {
  return `tokens of client ${clientId}`;
}
