/** Whether the root client may be used, and with which generation: by the configuration of this node, and by the event log. */
import type { Kysely } from 'kysely';
import type { RootConfig } from '../config/config.ts';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import { findLastEvent } from '../events/event-store.ts';
import type { MasterKey } from '../keys/master-key.ts';

export interface RootStatus {
  readonly enabled: boolean;
  /**
   * A fingerprint of its secret and not a counter, since there is no row to count in: a token of root is active as long as
   * root has the secret with which it was issued, and was not disabled since.
   */
  readonly generation: number;
}

/** Reads the status. Root is enabled if this node and the log say so: another node may have disabled it. */
export async function readRootStatus(
  db: Kysely<Database>,
  root: RootConfig,
  masterKey: MasterKey,
): Promise<RootStatus> {
  const disabled = await findLastEvent(db, 'root.disabled');
  const changed = await findLastEvent(db, 'root.changed');
  const since = disabled === undefined ? '' : ` ${disabled.sequence}`;
  return {
    enabled: root.enabled && (changed?.sequence ?? 0) >= (disabled?.sequence ?? 0),
    generation: masterKey.digest('fingerprints', `${root.clientId} ${root.clientSecret}${since}`).readUIntBE(0, 6),
  };
}

/**
 * Logs that root has a new id or secret or was disabled, which revokes its tokens, or that it was enabled again. To be called
 * at every start, since the environment changes without an event. The node that starts last decides.
 */
export async function logRootStatus(events: EventLog, root: RootConfig, masterKey: MasterKey): Promise<void> {
  await events.change('postern', async (transaction, append) => {
    const last = await findLastEvent(transaction, 'root.changed', 'root.disabled');
    if (last !== undefined && last.subject !== root.clientId) {
      await append({ kind: 'root.replaced', subject: last.subject, data: {} });
    }
    const isSame = last?.subject === root.clientId;
    if (!root.enabled) {
      if (!isSame || last.kind !== 'root.disabled') {
        await append({ kind: 'root.disabled', subject: root.clientId, data: {} });
      }
      return;
    }
    const { generation } = await readRootStatus(transaction, root, masterKey);
    if (!isSame || last.kind !== 'root.changed' || last.data['generation'] !== generation) {
      await append({ kind: 'root.changed', subject: root.clientId, data: { generation } });
    }
  });
}
