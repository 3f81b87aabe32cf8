/** The requests for tokens that failed since they were last written to the database, in memory: which client, from where, why. */

/** Has no credentials, and no text that a caller chose. */
export interface Failure {
  /** Null: no client that exists was named. */
  readonly clientId: string | null;
  /** Null: more addresses than are told apart. */
  readonly address: string | null;
  readonly reason: string;
}

export interface CountedFailure extends Failure {
  requests: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  lastAt: number;
}

/** What is told apart between two writes: of clients that exist, and of those that do not, so that strangers displace no client. */
const mostOfClients = 2_000;
const mostOfStrangers = 500;
/** Addresses that are told apart for one client and reason, here and in the database. */
export const mostAddresses = 20;

export interface PendingFailures {
  add(failure: Failure, now: number, requests?: number): void;
  /** Returns what was added, and starts over. */
  take(): readonly CountedFailure[];
}

export function createPendingFailures(): PendingFailures {
  let counted = new Map<string, CountedFailure>();
  let addresses = new Map<string, number>();
  let strangers = 0;

  return {
    add(failure, now, requests = 1) {
      const group = `${failure.clientId ?? ''}\n${failure.reason}`;
      const isStranger = failure.clientId === null;
      const isFull = () =>
        (addresses.get(group) ?? 0) >= mostAddresses ||
        (isStranger ? strangers >= mostOfStrangers : counted.size - strangers >= mostOfClients);
      const known = counted.get(keyOf(failure));
      const address = known === undefined && isFull() ? null : failure.address;
      const key = keyOf({ ...failure, address });
      const count = counted.get(key);
      if (count !== undefined) {
        count.requests += requests;
        count.lastAt = now;
      } else if (!isFull() || addresses.has(group)) {
        counted.set(key, { ...failure, address, requests, since: now, lastAt: now });
        addresses.set(group, (addresses.get(group) ?? 0) + 1);
        strangers += isStranger ? 1 : 0;
      }
    },
    take() {
      const taken = [...counted.values()];
      counted = new Map();
      addresses = new Map();
      strangers = 0;
      return taken;
    },
  };
}

/** Identifies what is told apart. */
export function keyOf({ clientId, address, reason }: Failure): string {
  return [clientId ?? '', address ?? '', reason].join('\n');
}
