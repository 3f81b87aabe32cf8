/** `postern audit tail`: what happened last, and what happens now. */
import type { AuditEvent, AuditPage } from '@postern/server/admin-contract';
import type { Command } from 'commander';
import { countFrom } from '../command/option-values.ts';
import type { Query, ServerApi } from '../connection/server-api.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { printLine } from '../output/output.ts';
import { oneLine } from '../output/terminal-text.ts';
import { eventsPath } from './event.ts';

interface TailOptions {
  readonly lines: number;
  readonly follow?: true;
  readonly kind?: string;
  readonly actor?: string;
  readonly subject?: string;
}

/** The longest that the server waits, in seconds. */
const waitSeconds = 30;

export function tailCommand(): Command {
  return serverVerb('tail', 'Show the last events, oldest first: who changed what and when.', [
    ['audit tail', 'the last 20'],
    ['audit tail --follow --kind client.', 'everything about clients, as it happens'],
    ['audit tail --lines 1000 --actor r8O445tXXCjyi1GYeIbPRD --json', 'one JSON object a line, for a program'],
  ])
    .option('--lines <number>', 'events to show, 1000 at the most', countFrom(0), 20)
    .option('--follow', 'go on with those that come, until Ctrl-C')
    .option('--kind <kind>', 'only that kind, such as client.created; with a dot at its end, all that begin so')
    .option('--actor <id>', 'only what that client did')
    .option('--subject <id>', 'only what was done to that')
    .action(tail);
}

async function tail(_options: unknown, command: Command): Promise<void> {
  const { lines, follow, kind, actor, subject } = command.opts<TailOptions>();
  const filter = { kind, actor, subject };
  const api = await connect(command);
  // Asked for at least one, for the answer tells where the log ends.
  const page = await api.get<AuditPage>(eventsPath, { ...filter, order: 'desc', size: Math.max(1, lines) });
  for (const event of page.items.slice(0, lines).toReversed()) {
    printLine(command, event, formatEvent);
  }
  if (follow) {
    await followFrom(page.head, filter, api, command);
  }
}

async function followFrom(head: number, filter: Query, api: ServerApi, command: Command): Promise<void> {
  let after = head;
  for (;;) {
    const { items } = await api.get<AuditPage>(eventsPath, { ...filter, after, wait: waitSeconds });
    for (const event of items) {
      printLine(command, event, formatEvent);
    }
    after = items.at(-1)?.sequence ?? after;
  }
}

function formatEvent({ sequence, occurred_at, actor, kind, subject, data }: AuditEvent): string {
  return `${oneLine(`${occurred_at}  ${sequence}  ${kind}  ${subject}  by ${actor}  ${JSON.stringify(data)}`)}\n`;
}
