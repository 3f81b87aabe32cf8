/** `postern audit tail`: the last events, and new ones as they happen. */
import type { AdminClient, AuditEvent, EventQuery } from '@postern/admin';
import { maxEventPageSize, maxWaitSeconds } from '@postern/protocol/api-limits';
import type { Command } from 'commander';
import { countFrom } from '../command/option-values.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { note, printLine } from '../output/output.ts';
import { oneLine } from '../output/terminal-text.ts';

interface TailOptions {
  readonly lines: number;
  readonly follow?: true;
  readonly kind?: string;
  readonly actor?: string;
  readonly subject?: string;
}

export function tailCommand(): Command {
  return serverVerb('tail', 'Show the last events, oldest first: who changed what and when.', [
    ['audit tail', 'the last 20'],
    ['audit tail --follow --kind client.', 'everything about clients, as it happens'],
    ['audit tail --lines 1000 --actor r8O445tXXCjyi1GYeIbPRD --json', 'one JSON object a line, for a program'],
  ])
    .option('--lines <number>', `events to show, at most ${maxEventPageSize}`, countFrom(0), 20)
    .option('--follow', 'continue with new events, until Ctrl-C')
    .option('--kind <kind>', 'only that kind, such as client.created; with a dot at its end, all that begin with it')
    .option('--actor <id>', 'only changes by this client')
    .option('--subject <id>', 'only changes of the client, scope, … with this id')
    .action(tail);
}

async function tail(_options: unknown, command: Command): Promise<void> {
  const { lines, follow, kind, actor, subject } = command.opts<TailOptions>();
  const filter = { ...(kind && { kind }), ...(actor && { actor }), ...(subject && { subject }) };
  const { admin } = await connect(command);
  // The server takes no size of 0, and the answer says where the log ends.
  const page = await admin.events.list({ ...filter, order: 'desc', size: Math.max(1, lines) });
  for (const event of page.items.slice(0, lines).toReversed()) {
    printLine(command, event, formatEvent);
  }
  if (follow) {
    await followFrom(page.head, filter, admin, command);
  }
}

async function followFrom(head: number, filter: EventQuery, admin: AdminClient, command: Command): Promise<void> {
  let after = head;
  for (;;) {
    const { items, head } = await admin.events.list({ ...filter, after, wait: maxWaitSeconds });
    for (const event of items) {
      printLine(command, event, formatEvent);
    }
    if (head < after) {
      note(
        command,
        `The audit trail ends with event ${head}, and event ${after} is gone: the database has lost changes.`,
      );
    }
    after = Math.min(items.at(-1)?.sequence ?? after, head);
  }
}

function formatEvent({ sequence, occurred_at, actor, kind, subject, data }: AuditEvent): string {
  return `${oneLine(`${occurred_at}  ${sequence}  ${kind}  ${subject}  by ${actor}  ${JSON.stringify(data)}`)}\n`;
}
