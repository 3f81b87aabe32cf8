/**
 * The generation floor: tokens of an earlier generation, of whatever client, were revoked by one call. It is the last such event
 * in the log, and 0 if there is none.
 */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { lastEventData } from '../events/event-store.ts';

/** Selects the data of the event that set the floor. */
export function selectFloorData(db: Kysely<Database>) {
  return lastEventData(db, 'all_tokens.revoked');
}

export async function findGenerationFloor(db: Kysely<Database>): Promise<number> {
  return readFloor((await selectFloorData(db).executeTakeFirst())?.data);
}

/** `data`: what `selectFloorData` selected. */
export function readFloor(data: string | null | undefined): number {
  return data === null || data === undefined ? 0 : (JSON.parse(data) as { generation: number }).generation;
}
