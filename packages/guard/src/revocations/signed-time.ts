/**
 * How old an answer is whose time is signed by another machine. Pure. docs/revocation-feed.md.
 *
 * An answer that is sent again is older each time, whatever clock it is measured by. If the clock of one side is set, another one
 * shows that the answer is new all the same, or a nonce does.
 */

export interface SignedTimeOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
  /** Seconds by which the clocks of both machines may differ. */
  readonly clockSkewSeconds: number;
}

/**
 * Turns the time at which an answer was signed, in milliseconds since 1970 by the clock of the other machine, into one of the monotonic
 * clock that is not later. To be called when the answer arrives.
 */
export interface SignedTime {
  read(signedAt: number): number;
  /** The same for an answer that was certainly signed after `askedAt`, by the monotonic clock. */
  readNew(signedAt: number, askedAt: number): number;
}

export function createSignedTime({ now, monotonic, clockSkewSeconds }: SignedTimeOptions): SignedTime {
  const skewMs = clockSkewSeconds * 1000;
  /** By what the clock of the other machine is ahead of the monotonic one at least; undefined before the first answer. */
  let leastAhead: number | undefined;
  return {
    read(signedAt) {
      const arrivedAt = monotonic();
      const aheadMs = signedAt - now();
      // If it is from the future, the wall clocks do not agree, and say nothing about its age.
      const ageByWall = aheadMs > skewMs ? Number.POSITIVE_INFINITY : -aheadMs - skewMs;
      const ageByMonotonic = leastAhead === undefined ? Number.POSITIVE_INFINITY : leastAhead + arrivedAt - signedAt;
      const least = Math.min(ageByWall, ageByMonotonic);
      const age = least === Number.POSITIVE_INFINITY ? 0 : Math.max(0, least);
      leastAhead = signedAt + age - arrivedAt;
      return arrivedAt - age;
    },
    readNew(signedAt, askedAt) {
      leastAhead = signedAt - monotonic();
      return askedAt;
    },
  };
}
