/** How many tokens a client may get a minute, where its metadata sets a limit. */
import { OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import type { MinuteCounters } from './minute-counters.ts';

export interface TokenQuota {
  /** Throws `too_many_requests` where the client has had its tokens of this minute. */
  requireLeft(client: Client): void;
  /** Counts a token that is issued. Clients without a quota cost nothing. */
  note(client: Client): void;
}

export function createTokenQuota(counts: MinuteCounters): TokenQuota {
  return {
    requireLeft({ id, metadata }) {
      const quota = metadata.token_quota_per_minute;
      if (quota !== undefined && counts.count(keyOf(id)) >= quota) {
        const seconds = counts.secondsLeft();
        throw new OAuthError(
          'too_many_requests',
          `The client has had its ${quota} tokens of this minute: use them again, or try in ${seconds} seconds.`,
          { reason: 'token_quota_spent', retryAfterSeconds: seconds },
        );
      }
    },
    note({ id, metadata }) {
      if (metadata.token_quota_per_minute !== undefined) {
        counts.add(keyOf(id));
      }
    },
  };
}

function keyOf(clientId: string): string {
  return `tokens of client ${clientId}`;
}
