/** Recomputes the chain of hashes, event by event, and finds the first link that does not hold. */
import type { AuditEvent, AuditPage, Checkpoint } from '@postern/server/admin-contract';
import type { ServerApi } from '../connection/server-api.ts';
import type { Progress } from '../output/progress.ts';
import { eventsPath, hashEvent } from './event.ts';

export interface ChainReport {
  /** Events whose links hold, from the first one on. */
  readonly verified: number;
  /** Undefined where all links hold. */
  readonly fault: ChainFault | undefined;
}

export interface ChainFault {
  /** Sequence number of the event at which the chain breaks. */
  readonly sequence: number;
  readonly text: string;
}

/** As many as the server gives at once. */
const pageSize = 1_000;

/**
 * Walks the log from its first event to where `head` says that it ends, and holds it against `kept`, a checkpoint of an
 * earlier time, where there is one. Both must be of this log.
 */
export async function verifyChain(
  api: ServerApi,
  head: Checkpoint,
  kept: Checkpoint | undefined,
  progress: Progress,
): Promise<ChainReport> {
  let sequence = 0;
  let hash = head.log_id;
  const broken = (at: number, text: string): ChainReport => ({ verified: sequence, fault: { sequence: at, text } });
  while (sequence < head.sequence) {
    const { items } = await api.get<AuditPage>(eventsPath, { after: sequence, size: pageSize });
    if (items.length === 0) {
      return broken(
        sequence + 1,
        `the log ends after event ${sequence}, and its head says that there are ${head.sequence}: the last ones were taken out`,
      );
    }
    for (const event of items.slice(0, head.sequence - sequence)) {
      if (event.sequence !== sequence + 1) {
        return broken(sequence + 1, `event ${sequence + 1} is missing: after ${sequence} comes ${event.sequence}`);
      }
      if (hashEvent(hash, event) !== event.hash) {
        return broken(event.sequence, `${describe(event)} does not fit its hash: it was changed after it was written`);
      }
      if (event.sequence === kept?.sequence && event.hash !== kept.hash) {
        return broken(
          event.sequence,
          `${describe(event)} is not what it was when the checkpoint was signed at ${kept.signed_at}: the log was written anew`,
        );
      }
      sequence = event.sequence;
      hash = event.hash;
    }
    progress.report(sequence, head.sequence);
  }
  return hash === head.hash
    ? { verified: sequence, fault: undefined }
    : broken(sequence, `event ${sequence} is not the last one that the head of the log knows of: it was replaced`);
}

function describe({ sequence, kind, subject, occurred_at }: AuditEvent): string {
  return `event ${sequence} (${kind} of ${subject} at ${occurred_at})`;
}
