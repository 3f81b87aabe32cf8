/** Finds out whether the database takes changes, by making one: a full disk, a lock or a standby refuse it. */
import type { Kysely } from 'kysely';
import type { Clock } from '../clock.ts';
import { describeForLog, findOutage } from './outage.ts';
import type { Database } from './schema.ts';

/** Milliseconds between two attempts, which commit one row each. */
const intervalMs = 5_000;

/** Why nothing can be written. */
export interface WriteFault {
  /** A reason of an outage, or `failed`. */
  readonly reason: string;
  /** What is wrong, and what to do about it, in sentences without secrets. */
  readonly detail: string;
}

export interface WriteProbe {
  /** What the last attempt found. Undefined: it succeeded. */
  fault(): WriteFault | undefined;
  stop(): void;
}

export interface WriteProbeOptions {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  readonly log: { error(details: object, text: string): void; info(text: string): void };
}

/** Attempts at once and then at a fixed rate. Logs once that nothing can be written, and once that it can be again. */
export async function startWriteProbe({ db, clock, log }: WriteProbeOptions): Promise<WriteProbe> {
  let fault: WriteFault | undefined;
  let isUnderWay = false;
  const attempt = async () => {
    if (isUnderWay) {
      return;
    }
    isUnderWay = true;
    try {
      await beat(db, clock.now());
      if (fault !== undefined) {
        fault = undefined;
        log.info('the database takes changes again');
      }
    } catch (error) {
      const before = fault;
      fault = explain(error);
      if (before?.reason !== fault.reason) {
        log.error({ ...describeForLog(error), reason: fault.reason }, 'the database takes no changes');
      }
    } finally {
      isUnderWay = false;
    }
  };
  await attempt();
  return { fault: () => fault, stop: clock.every(intervalMs, attempt) };
}

async function beat(db: Kysely<Database>, now: number): Promise<void> {
  const row = { id: 1, written_at: new Date(now).toISOString() };
  await db
    .insertInto('heartbeat')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute();
}

function explain(error: unknown): WriteFault {
  const { reason, text, cure } = findOutage(error) ?? {
    reason: 'failed',
    text: 'it rejected a statement',
    cure: 'See the log of Postern.',
  };
  return { reason, detail: `No change can be made: ${text}. ${cure}` };
}
