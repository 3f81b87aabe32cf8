/** When a client ends, which is a time of RFC 3339 §5.6 on the wire and milliseconds since 1970 inside. */
import { OAuthError } from '@postern/protocol';
import { clientWarningDays } from '@postern/protocol/api-limits';
import type { Kysely } from 'kysely';
import { countFound } from '../db/count-rows.ts';
import type { Database } from '../db/schema.ts';
import type { Client } from './client.ts';

const pattern = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/i;

/** Returns the time in its one form: UTC, without a fraction of a second. Throws `invalid_parameter` for what is no time. */
export function parseExpiry(text: string): string {
  const day = pattern.exec(text)?.[1];
  const time = Math.floor(Date.parse(text) / 1000) * 1000;
  // `Date` takes the 30th of February for the 2nd of March.
  if (day === undefined || Number.isNaN(time) || !isDay(day)) {
    throw new OAuthError('invalid_parameter', 'expires_at: must be a time of RFC 3339, such as 2030-01-31T12:00:00Z.');
  }
  return new Date(time).toISOString();
}

function isDay(day: string): boolean {
  const time = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** Throws `invalid_parameter` if the change sets an end that is over. One that the client has already may be sent again. */
export function requireFutureExpiry(before: Pick<Client, 'expiresAt'> | undefined, after: Client, now: number): void {
  if (after.expiresAt !== (before?.expiresAt ?? null) && isClientExpired(after, now)) {
    throw new OAuthError(
      'invalid_parameter',
      'expires_at: must be in the future. To stop the client at once, disable it.',
    );
  }
}

/** `now` is in milliseconds since 1970. */
export function isClientExpired({ expiresAt }: Pick<Client, 'expiresAt'>, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}

/** The seconds of a lifetime that are left to a token of the client: none outlives it. */
export function secondsWithin({ expiresAt }: Pick<Client, 'expiresAt'>, ttlSeconds: number, issuedAt: number): number {
  return expiresAt === null ? ttlSeconds : Math.min(ttlSeconds, Math.floor(expiresAt / 1000) - issuedAt);
}

/** How many enabled clients have expired, or do within the time in which operators are warned. */
export function countExpiring(db: Kysely<Database>, now: number): Promise<number> {
  const end = new Date(now + clientWarningDays * 86_400_000).toISOString();
  return countFound(db.selectFrom('clients').where('expires_at', '<', end).where('enabled', '=', 1));
}

/** Keeps that number for the metrics, as of the last refresh. */
export function createExpiringClients(db: Kysely<Database>, now: () => number) {
  let count = 0;
  return {
    count: () => count,
    async refresh(): Promise<void> {
      count = await countExpiring(db, now());
    },
  };
}

export type ExpiringClients = ReturnType<typeof createExpiringClients>;
