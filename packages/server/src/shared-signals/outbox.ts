/**
 * What each stream still has to deliver. The event log is durable and in order, so that a stream is a place in it: a change
 * writes no row for any stream, and nothing that a receiver has not taken is lost. SSF 1.0 §7, RFC 8936 §2, RFC 8935 §2.
 */
import { OAuthError, setType } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import { signJwt } from '../access-token/sign-jwt.ts';
import type { Database } from '../db/schema.ts';
import type { LoggedEvent } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { listEvents, listEventsAfter, readLog } from '../events/event-store.ts';
import { type Caller, createLongPoll } from '../events/long-poll.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import { feedEntryOf } from '../revocation/feed-entry.ts';
import { jtiOf, type SecurityEvent, setClaims } from './set.ts';
import { type Signal, signalsOf } from './signal.ts';
import { delivers, isWanted, type Stream } from './stream.ts';
import { findListed, moveStream } from './stream-store.ts';

/** A SET that a stream still has to deliver. */
export interface PendingSet extends SecurityEvent {
  readonly jti: string;
}

export interface Pending {
  /** In order. */
  readonly sets: readonly PendingSet[];
  /** Whether there may be more. */
  readonly hasMore: boolean;
  /** Nothing up to this event is for the stream, if there are no sets. */
  readonly readUpTo: number;
}

export interface Outbox {
  /** Finds the first SETs that the stream still has to deliver, at most `most`. */
  read(stream: Stream, most: number): Promise<Pending>;
  /** Signs a SET for the receiver. */
  sign(clientId: string, set: PendingSet): Promise<string>;
  /** The receiver has these SETs. Ids that the stream does not have to deliver are ignored. */
  acknowledge(stream: Stream, jtis: readonly string[]): Promise<void>;
  /** Moves a stream on to before the first SET that it has to deliver, so that the next read is short. */
  skip(stream: Stream, pending: Pending): Promise<void>;
  /** Rises with all news. Read it before you look for something, so that `wait` recognizes later news. */
  version(): number;
  /** Resolves to whether there is news since `version`. Resolves to false after `ms`, and if `caller` disconnects. */
  wait(version: number, ms: number, caller: Caller, address: string): Promise<boolean>;
  /** Calls `listener` whenever there is news, from here on. `isOtherHistory`: what was read before may not have happened. */
  follow(listener: (isOtherHistory: boolean) => void): void;
  /** Whether any event after `sequence` can concern the stream. If it cannot tell, it says that one can. */
  mayConcern(stream: Stream, sequence: number): boolean;
  close(): void;
}

export interface OutboxOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly issuer: string;
  readonly signingKey: () => SigningKey;
}

/** Events that are kept in memory, with what receivers are told of them: the streams that keep up read no database. */
const mostRecent = 1_000;

/** Events per read of the log, and reads in a row: a stream that is further behind continues next time. */
const eventsPerRead = 500;
const mostReads = 40;

/** SETs of a stream among which an acknowledgment is looked for. */
const mostUnacknowledged = 1_000;

/** Signed SETs that are kept: the streams of one client share them. */
const mostSigned = 2_000;

/** Requests that may wait at the same time, a quarter of them at one address. Further ones are answered at once. */
const mostWaiting = 10_000;

/** A stream without news is moved on when it is behind by so many events. */
export const skipAfter = 100;

interface Told {
  readonly event: LoggedEvent;
  readonly signals: readonly Signal[];
}

