/** Reads an audit trail that was shipped to a file: the lines of `postern audit tail --json`, or pages of the API. */
import type { AuditEvent, AuditHead } from '@postern/admin';
import { usageError } from '../command/command-error.ts';
import { readInput } from '../input/read-input.ts';
import { startProgress } from '../output/progress.ts';
import { verifyChain } from './verify-chain.ts';

/**
 * Returns the events of the file after the event `after`. Throws `CommandError` if the file has none of them, or is not the
 * unchanged continuation of that event: then it is of another history, or incomplete.
 */
export async function readTrailAfter(
  file: string,
  after: Pick<AuditHead, 'sequence' | 'hash'>,
): Promise<readonly AuditEvent[]> {
  const events = parseTrail(file, await readInput(file)).toSorted((one, other) => one.sequence - other.sequence);
  const known = events.find(({ sequence }) => sequence === after.sequence);
  if (known !== undefined && known.hash !== after.hash) {
    throw usageError(`${file} is of another history: its event ${known.sequence} is not the one in the backup.`);
  }
  const later = events.filter(
    ({ sequence }, index) => sequence > after.sequence && sequence !== events[index - 1]?.sequence,
  );
  const head = later.at(-1);
  if (head === undefined) {
    throw usageError(`${file} has no events after event ${after.sequence}, with which the backup ends.`);
  }
  const progress = startProgress('events verified');
  const { fault } = await verifyChain({
    read: async (sequence) => later.slice(sequence - after.sequence),
    after,
    head,
    progress,
    onEvent: () => undefined,
  });
  progress.end();
  if (fault !== undefined) {
    throw usageError(`${file} does not continue the audit trail of the backup: ${fault.text}.`);
  }
  return later;
}

function parseTrail(file: string, text: string): AuditEvent[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') {
      return [];
    }
    const parsed = parseLine(line);
    const items = Array.isArray(parsed)
      ? parsed
      : isObject(parsed) && Array.isArray(parsed['items'])
        ? parsed['items']
        : [parsed];
    if (!items.every(isEvent)) {
      throw usageError(
        `line ${index + 1} of ${file} is not an event of an audit trail. Write one JSON object per line, as: postern audit tail --json`,
      );
    }
    return items;
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is AuditEvent {
  return (
    isObject(value) &&
    Number.isSafeInteger(value['sequence']) &&
    ['occurred_at', 'actor', 'kind', 'subject', 'hash'].every((name) => typeof value[name] === 'string') &&
    isObject(value['data'])
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
