/** Work that no request waits for: what is due once a minute, following the event log, and what closing leaves to do. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../clock.ts';
import type { SignCheckpoint } from '../events/checkpoint.ts';
import { createDailyCheckpoint } from '../events/daily-checkpoint.ts';
import type { EventLog } from '../events/event-log.ts';
import { followLog } from '../events/follow-log.ts';
import type { Installation } from '../installation.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { MinuteCounters } from '../limits/minute-counters.ts';
import type { RevocationFeed } from '../revocation/revocation-feed.ts';
import type { RevokedTokens } from '../revocation/revoked-tokens.ts';
import type { Usage } from '../usage/usage.ts';

export interface MaintenanceOptions {
  readonly installation: Pick<Installation, 'db' | 'driver'>;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly keys: KeyRing;
  readonly usedTokens: UsedTokens;
  readonly revokedTokens: RevokedTokens;
  readonly usage: Usage;
  readonly minuteCounters: Readonly<Record<string, MinuteCounters>>;
  readonly feed: RevocationFeed;
  readonly signCheckpoint: SignCheckpoint;
}

/** Starts the work, which ends when `app` closes. */
export function startMaintenance(app: FastifyInstance, options: MaintenanceOptions): void {
  const { clock, installation, events, keys, usedTokens, revokedTokens, usage, minuteCounters, feed } = options;
  const writeCheckpoint = createDailyCheckpoint({
    db: installation.db,
    sign: options.signCheckpoint,
    write: (checkpoint) => app.log.info({ checkpoint }, 'checkpoint of the event log'),
    now: clock.now,
  });
  const stopMaintenance = clock.every(60_000, async () => {
    const nowSeconds = clock.now() / 1000;
    try {
      await keys.maintain();
      await usedTokens.forgetExpired(nowSeconds);
      await revokedTokens.forgetExpired(nowSeconds);
      await usage.write();
      for (const counters of Object.values(minuteCounters)) {
        await counters.forgetPast();
      }
      await feed.maintain();
      await writeCheckpoint();
    } catch (error) {
      app.log.error({ err: error }, 'maintenance failed; it is repeated in a minute');
    }
  });
  const stopFollowing = followLog({ events, driver: installation.driver, clock, log: app.log });
  app.addHook('onClose', async () => {
    stopMaintenance();
    for (const counters of Object.values(minuteCounters)) {
      counters.stop();
    }
    await stopFollowing();
    await usage.write();
  });
}
