/** The event log of a database that no server runs on, for the changes that a command makes there. */
import type { Installation } from '../installation.ts';
import { createMacEvent } from './event.ts';
import { type EventLog, openEventLog } from './event-log.ts';

export interface OfflineEventLogOptions {
  readonly installation: Pick<Installation, 'db' | 'driver' | 'masterKey'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Its only actor is the server itself, since whoever has the database and the master key may do everything. */
export function openOfflineEventLog({ installation, now }: OfflineEventLogOptions): Promise<EventLog> {
  return openEventLog({
    ...installation,
    macEvent: createMacEvent(installation.masterKey),
    async requireActive() {
      throw new Error('no token can be checked without a server');
    },
    maxStalenessSeconds: Number.POSITIVE_INFINITY,
    onHistoryLost() {
      throw new Error('the database was replaced while a command changed it');
    },
    now,
  });
}
