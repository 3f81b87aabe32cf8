/** How many tokens a client may get per minute, if its metadata sets a limit. */
import { OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import type { MinuteCounters } from './minute-counters.ts';

export interface TokenQuota {
  /**
   * Counts one token of the client, if it has a quota, and then runs `issue`; if that throws, the token is not counted. So
   * requests at the same time cannot all find the same one left. Throws `too_many_requests` if the quota of this minute
   * is used up.
   */
  spend<T>(client: Client, issue: () => Promise<T>): Promise<T>;
}

export function createTokenQuota(counts: MinuteCounters): TokenQuota {
  return {
    async spend({ id, metadata }, issue) {
      const quota = metadata.tokenQuotaPerMinute;
      if (quota === undefined) {
        return issue();
      }
      const giveBack = counts.reserve(`tokens of client ${id}`, quota);
      if (giveBack === undefined) {
        const seconds = counts.secondsLeft();
        throw new OAuthError(
          'too_many_requests',
          `The client has used its quota of ${quota} tokens per minute: reuse its tokens, or retry in ${seconds} seconds.`,
          { reason: 'token_quota_spent', retryAfterSeconds: seconds },
        );
      }
      try {
        return await issue();
      } catch (error) {
        giveBack();
        throw error;
      }
    },
  };
}
