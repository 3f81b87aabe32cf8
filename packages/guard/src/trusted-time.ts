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

/**
 * Returns the time, in seconds since 1970, before which whatever expired may be forgotten; undefined while the wall clock
 * cannot be trusted. `otherNowMs` is the time of another clock, such as that of the database.
 */
export type TrustedTime = (otherNowMs?: number) => number | undefined;

/** Milliseconds by which clocks may differ. */
const toleranceMs = 60_000;

/** Milliseconds for which the wall clock must not have jumped, so that one that is wrong at the start is set right first. */
const steadyMs = 3_600_000;

/** Seconds for which everything is kept after it expired. */
const slackSeconds = 86_400;

export function createTrustedTime({ now, monotonic }: TrustedTimeOptions): TrustedTime {
  let [wallMs, elapsedMs] = [now(), monotonic()];
  let steadySince = elapsedMs;
  return (otherNowMs) => {
    const [wallBefore, elapsedBefore] = [wallMs, elapsedMs];
    [wallMs, elapsedMs] = [now(), monotonic()];
    if (Math.abs(wallMs - wallBefore - (elapsedMs - elapsedBefore)) > toleranceMs) {
      steadySince = elapsedMs;
    }
    const isSteady = elapsedMs - steadySince >= steadyMs;
    const isAgreed = otherNowMs === undefined || Math.abs(otherNowMs - wallMs) <= toleranceMs;
    return isSteady && isAgreed ? wallMs / 1000 - slackSeconds : undefined;
  };
}
