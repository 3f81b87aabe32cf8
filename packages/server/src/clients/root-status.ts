/** Whether the root client may be used, and with which generation: by the configuration of this node, and by the event log. */
import type { Kysely } from 'kysely';
import type { RootConfig } from '../config/config.ts';
import type { Database } from '../db/schema.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import { findLastEvent } from '../events/event-store.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { findGenerationFloor } from '../revocation/generation-floor-store.ts';

export interface RootStatus {
  readonly enabled: boolean;
  /**
   * A fingerprint of its secret and not a counter, since there is no row to count in: a token of root is active as long as
   * root has the secret with which it was issued, and neither was root disabled since nor were all tokens revoked. It is above
   * every floor, so that a floor need not tell tokens of root from others.
   */
  readonly generation: number;
}

/** The least generation of root, in milliseconds since 1970 some thousand years ahead. */
const fingerprintBase = 2 ** 48;

/** Reads the status. `newFloor` is the generation floor that this change sets. Root is enabled if this node and the log say so: another node may have disabled it. */
export async function readRootStatus(
  db: Kysely<Database>,
  root: RootConfig,
  masterKey: MasterKey,
  newFloor?: number,
): Promise<RootStatus> {
  const [floor, disabled, changed] = await Promise.all([
    newFloor ?? findGenerationFloor(db),
    findLastEvent(db, 'root.disabled'),
    findLastEvent(db, 'root.changed'),
  ]);
  const since = `${disabled?.sequence ?? ''} ${floor}`;
  return {
    enabled: root.enabled && (changed?.sequence ?? 0) >= (disabled?.sequence ?? 0),
    generation:
      fingerprintBase +
      masterKey.digest('fingerprints', `${root.clientId} ${root.clientSecret} ${since}`).readUIntBE(0, 6),
  };
}

/**
 * Logs that root has a new id or secret or was disabled, which revokes its tokens, or that it was enabled again. To be called
 * at every start, since the environment changes without an event. The node that starts last decides.
 */
export async function logRootStatus(events: EventLog, root: RootConfig, masterKey: MasterKey): Promise<void> {
  await events.change('postern', (transaction, append) => appendRootStatus(transaction, append, root, masterKey));
}

/** Does that in a change, which may set a generation floor. */
export async function appendRootStatus(
  transaction: Kysely<Database>,
  append: Append,
  root: RootConfig,
  masterKey: MasterKey,
  newFloor?: number,
): Promise<void> {
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
  const { generation } = await readRootStatus(transaction, root, masterKey, newFloor);
  if (!isSame || last.kind !== 'root.changed' || last.data['generation'] !== generation) {
    await append({ kind: 'root.changed', subject: root.clientId, data: { generation } });
  }
}
