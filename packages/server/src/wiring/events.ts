/** Opens the event log, and finds out whether the database has lost a part of it: at the start, and while the node runs. */
import type { FastifyBaseLogger } from 'fastify';
import { appendRootStatus } from '../clients/root-status.ts';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config/config.ts';
import type { RequireActive } from '../events/actor.ts';
import { type Checkpoint, createCheckpointSigner } from '../events/checkpoint.ts';
import { createCheckpointFile } from '../events/checkpoint-stores.ts';
import { createMacEvent } from '../events/event.ts';
import { type EventLog, openEventLog } from '../events/event-log.ts';
import { type History, type KnownEvent, openHistory } from '../history/history.ts';
import { createHistoryAnchor } from '../history/history-anchor.ts';
import type { Installation } from '../installation.ts';

export interface OpenEventsOptions {
  readonly config: ServerConfig;
  readonly installation: Installation;
  readonly requireActive: RequireActive;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
}

export interface Events {
  readonly events: EventLog;
  readonly history: History;
  /** Writes down which event this node has heard last, unless a loss is not recorded yet. To be called at the end, and often. */
  readonly anchorHistory: () => Promise<void>;
}

export async function openEvents({
  config,
  installation,
  requireActive,
  clock,
  log,
}: OpenEventsOptions): Promise<Events> {
  const { db, masterKey, root } = installation;
  const { now, monotonic } = clock;
  const { maxStalenessSeconds } = config;
  const events = await openEventLog({
    ...installation,
    macEvent: createMacEvent(masterKey),
    requireActive,
    maxStalenessSeconds,
    onHistoryLost: (lost) => history.reportLost({ ...lost, knownBy: 'this node', knownAt: now(), isOld: false }),
    now,
    monotonic,
  });
  const history = await openHistory({
    db,
    events,
    // Root may have got another secret in what was lost.
    repair: (transaction, append) => appendRootStatus(transaction, append, root, masterKey),
    log,
    now,
  });

  const anchor = createHistoryAnchor(config.dataDir);
  let kept: string | undefined;
  /** Another process may have heard more, or may have written the file before the database lost what it says. */
  const verifyAnchor = async () => {
    const anchored = await anchor.read(events.id());
    if (anchored !== undefined) {
      await history.verify([{ ...anchored, knownBy: 'the file last-event.json', isOld: false }]);
    }
    return anchored;
  };
  await verifyAnchor();
  await history.verify(await readCheckpoint(config, installation, events.id()));
  return {
    events,
    history,
    async anchorHistory() {
      const head = events.head();
      if (head.hash === kept) {
        return;
      }
      const anchored = await verifyAnchor();
      if (!history.isRecorded()) {
        return;
      }
      if (anchored === undefined || anchored.sequence < head.sequence || !(await history.has(anchored))) {
        await anchor.write(events.id(), { ...head, knownAt: now() });
      }
      kept = head.hash;
    },
  };
}

/** Returns the last checkpoint of the log that is kept in a file. A file that cannot be read is reported when the next one is due. */
async function readCheckpoint(
  { checkpoints: { file } }: ServerConfig,
  { masterKey }: Installation,
  logId: string,
): Promise<KnownEvent[]> {
  if (file === undefined) {
    return [];
  }
  const { isOwn } = createCheckpointSigner(masterKey.seed('event checkpoints'));
  const kept = await createCheckpointFile(file, isOwn)
    .read()
    .catch(() => []);
  const last = kept
    .filter(({ log_id }) => log_id === logId)
    .reduce<Checkpoint | undefined>((one, other) => (other.sequence > (one?.sequence ?? 0) ? other : one), undefined);
  return last === undefined
    ? []
    : [
        {
          sequence: last.sequence,
          hash: last.hash,
          knownBy: 'a checkpoint in the file of POSTERN_CHECKPOINT_FILE',
          knownAt: Date.parse(last.signed_at),
          isOld: true,
        },
      ];
}
