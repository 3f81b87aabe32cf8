/** How many tokens a client may get per minute, day and month, if its metadata sets limits. RFC 6585 §4. */
import { OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import type { Period } from './period.ts';
import type { PeriodCounters } from './period-counters.ts';

/** What a client has used of a quota. */
export interface QuotaUse {
  readonly per: Period['name'];
  readonly most: number;
  readonly used: number;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

export interface TokenQuota {
  /**
   * Counts one token of the client in each of its quotas, if it has any, and then runs `issue`; if that throws, the token is not
   * counted. So requests at the same time cannot all find the same one left. Throws `too_many_requests` if a quota is used up.
   */
  spend<T>(client: Client, issue: () => Promise<T>): Promise<T>;
  /** The quotas of the client, and how much of each is used, as far as the nodes have written it. */
  read(client: Client): Promise<readonly QuotaUse[]>;
  /** How often a quota of each period was found used up. */
  refusals(): Readonly<Record<Period['name'], number>>;
}

const names = ['minute', 'day', 'month'] as const;

export function createTokenQuota(counters: Readonly<Record<Period['name'], PeriodCounters>>): TokenQuota {
  const refusals = { minute: 0, day: 0, month: 0 };

  const quotasOf = ({ id, metadata }: Client) => {
    const most = {
      minute: metadata.tokenQuotaPerMinute,
      day: metadata.tokenQuotaPerDay,
      month: metadata.tokenQuotaPerMonth,
    };
    return names.flatMap((per) => {
      const limit = most[per];
      // The period is part of the key, for a minute may end with its day and its month.
      return limit === undefined
        ? []
        : [{ per, most: limit, counts: counters[per], key: `tokens of client ${id} per ${per}` }];
    });
  };

  const spent = (per: Period['name'], most: number): OAuthError => {
    refusals[per] += 1;
    const seconds = counters[per].secondsLeft();
    const end = new Date(counters[per].endsAt()).toISOString();
    return new OAuthError(
      'too_many_requests',
      `The client has used its quota of ${most} tokens per ${per}, until ${end}: reuse its tokens, or retry in ${seconds} seconds.`,
      { reason: 'token_quota_spent', retryAfterSeconds: seconds },
    );
  };

  return {
    async spend(client, issue) {
      const quotas = quotasOf(client);
      if (quotas.length === 0) {
        return issue();
      }
      for (const { per, counts, key } of quotas) {
        // What was issued before this process began counts for the rest of the day and the month.
        if (per !== 'minute') {
          await counts.load(key);
        }
      }
      const taken: (() => void)[] = [];
      const giveBack = () => {
        for (const one of taken) {
          one();
        }
      };
      for (const { per, most, counts, key } of quotas) {
        const reserved = counts.reserve(key, most);
        if (reserved === undefined) {
          giveBack();
          throw spent(per, most);
        }
        taken.push(reserved);
      }
      try {
        return await issue();
      } catch (error) {
        giveBack();
        throw error;
      }
    },

    read: (client) =>
      Promise.all(
        quotasOf(client).map(async ({ per, most, counts, key }) => ({
          per,
          most,
          used: await counts.read(key),
          endsAt: counts.endsAt(),
        })),
      ),

    refusals: () => refusals,
  };
}
