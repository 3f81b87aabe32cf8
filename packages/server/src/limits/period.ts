/** The periods in which something is counted: by the clock and the calendar, in UTC. Pure. */

export interface Period {
  readonly name: 'minute' | 'day' | 'month';
  /** When the period ends that a time is in, both in milliseconds since 1970. */
  readonly endOf: (time: number) => number;
}

const lasting = (name: 'minute' | 'day', ms: number): Period => ({
  name,
  endOf: (time) => (Math.floor(time / ms) + 1) * ms,
});

export const minute = lasting('minute', 60_000);
export const day = lasting('day', 86_400_000);
export const month: Period = {
  name: 'month',
  endOf(time) {
    const date = new Date(time);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  },
};
