/** The options by which verbs narrow the audit trail. */
import type { EventQuery } from '@postern/admin';
import type { Command } from 'commander';
import { parseTime } from '../command/option-values.ts';
import { findClientId } from '../connection/find-id.ts';
import type { ServerConnection } from '../connection/server-connection.ts';

export type TrailFilter = Pick<EventQuery, 'kind' | 'actor' | 'subject' | 'from' | 'until'>;

export function withTrailOptions(command: Command): Command {
  return command
    .option('--kind <kind>', 'only that kind, such as client.created; with a dot at its end, all that begin with it')
    .option('--actor <client>', 'only changes by this client, by id or name, or by the person with this id')
    .option('--subject <id>', 'only changes of the client, scope, … with this id, or of the client with this name')
    .option(
      '--from <time>',
      'only since that day or time, such as 2026-11-01 or 2026-11-01T12:00:00Z, or since so long ago: 24h',
      parseTime,
    )
    .option('--until <time>', 'only before that day or time', parseTime);
}

/** The names of clients become ids, unless there are events about a thing of that id. */
export async function readTrailFilter(command: Command, connection: ServerConnection): Promise<TrailFilter> {
  const { kind, actor, subject, from, until } = command.opts<TrailFilter>();
  return {
    ...(kind && { kind }),
    ...(actor && { actor: await findClientId(command, connection, actor) }),
    ...(subject && { subject: await findSubject(command, connection, subject) }),
    ...(from && { from }),
    ...(until && { until }),
  };
}

async function findSubject(command: Command, connection: ServerConnection, text: string): Promise<string> {
  const { items } = await connection.admin.events.list({ subject: text, size: 1 });
  return items.length > 0 ? text : findClientId(command, connection, text);
}
