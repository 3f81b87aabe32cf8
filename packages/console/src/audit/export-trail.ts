/** The audit trail as files: JSON lines, as `postern audit tail --json` prints them, and CSV. */
import { type AdminClient, type AuditEvent, operations } from '@postern/admin';
import { maxEventPageSize } from '@postern/protocol/api-limits';
import { type EventFilter, toQuery } from './use-events.ts';

const columns = ['sequence', 'occurred_at', 'kind', 'subject', 'actor', 'data', 'hash'] as const;

/** Reads every event that the filter matches, oldest first, as it is when the call begins. */
export async function readTrail(admin: AdminClient, filter: EventFilter): Promise<AuditEvent[]> {
  const found: AuditEvent[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page: Awaited<ReturnType<AdminClient['events']['list']>> = await admin.send(
      operations.events.list({ ...toQuery(filter), after, size: maxEventPageSize }),
    );
    found.push(...page.items);
    after = page.next;
  }
  return found;
}

export const toJsonLines = (events: readonly AuditEvent[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');

export const toCsv = (events: readonly AuditEvent[]): string =>
  [columns, ...events.map((event) => columns.map((name) => toCell(event[name])))]
    .map((line) => `${line.join(',')}\r\n`)
    .join('');

/** A text that begins as a formula does would be run by a spreadsheet. */
function toCell(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

/** Lets the browser save a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
