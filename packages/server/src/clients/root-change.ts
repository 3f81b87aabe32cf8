/** Logs that the root client has a new id or secret, which revokes the tokens of root. */
import type { EventLog } from '../events/event-log.ts';
import { findLastEvent } from '../events/event-store.ts';
import type { Client } from './client.ts';

/** To be called at every start, since the environment changes without an event. */
export async function logRootChange(events: EventLog, root: Client): Promise<void> {
  await events.change('postern', async (transaction, append) => {
    const last = await findLastEvent(transaction, 'root.changed');
    if (last?.subject === root.id && last.data['generation'] === root.generation) {
      return;
    }
    if (last !== undefined && last.subject !== root.id) {
      await append({ kind: 'root.replaced', subject: last.subject, data: {} });
    }
    await append({ kind: 'root.changed', subject: root.id, data: { generation: root.generation } });
  });
}
