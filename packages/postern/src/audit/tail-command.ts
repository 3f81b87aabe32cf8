/** `postern audit tail`: the last events, and new ones as they happen. */
import { type AdminClient, type NamedEvent, nameEvents } from '@postern/admin';
import { maxEventPageSize, maxWaitSeconds } from '@postern/protocol/api-limits';
import type { Command } from 'commander';
import { countFrom } from '../command/option-values.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { note, printLine } from '../output/output.ts';
import { oneLine } from '../output/terminal-text.ts';
import { withName } from './event-names.ts';
import { readTrailFilter, type TrailFilter, withTrailOptions } from './trail-options.ts';

interface TailOptions {
  readonly lines: number;
  readonly follow?: true;
}

export function tailCommand(): Command {
  return withTrailOptions(
    serverVerb('tail', 'Show the last events, oldest first: who changed what and when.', [
      ['audit tail', 'the last 20'],
      ['audit tail --follow --kind client.', 'everything about clients, as it happens'],
      ['audit tail --lines 1000 --actor deployer --json', 'one JSON object a line, for a program'],
      ['audit tail --from 2026-11-01 --until 2026-11-02', 'of one day'],
    ])
      .option('--lines <number>', `events to show, at most ${maxEventPageSize}`, countFrom(0), 20)
      .option('--follow', 'continue with new events, until Ctrl-C'),
  ).action(tail);
}

async function tail(_options: unknown, command: Command): Promise<void> {
  const { lines, follow } = command.opts<TailOptions>();
  const connection = await connect(command);
  const { admin } = connection;
  const filter = await readTrailFilter(command, connection);
  // The server takes no size of 0, and the answer says where the log ends.
  const page = await admin.events.list({ ...filter, order: 'desc', size: Math.max(1, lines), names: 'true' });
  for (const event of nameEvents(page).slice(0, lines).toReversed()) {
    printLine(command, event, formatEvent);
  }
  if (follow) {
    await followFrom(page.head, filter, admin, command);
  }
}

async function followFrom(head: number, filter: TrailFilter, admin: AdminClient, command: Command): Promise<void> {
  let after = head;
  for (;;) {
    const page = await admin.events.list({ ...filter, after, wait: maxWaitSeconds, names: 'true' });
    const { items, head } = page;
    for (const event of nameEvents(page)) {
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

function formatEvent({ sequence, occurred_at, kind, data, ...event }: NamedEvent): string {
  const on = withName(event.subject, event.subject_name);
  const by = withName(event.actor, event.actor_name);
  return `${oneLine(`${occurred_at}  ${sequence}  ${kind}  ${on}  by ${by}  ${JSON.stringify(data)}`)}\n`;
}
