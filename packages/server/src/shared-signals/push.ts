/**
 * Pushes the SETs of event streams to their receivers. RFC 8935 §2, SSF 1.0 §6.1.1.
 *
 * Of all processes that share the database one does so at a time. Each stream delivers one SET after the other, in order, and
 * again and again until the receiver has accepted it. What was delivered is written down for all streams once a second, so that
 * after a crash a receiver gets some twice, which it knows by their `jti`, and misses none.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import type { GuardedRequest } from '../http/guarded-fetch.ts';
import { type Outbox, type PendingSet, placeAfter, skipAfter } from './outbox.ts';
import { type Stream, showFault } from './stream.ts';

export interface PushOptions {
  readonly clock: Clock;
  readonly outbox: Outbox;
  /** The streams that are pushed and not disabled, as this process knows them. */
  readonly pushed: () => readonly Stream[];
  /** The stream as the database has it. */
  readonly findStream: (id: string) => Promise<Stream | undefined>;
  /** Writes down what was delivered, unless another process has. Resolves to whether it did. */
  readonly moveStream: (before: Stream, after: Pick<Stream, 'position' | 'received'>) => Promise<boolean>;
  /** Takes the right to push for so many milliseconds, or extends it. Resolves to false while another process has it. */
  readonly takeLease: (holder: string, ms: number) => Promise<boolean>;
  readonly releaseLease: (holder: string) => Promise<void>;
  /** Why the client may receive nothing; undefined: it may. */
  readonly findRefusal: (clientId: string) => Promise<string | undefined>;
  readonly send: GuardedRequest;
  readonly pause: (id: string, reason: string) => Promise<void>;
  readonly recordFault: (id: string, fault: string | undefined) => Promise<void>;
  readonly log: { warn(details: object, text: string): void };
}

export interface Push {
  /** Stops, and resolves when what was delivered is written down. */
  close(): Promise<void>;
}

/** Milliseconds between two looks at what is due: retries, and what was delivered since the last. */
const lookMs = 1_000;

/** Milliseconds for which a process may push without asking again, and after which it asks. */
const leaseMs = 15_000;
const renewMs = 5_000;

/** Milliseconds before the first repetition, and before each at most. Each waits twice as long as the one before. */
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;

/** SETs of a stream that are read at once. */
const setsPerRead = 50;

/** Requests that may be under way at the same time, a quarter of them to one receiver, so that a slow one holds up no other. */
const mostRequests = 100;
const mostRequestsOfReceiver = mostRequests / 4;

/** Why a SET was not accepted. */
interface Fault {
  /** For administrators and the receiver: it says nothing about the network around Postern. */
  readonly text: string;
  /** For the log. */
  readonly cause?: string;
}

/** What this process knows of a stream while it pushes. */
interface Delivery {
  /** As it was written down last. */
  written: Stream;
  /** As it is. */
  stream: Stream;
  /** Whether something was delivered since it was written down. */
  isDue: boolean;
  isBusy: boolean;
  failures: number;
  /** By the monotonic clock. */
  retryAt: number;
  fault: string | undefined;
}

