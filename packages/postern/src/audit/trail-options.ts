/** The options by which verbs narrow the audit trail. */
import type { EventQuery } from '@postern/admin';
import type { Command } from 'commander';
import { parseTime } from '../command/option-values.ts';

export type TrailFilter = Pick<EventQuery, 'kind' | 'actor' | 'subject' | 'from' | 'until'>;

export function withTrailOptions(command: Command): Command {
  return command
    .option('--kind <kind>', 'only that kind, such as client.created; with a dot at its end, all that begin with it')
    .option('--actor <id>', 'only changes by this client or person')
    .option('--subject <id>', 'only changes of the client, scope, … with this id')
    .option(
      '--from <time>',
      'only since that day or time, such as 2026-11-01 or 2026-11-01T12:00:00Z, or since so long ago: 24h',
      parseTime,
    )
    .option('--until <time>', 'only before that day or time', parseTime);
}

export function readTrailFilter(command: Command): TrailFilter {
  const { kind, actor, subject, from, until } = command.opts<TrailFilter>();
  return {
    ...(kind && { kind }),
    ...(actor && { actor }),
    ...(subject && { subject }),
    ...(from && { from }),
    ...(until && { until }),
  };
}