export function createOutbox({ db, events, issuer, signingKey }: OutboxOptions): Outbox {
  const longPoll = createLongPoll(mostWaiting);
  const signed = new LRUCache<string, Promise<string>>({ max: mostSigned });
  /** All events after `recentFrom` that concern a receiver or a stream. */
  let recent: Told[] = [];
  const listeners: ((isOtherHistory: boolean) => void)[] = [longPoll.wake];
  const tell = (isOtherHistory: boolean) => {
    for (const listener of listeners) {
      listener(isOtherHistory);
    }
  };
  let recentFrom = events.head().sequence;

  events.follow(
    (event) => {
      const signals = signalsOf(event, issuer);
      // What only the feed has is news for the streams that deliver the feed.
      if (signals.length === 0 && !event.kind.startsWith('stream.') && feedEntryOf(event) === undefined) {
        return;
      }
      // An event can come again, if another listener has thrown.
      if (event.sequence > (recent.at(-1)?.event.sequence ?? recentFrom)) {
        recent.push({ event, signals });
      }
      if (recent.length > 2 * mostRecent) {
        recent = recent.slice(-mostRecent);
        recentFrom = (recent[0] as Told).event.sequence - 1;
      }
      tell(false);
    },
    async () => {
      const { sequence } = await readLog(db);
      // Both at once: a stream that is read in between would seem to have nothing to deliver.
      recent = [];
      recentFrom = sequence;
      tell(true);
    },
  );

  const recentAfter = (sequence: number) =>
    recent.slice(1 + recent.findLastIndex(({ event }) => event.sequence <= sequence));

  /** Reads what is told of the events after `sequence`, and up to which event that is. */
  const readTold = async (sequence: number): Promise<{ told: readonly Told[]; upTo: number; isEnd: boolean }> => {
    if (sequence >= recentFrom) {
      const told = recentAfter(sequence);
      // While others are told of an event, the head is still the one before.
      const upTo = Math.max(sequence, events.head().sequence, told.at(-1)?.event.sequence ?? 0);
      return { told, upTo, isEnd: true };
    }
    const read = await listEventsAfter(db, sequence, eventsPerRead);
    return {
      told: read.map((event) => ({ event, signals: signalsOf(event, issuer) })),
      upTo: read.at(-1)?.sequence ?? sequence,
      isEnd: read.length < eventsPerRead,
    };
  };

  /** The SETs of the events that the stream delivers and its receiver lacks and wants. */
  const selectSets = async (stream: Stream, told: readonly Told[]): Promise<PendingSet[]> => {
    const received = new Set(stream.received);
    const candidates = told.flatMap(({ event, signals }) =>
      signals.flatMap((signal, number): PendingSet[] => {
        if (!delivers(stream, signal)) {
          return [];
        }
        const jti = jtiOf(stream.clientId, { event, number, signal });
        return received.has(jti) ? [] : [{ event, number, signal, jti }];
      }),
    );
    const subjects = [...new Set(candidates.flatMap(({ signal }) => signal.about ?? []))];
    const listed = new Set<string>();
    for (let start = 0; start < subjects.length; start += 500) {
      for (const subject of await findListed(db, stream.id, subjects.slice(start, start + 500))) {
        listed.add(subject);
      }
    }
    return candidates.filter(({ signal }) => isWanted(stream, signal, listed));
  };

  /** A stream that Postern has paused delivers nothing but the notice of it. SSF 1.0 §8.1.5. */
  const readNotice = async (stream: Stream): Promise<Pending> => {
    const query = {
      kinds: ['stream.paused'],
      subject: stream.id,
      after: stream.position,
      order: 'desc',
      size: 1,
    } as const;
    const [event] = await listEvents(db, query);
    const told = event === undefined ? [] : [{ event, signals: signalsOf(event, issuer) }];
    return { sets: await selectSets(stream, told), hasMore: false, readUpTo: stream.position };
  };

  const read = async (stream: Stream, most: number): Promise<Pending> => {
    if (stream.status === 'paused') {
      return readNotice(stream);
    }
    if (stream.status === 'disabled') {
      return { sets: [], hasMore: false, readUpTo: stream.position };
    }
    const sets: PendingSet[] = [];
    let readUpTo = stream.position;
    for (let reads = 0; reads < mostReads; reads += 1) {
      const { told, upTo, isEnd } = await readTold(readUpTo);
      sets.push(...(await selectSets(stream, told)));
      readUpTo = upTo;
      if (sets.length > most || isEnd) {
        return { sets: sets.slice(0, most), hasMore: sets.length > most, readUpTo };
      }
    }
    return { sets, hasMore: true, readUpTo };
  };

  return {
    read,
    sign(clientId, set) {
      const known = signed.get(set.jti);
      if (known !== undefined) {
        return known;
      }
      const signing = signJwt(setType, JSON.stringify(setClaims(issuer, clientId, set)), signingKey());
      signed.set(set.jti, signing);
      signing.catch(() => signed.delete(set.jti));
      return signing;
    },
    async acknowledge(stream, jtis) {
      const after = placeAfter(stream, await read(stream, mostUnacknowledged), jtis);
      if (!(await moveStream(db, stream, after))) {
        throw new OAuthError(
          'temporarily_unavailable',
          'Another request of this stream has acknowledged SETs at the same time: send this one again.',
        );
      }
    },
    async skip(stream, { sets: [first], readUpTo }) {
      const position = first === undefined ? readUpTo : first.event.sequence - 1;
      if (stream.status === 'enabled' && stream.received.length === 0 && position >= stream.position + skipAfter) {
        await moveStream(db, stream, { position, received: [] });
      }
    },
    version: () => longPoll.version,
    wait: (version, ms, caller, address) => longPoll.wait(version, ms, caller, address),
    follow: (listener) => void listeners.push(listener),
    mayConcern(stream, sequence) {
      if (sequence < recentFrom) {
        return true;
      }
      return recentAfter(sequence).some(
        ({ event, signals }) => event.subject === stream.id || signals.some((signal) => delivers(stream, signal)),
      );
    },
    close: longPoll.close,
  };
}

/** Where a stream is when its receiver has some of the SETs that it had to deliver. */
export function placeAfter(
  stream: Pick<Stream, 'status' | 'position' | 'received'>,
  { sets, hasMore, readUpTo }: Pending,
  jtis: readonly string[],
): Pick<Stream, 'position' | 'received'> {
  const acknowledged = new Set(jtis);
  const open = sets.find(({ jti }) => !acknowledged.has(jti));
  const taken = sets.filter(({ jti }) => acknowledged.has(jti));
  // Of the event at which the reading stopped there may be further SETs.
  const end = open ?? (hasMore ? sets.at(-1) : undefined);
  const isHeld = stream.status !== 'enabled';
  const position = isHeld ? stream.position : end === undefined ? readUpTo : end.event.sequence - 1;
  const received = [...stream.received, ...taken.map(({ jti }) => jti)].filter((jti) => sequenceOf(jti) > position);
  // What is too much to remember is sent again.
  return { position, received: received.slice(0, mostUnacknowledged) };
}

/** The number of the event that the id of a SET begins with. */
function sequenceOf(jti: string): number {
  return Number.parseInt(jti, 10);
}
