/**
 * The time by which something may be forgotten for good: what is forgotten while the wall clock is ahead, a revoked token or a
 * used proof, would be accepted once the clock is right again. RFC 7009 §2.2, RFC 9449 §11.1.
 *
 * Does not find out that a clock has been wrong for more than an hour, and steadily; the slack of a day is meant for that.
 */

export interface TrustedTimeOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
}

/** Times in seconds since 1970. */
export interface TrustedTime {
  /** All clocks agree on it. */
  readonly nowSeconds: number;
  /** What expired before may be forgotten for good: everything is kept for a day longer. Undefined if a clock jumped a while ago. */
  readonly keptSinceSeconds: number | undefined;
}

/**
 * Returns the time; undefined if the clocks do not agree. `otherNowMs` is the time of another clock, such as that of the
 * database.
 */
export type ReadTrustedTime = (otherNowMs?: number) => TrustedTime | undefined;

/** Milliseconds by which clocks may differ. */
const toleranceMs = 60_000;

/** Milliseconds for which the wall clock must not have jumped, so that one that is wrong at the start is set right first. */
const steadyMs = 3_600_000;

const slackSeconds = 86_400;

export function createTrustedTime({ now, monotonic }: TrustedTimeOptions): ReadTrustedTime {
  let [wallMs, elapsedMs] = [now(), monotonic()];
  let steadySince = elapsedMs;
  return (otherNowMs) => {
    const [wallBefore, elapsedBefore] = [wallMs, elapsedMs];
    [wallMs, elapsedMs] = [now(), monotonic()];
    const hasJumped = Math.abs(wallMs - wallBefore - (elapsedMs - elapsedBefore)) > toleranceMs;
    if (hasJumped) {
      steadySince = elapsedMs;
    }
    if (hasJumped || (otherNowMs !== undefined && Math.abs(otherNowMs - wallMs) > toleranceMs)) {
      return undefined;
    }
    const nowSeconds = wallMs / 1000;
    const isSteady = elapsedMs - steadySince >= steadyMs;
    return { nowSeconds, keptSinceSeconds: isSteady ? nowSeconds - slackSeconds : undefined };
  };
}
