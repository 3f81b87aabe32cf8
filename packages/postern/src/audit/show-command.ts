/** `postern audit show`: one event, with what was before it and what is since. */
import { findMemberChanges, type MemberChange, type NamedEvent, nameEvents, remarksOn } from '@postern/admin';
import { Argument, type Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { countFrom } from '../command/option-values.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { print } from '../output/output.ts';
import { formatRecord, formatTable } from '../output/table.ts';
import { withName } from './event-names.ts';

export function showCommand(): Command {
  return serverVerb('show', 'Show one event: who changed what, and what that was before.', [
    ['audit show 128', 'the event with this number'],
  ])
    .addArgument(new Argument('<sequence>', 'number of the event, as audit tail shows it').argParser(countFrom(1)))
    .action(show);
}

async function show(sequence: number, _options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  const page = await admin.events.list({ after: sequence - 1, before: sequence + 1, names: 'true' });
  const [event] = nameEvents(page);
  if (event === undefined) {
    throw usageError(`there is no event ${sequence}: the audit trail ends with event ${page.head}.`);
  }
  const changes = await findMemberChanges(admin, event);
  print(command, { ...event, ...(changes !== undefined && { changes }) }, () => formatEvent(event, changes));
}

function formatEvent(event: NamedEvent, changes: readonly MemberChange[] | undefined): string {
  const record = formatRecord([
    ['number', event.sequence],
    ['when', event.occurred_at],
    ['what', event.kind],
    ['on', withName(event.subject, event.subject_name)],
    ['by', withName(event.actor, event.actor_name)],
    ...(changes === undefined ? [['data', JSON.stringify(event.data)] as const] : []),
    ['hash', event.hash],
  ]);
  if (changes === undefined) {
    return record;
  }
  const table = formatTable(
    ['member', 'before', 'after'],
    changes.map(({ name, before, after }) => [name, toText(before), toText(after)]),
  );
  const remarks = remarksOn(event).map((sentence) => `${sentence}\n`);
  return `${record}\n${changes.length === 0 ? 'It changed no member.\n' : table}${remarks.join('')}`;
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' || value === undefined ? value : JSON.stringify(value);
}
