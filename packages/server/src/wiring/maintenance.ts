/** Work that no request waits for: what is due once a minute, following the event log, and what closing leaves to do. */
import { createTrustedTime, type TrustedTime } from '@postern/guard';
import type { FastifyInstance } from 'fastify';
import type { ExpiringClients } from '../clients/client-expiry.ts';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config/config.ts';
import { describeForLog } from '../db/outage.ts';
import type { DescendantCounts } from '../descendants/descendants.ts';
import { createCheckpointSigner } from '../events/checkpoint.ts';
import { createCheckpointBucket, createCheckpointFile } from '../events/checkpoint-stores.ts';
import { type Checkpoints, type CheckpointsOptions, createCheckpoints } from '../events/checkpoints.ts';
import type { EventLog } from '../events/event-log.ts';
import { followLog } from '../events/follow-log.ts';
import { forgetKeptAnswers } from '../events/kept-answers.ts';
import type { Failures } from '../failures/failures.ts';
import type { History } from '../history/history.ts';
import type { Installation } from '../installation.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { PeriodCounters } from '../limits/period-counters.ts';
import { forgetPeople } from '../people/person-store.ts';
import type { Revocations } from '../revocation/revocations.ts';
import { deleteEndedSessions } from '../sessions/session-store.ts';
import { secretUseIntervalMs, type Usage } from '../usage/usage.ts';

export interface MaintenanceOptions {
  readonly installation: Pick<Installation, 'db' | 'driver'>;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly keys: KeyRing;
  readonly usedTokens: UsedTokens;
  readonly revocations: Revocations;
  readonly usage: Usage;
  readonly descendants: DescendantCounts;
  readonly failures: Failures;
  readonly periodCounters: Readonly<Record<string, PeriodCounters>>;
  readonly expiringClients: Pick<ExpiringClients, 'refresh'>;
  readonly checkpoints: Checkpoints;
  readonly history: Pick<History, 'record'>;
  readonly anchorHistory: () => Promise<void>;
}

/** Creates what signs checkpoints of the event log and keeps them where the configuration says. */
export function createKeptCheckpoints(
  { config, installation, macEvent, now, monotonic }: CheckpointsWiring,
  log: CheckpointsOptions['log'],
): Checkpoints {
  const { file, bucket, intervalMs } = config.checkpoints;
  const { sign, isOwn } = createCheckpointSigner(installation.masterKey.seed('event checkpoints'));
  const stores = [
    ...(file === undefined ? [] : [createCheckpointFile(file, isOwn)]),
    ...(bucket === undefined ? [] : [createCheckpointBucket(bucket)]),
  ];
  return createCheckpoints({ db: installation.db, macEvent, sign, stores, intervalMs, log, now, monotonic });
}

interface CheckpointsWiring extends Pick<CheckpointsOptions, 'macEvent' | 'now' | 'monotonic'> {
  readonly config: Pick<ServerConfig, 'checkpoints'>;
  readonly installation: Pick<Installation, 'db' | 'masterKey'>;
}

/** Milliseconds: what a node heard in the last moment before it was killed need not be known. */
const historyIntervalMs = 250;

/** Starts the work, which ends when `app` closes. */
export function startMaintenance(app: FastifyInstance, options: MaintenanceOptions): void {
  const { clock, installation, events, keys, usedTokens, revocations, usage, descendants, failures } = options;
  const { periodCounters, checkpoints } = options;
  let isMaintaining = false;
  const readTrustedTime = createTrustedTime(clock);
  let isTrusted = true;
  const forget = async ({ nowSeconds, keptSinceSeconds }: TrustedTime) => {
    for (const counters of Object.values(periodCounters)) {
      await counters.forgetPast(nowSeconds);
    }
    if (keptSinceSeconds !== undefined) {
      await usage.forgetPast(nowSeconds);
      await descendants.forgetPast(nowSeconds);
      await failures.forgetPast(nowSeconds);
      await forgetKeptAnswers(installation.db, nowSeconds);
      await deleteEndedSessions(installation.db, nowSeconds * 1000);
      await forgetPeople(installation.db, nowSeconds * 1000);
      await usedTokens.forgetExpired(keptSinceSeconds);
      await revocations.forgetExpired(keptSinceSeconds);
      await keys.forgetExpired(keptSinceSeconds);
    }
  };
  const stopMaintenance = clock.every(60_000, async () => {
    if (isMaintaining) {
      // There is so much to delete that it takes longer than a minute.
      return;
    }
    isMaintaining = true;
    try {
      await keys.maintain();
      await usage.write();
      await descendants.write();
      await failures.write();
      await failures.forgetSurplus();
      await options.expiringClients.refresh();
      await checkpoints.keepIfDue();
      const time = readTrustedTime(await installation.driver.readTime(installation.db));
      if (time !== undefined) {
        await forget(time);
      } else if (isTrusted) {
        app.log.warn(
          'the clock jumped, or differs from that of the database: nothing is deleted until the clocks agree',
        );
      }
      isTrusted = time !== undefined;
    } catch (error) {
      app.log.error(describeForLog(error), 'maintenance failed; it is repeated in a minute');
    }
    isMaintaining = false;
  });
  const stopWritingUses = clock.every(secretUseIntervalMs, async () => {
    // It is repeated, and the write of the next minute fails too and is logged.
    await usage.writeRotations().catch(() => {});
    await descendants.write().catch(() => {});
    await failures.write().catch(() => {});
  });
  const stopFollowing = followLog({ events, driver: installation.driver, clock, log: app.log });
  let isRecording = false;
  const stopRecording = clock.every(historyIntervalMs, async () => {
    if (isRecording) {
      return;
    }
    isRecording = true;
    // It is repeated, and whatever fails here fails for all changes.
    await options.history
      .record()
      .then(options.anchorHistory)
      .catch(() => {});
    isRecording = false;
  });
  app.addHook('onClose', async () => {
    stopRecording();
    // What other processes heard last must not seem lost at the next start, nor go unnoticed.
    await events
      .catchUp()
      .then(options.anchorHistory)
      .catch(() => {});
    stopMaintenance();
    stopWritingUses();
    for (const counters of Object.values(periodCounters)) {
      counters.stop();
    }
    await stopFollowing();
    await usage.write();
    await descendants.write();
    await failures.write();
  });
}
