/** `postern backup`: everything in the database as one file, from which `postern restore` makes it again. */
import type { Command } from 'commander';
import { verb } from '../command/verb.ts';
import { note, print } from '../output/output.ts';
import { formatCount, formatEnd, reportSteps } from './rows-output.ts';

export function backupCommand(): Command {
  return verb('backup', 'Write everything in the database to a file, also while the server runs.', [
    ['backup postern-2026-11-27.db', 'of the database in the data directory, ./data by default'],
    ['backup postern-2026-11-27.db --env-file /etc/postern.env', 'of the database in the variables of the unit'],
  ])
    .argument('<file>', 'new file')
    .option('--env-file <file>', 'file with the variables of the server, one NAME=value per line')
    .addHelpText(
      'after',
      'The file is an SQLite database, also for PostgreSQL, which only its user can read. It has what there is at one moment, and\n' +
        'appears complete or not at all. It does not have the master key and the root credentials, without which it is useless:\n' +
        'keep copies of them elsewhere.',
    )
    .action(backUp);
}

async function backUp(path: string, _options: unknown, command: Command): Promise<void> {
  const { backUpLocally } = await import('./local-backup.ts');
  const steps = reportSteps();
  const { source, rows, end, secrets } = await backUpLocally(
    path,
    command.opts<{ envFile?: string }>().envFile,
    steps.report,
  );
  steps.end();
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const answer = { from: source, file: path, rows: total, tables: rows, audit_sequence: end.sequence };
  print(
    command,
    answer,
    () =>
      `Backed up ${formatCount(total, 'row')} of ${source} to ${path}, and verified each. The audit trail ends ${formatEnd(end)}.\n`,
  );
  note(command, `Keep copies of the master key and the root credentials elsewhere: ${secrets}.`);
}
