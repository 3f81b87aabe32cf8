/**
 * Whether the event log in the database is the one that this installation wrote. Each event has a hash over itself and the hash
 * before it, and a MAC of that hash under a key from the master key: RFC 2104. Who can write the database, but has not the
 * master key, can compute hashes and no MACs.
 *
 * Does not find events that were cut off the end, unless a checkpoint is known that is later.
 */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { hashEvent, type LogHead, type MacEvent } from './event.ts';
import { listEventTexts } from './event-store.ts';

/** Events per read. */
const batchSize = 500;

export interface LogToVerify extends LogHead {
  readonly logId: string;
  /** By sequence, the hashes that events had when a checkpoint was signed. */
  readonly checkpoints: ReadonlyMap<number, string>;
}

/** Returns what is wrong with the log from its first event to its head; undefined if nothing is. Reads all events, in small parts. */
export async function findLogFault(
  db: Kysely<Database>,
  macEvent: MacEvent,
  { logId, sequence: end, hash: endHash, checkpoints }: LogToVerify,
): Promise<string | undefined> {
  const cutOff = Math.max(0, ...checkpoints.keys());
  if (cutOff > end) {
    return `the log ends with event ${end}, and a checkpoint was signed over ${cutOff}: the last ones were removed`;
  }
  let sequence = 0;
  let hash = logId;
  while (sequence < end) {
    const events = await listEventTexts(db, sequence, Math.min(batchSize, end - sequence));
    if (events.length === 0) {
      return `event ${sequence + 1} is missing, although the log goes on to event ${end}`;
    }
    for (const event of events) {
      const name = `event ${event.sequence} (${event.kind} of ${event.subject})`;
      if (event.sequence !== sequence + 1) {
        return `event ${sequence + 1} is missing: after ${sequence} comes ${event.sequence}`;
      }
      if (hashEvent(hash, event) !== event.hash) {
        return `${name} does not match its hash: it was changed after it was written`;
      }
      if (macEvent(event.hash) !== event.mac) {
        return `${name} was not written by this server: its MAC is not one of the master key`;
      }
      const signed = checkpoints.get(event.sequence);
      if (signed !== undefined && signed !== event.hash) {
        return `${name} is not the one over which a checkpoint was signed: the log was rewritten`;
      }
      sequence = event.sequence;
      hash = event.hash;
    }
  }
  return hash === endHash ? undefined : `event ${end} is not the one that the head of the log names`;
}
