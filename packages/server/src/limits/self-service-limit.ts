/**
 * How often one holder of credentials may change something that no administrator asked for, such as its own tokens and its
 * own registration: each such change takes the one lock of all changes and adds to the audit trail. RFC 6585 §4.
 */
import { OAuthError } from '@postern/protocol';
import type { PeriodCounters } from './period-counters.ts';

export interface SelfServiceLimit {
  /** Counts one change of `holder`. Throws `too_many_requests`. To be called before the change waits for its turn. */
  take(holder: string): void;
}

export interface SelfServiceLimitOptions {
  readonly counts: PeriodCounters;
  /** What is counted, as in "There are at most 60 `what` per minute". */
  readonly what: string;
  readonly mostPerMinute: number;
}

export function createSelfServiceLimit({ counts, what, mostPerMinute }: SelfServiceLimitOptions): SelfServiceLimit {
  return {
    take(holder) {
      if (counts.reserve(`${what}: ${holder}`, mostPerMinute) === undefined) {
        const seconds = counts.secondsLeft();
        throw new OAuthError(
          'too_many_requests',
          `There are at most ${mostPerMinute} ${what} per minute; retry in ${seconds} seconds.`,
          { reason: 'self_service_limit_reached', retryAfterSeconds: seconds },
        );
      }
    },
  };
}