export function startPush(options: PushOptions): Push {
  const { clock, outbox, pushed, findStream, moveStream, takeLease, releaseLease, findRefusal } = options;
  const { send, pause, recordFault, log } = options;
  const holder = randomUUID();
  const deliveries = new Map<string, Delivery>();
  let leasedUntil = Number.NEGATIVE_INFINITY;
  let renewAt = Number.NEGATIVE_INFINITY;
  let requests = 0;
  /** By client. */
  const requestsOf = new Map<string, number>();
  let isClosed = false;
  const running = new Set<Promise<void>>();

  const mayPush = async () => {
    const askedAt = clock.monotonic();
    if (askedAt >= renewAt) {
      renewAt = askedAt + renewMs;
      leasedUntil = (await takeLease(holder, leaseMs)) ? askedAt + leaseMs : Number.NEGATIVE_INFINITY;
      if (leasedUntil < askedAt) {
        // Another process goes on from where it is in the database.
        deliveries.clear();
      }
    }
    return clock.monotonic() < leasedUntil;
  };

  /** Returns what is wrong; undefined: the receiver has accepted the SET. */
  const deliver = async ({ clientId, delivery }: Stream, set: PendingSet): Promise<Fault | undefined> => {
    if (delivery.method !== 'push') {
      return { text: 'the delivery of the stream was changed' };
    }
    const { endpointUrl, authorizationHeader } = delivery;
    try {
      const answer = await send(endpointUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/secevent+jwt',
          ...(authorizationHeader !== undefined && { authorization: authorizationHeader }),
        },
        body: await outbox.sign(clientId, set),
      });
      return answer.status === 202 ? undefined : { text: describeRefusal(answer.status, await answer.text()) };
    } catch (error) {
      const isLate = (error as Error).name === 'AbortError' || (error as Error).name === 'TimeoutError';
      return {
        text: isLate ? 'no answer in time' : 'the request failed; the log of the server says why',
        cause: (error as Error).message,
      };
    }
  };

  const fail = async (one: Delivery, { text: fault, cause }: Fault) => {
    const pauseMs = Math.min(firstRetryMs * 2 ** one.failures, longestRetryMs);
    one.failures += 1;
    one.retryAt = clock.monotonic() + pauseMs;
    if (one.fault !== fault) {
      one.fault = fault;
      log.warn(
        { stream: one.stream.id, client: one.stream.clientId, fault, cause },
        'a receiver does not take its events',
      );
      await recordFault(one.stream.id, showFault(fault));
    }
  };

  /** Delivers what the stream has, until a SET is not accepted. */
  const run = async (one: Delivery) => {
    for (;;) {
      const { stream } = one;
      const pending = await outbox.read(stream, setsPerRead);
      const [first] = pending.sets;
      const refusal = first && (await findRefusal(one.stream.clientId));
      if (refusal !== undefined) {
        await pause(one.stream.id, refusal);
        await fail(one, { text: refusal });
        return;
      }
      const accepted: string[] = [];
      let fault: Fault | undefined;
      for (const set of pending.sets) {
        if (isClosed || deliveries.get(stream.id) !== one || !(await mayPush()) || !isAsRead(stream)) {
          break;
        }
        fault = await deliver(one.stream, set);
        if (fault !== undefined) {
          break;
        }
        accepted.push(set.jti);
      }
      one.stream = { ...one.stream, ...placeAfter(one.stream, pending, accepted) };
      if (accepted.length > 0) {
        one.isDue = true;
        one.failures = 0;
      }
      if (fault !== undefined) {
        await fail(one, fault);
        return;
      }
      if (accepted.length > 0 && one.fault !== undefined) {
        one.fault = undefined;
        await recordFault(one.stream.id, undefined);
      }
      if (accepted.length < pending.sets.length || !pending.hasMore) {
        return;
      }
    }
  };

  /** Whether what was read for a stream may still be sent: it was not paused, disabled or deleted since. */
  const isAsRead = ({ id, status }: Stream) =>
    pushed().some((present) => present.id === id && present.status === status);

  const count = (clientId: string, difference: 1 | -1) => {
    requests += difference;
    const ofReceiver = (requestsOf.get(clientId) ?? 0) + difference;
    if (ofReceiver === 0) {
      requestsOf.delete(clientId);
    } else {
      requestsOf.set(clientId, ofReceiver);
    }
  };
  const mayStart = ({ isBusy, retryAt, stream }: Delivery) =>
    !isBusy &&
    requests < mostRequests &&
    (requestsOf.get(stream.clientId) ?? 0) < mostRequestsOfReceiver &&
    clock.monotonic() >= retryAt;

  const start = (one: Delivery) => {
    const { clientId } = one.stream;
    one.isBusy = true;
    count(clientId, 1);
    const ran = run(one)
      .catch((error: unknown) =>
        fail(one, { text: 'an internal error', cause: (error as Error).message }).catch(() => {}),
      )
      .finally(() => {
        one.isBusy = false;
        count(clientId, -1);
        running.delete(ran);
      });
    running.add(ran);
  };

  const write = async (one: Delivery) => {
    const { written, stream } = one;
    if (!one.isDue && stream.position < written.position + skipAfter) {
      return;
    }
    one.isDue = false;
    if (await moveStream(written, stream)) {
      one.written = stream;
    } else {
      // The receiver has changed it, or another process pushes: it is read again.
      deliveries.delete(stream.id);
    }
  };

  const writeAll = async () => {
    for (const one of deliveries.values()) {
      await write(one);
    }
  };

  /** Finds what is known of each stream, with the configuration as it is now. */
  const refresh = async (present: readonly Stream[]) => {
    const ids = new Set(present.map(({ id }) => id));
    for (const [id, one] of deliveries) {
      if (!ids.has(id)) {
        deliveries.delete(id);
        await write(one);
      }
    }
    for (const stream of present) {
      const known = deliveries.get(stream.id);
      if (known === undefined) {
        const found = await findStream(stream.id);
        if (found !== undefined) {
          const fresh = { written: found, stream: found, isDue: false, isBusy: false, failures: 0, retryAt: 0 };
          deliveries.set(stream.id, { ...fresh, fault: found.fault });
        }
        continue;
      }
      const { position, received, fault } = known.stream;
      const present = { ...stream, position, received, fault };
      if (!isDeepStrictEqual(present, known.stream)) {
        known.stream = present;
        known.retryAt = 0;
      }
    }
  };

  let looking: Promise<void> | undefined;
  let isNews = false;
  const lookOnce = async () => {
    const present = pushed();
    if (present.length === 0 && deliveries.size === 0) {
      return;
    }
    if (!(await mayPush())) {
      return;
    }
    await refresh(present);
    for (const one of deliveries.values()) {
      if (mayStart(one)) {
        start(one);
      }
    }
  };
  const look = (): Promise<void> => {
    isNews = true;
    looking ??= (async () => {
      while (isNews && !isClosed) {
        isNews = false;
        await lookOnce().catch((error: unknown) => log.warn({ err: error }, 'events cannot be pushed now'));
      }
      looking = undefined;
    })();
    return looking;
  };

  outbox.follow((isOtherHistory) => {
    if (isOtherHistory) {
      // Other events have the numbers of those that were delivered: each stream goes on from where it is in the database.
      deliveries.clear();
    }
    void look();
  });
  const stop = clock.every(lookMs, async () => {
    await writeAll().catch((error: unknown) => log.warn({ err: error }, 'what was pushed cannot be written down now'));
    await look();
  });

  return {
    async close() {
      isClosed = true;
      stop();
      await looking;
      await Promise.all(running);
      await writeAll();
      if (leasedUntil !== Number.NEGATIVE_INFINITY) {
        await releaseLease(holder);
      }
    },
  };
}

/** Says what a receiver has answered that is no 202. RFC 8935 §2.3. */
function describeRefusal(status: number, body: string): string {
  const { err, description } = parseObject(body);
  const words = [err, description].filter((word) => typeof word === 'string').join(': ');
  return `status ${status}${words === '' ? '' : `, ${showFault(words).slice(0, 300)}`}`;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
