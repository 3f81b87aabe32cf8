/** Recomputes the chain of hashes, event by event, and finds the first broken link. */
import type { AuditEvent, AuditHead, Checkpoint } from '@postern/admin';
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

/** Reads some events after the one with that sequence number, in order. Empty: there are no more. */
export type ReadEvents = (after: number) => Promise<readonly AuditEvent[]>;

export interface ChainToVerify {
  readonly read: ReadEvents;
  /** The event before the first one, with its hash; of a whole log 0 and its id. */
  readonly after: Pick<AuditHead, 'sequence' | 'hash'>;
  readonly head: Pick<AuditHead, 'sequence' | 'hash'>;
  /** An earlier checkpoint of this log. */
  readonly kept?: Checkpoint | undefined;
  readonly progress: Progress;
  /** Receives each event that is intact, in order. */
  readonly onEvent: (event: AuditEvent) => void;
}

/** Verifies the log up to the event that `head` names, and compares it with the checkpoint if there is one. */
export async function verifyChain({ read, after, head, kept, progress, onEvent }: ChainToVerify): Promise<ChainReport> {
  let { sequence, hash } = after;
  const broken = (at: number, text: string): ChainReport => ({ verified: sequence, fault: { sequence: at, text } });
  let reading = read(sequence);
  while (sequence < head.sequence) {
    const items = await reading;
    const last = items.at(-1)?.sequence ?? head.sequence;
    if (last < head.sequence) {
      // The server reads the next ones while these are verified here.
      reading = read(last);
      reading.catch(() => {});
    }
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
