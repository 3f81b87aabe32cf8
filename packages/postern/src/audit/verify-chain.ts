/** Recomputes the chain of hashes, event by event, and finds the first broken link. */
import type { AdminClient, AuditEvent, AuditHead, Checkpoint } from '@postern/admin';
import { maxEventPageSize } from '@postern/protocol/api-limits';
import type { Progress } from '../output/progress.ts';
import { hashEvent } from './event.ts';

export interface ChainReport {
  /** How many events are intact, from the first one on. */
  readonly verified: number;
  /** Undefined if all are. */
  readonly fault: ChainFault | undefined;
}

export interface ChainFault {
  /** Sequence number of the event at which the chain breaks; undefined if only the server can tell. */
  readonly sequence: number | undefined;
  readonly text: string;
}

/**
 * Verifies the log from its first event to the one that `head` names, and compares it with `kept`, an earlier checkpoint, if
 * there is one. Both must be of this log. `onEvent` receives each event that is intact, in order.
 */
export async function verifyChain(
  admin: AdminClient,
  head: AuditHead,
  kept: Checkpoint | undefined,
  progress: Progress,
  onEvent: (event: AuditEvent) => void = () => {},
): Promise<ChainReport> {
  let sequence = 0;
  let hash = head.log_id;
  const broken = (at: number, text: string): ChainReport => ({ verified: sequence, fault: { sequence: at, text } });
  while (sequence < head.sequence) {
    const { items } = await admin.events.list({ after: sequence, size: maxEventPageSize });
    if (items.length === 0) {
      return broken(
        sequence + 1,
        `the log ends after event ${sequence}, and its head says that there are ${head.sequence}: the last ones were removed`,
      );
    }
    for (const event of items.slice(0, head.sequence - sequence)) {
      if (event.sequence !== sequence + 1) {
        return broken(sequence + 1, `event ${sequence + 1} is missing: after ${sequence} comes ${event.sequence}`);
      }
      if (hashEvent(hash, event) !== event.hash) {
        return broken(
          event.sequence,
          `${describe(event)} does not match its hash: it was changed after it was written`,
        );
      }
      if (event.sequence === kept?.sequence && event.hash !== kept.hash) {
        return broken(
          event.sequence,
          `${describe(event)} is not what it was when the checkpoint was signed at ${kept.signed_at}: the log was rewritten`,
        );
      }
      onEvent(event);
      sequence = event.sequence;
      hash = event.hash;
    }
    progress.report(sequence, head.sequence);
  }
  return hash === head.hash
    ? { verified: sequence, fault: undefined }
    : broken(sequence, `event ${sequence} is not the one that the head of the log names: it was replaced`);
}

function describe({ sequence, kind, subject, occurred_at }: AuditEvent): string {
  return `event ${sequence} (${kind} of ${subject} at ${occurred_at})`;
}
