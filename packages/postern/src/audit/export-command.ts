/** `postern audit export`: the whole trail, or a part of it, as a file. */
import { csvHead, readTrail, toCsvLines, toJsonLines } from '@postern/admin';
import { type Command, Option } from 'commander';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { wantsJson } from '../output/output.ts';
import { readTrailFilter, withTrailOptions } from './trail-options.ts';

export function exportCommand(): Command {
  return withTrailOptions(
    serverVerb('export', 'Print all events, oldest first, with the names of clients and people.', [
      ['audit export > audit.jsonl', 'the whole trail, one JSON object a line'],
      ['audit export --format csv --from 2026-10-01 --until 2026-11-01 > october.csv', 'a month, for a spreadsheet'],
    ]).addOption(
      new Option('--format <format>', 'jsonl: one JSON object a line; csv: for a spreadsheet')
        .choices(['jsonl', 'csv'])
        .default('jsonl'),
    ),
  ).action(exportTrail);
}

async function exportTrail(_options: unknown, command: Command): Promise<void> {
  const isCsv = command.opts<{ format: string }>().format === 'csv' && !wantsJson(command);
  const connection = await connect(command);
  const filter = await readTrailFilter(command, connection);
  let head = isCsv ? csvHead : '';
  for await (const events of readTrail(connection.admin, filter)) {
    process.stdout.write(head + (isCsv ? toCsvLines(events) : toJsonLines(events)));
    head = '';
  }
}
