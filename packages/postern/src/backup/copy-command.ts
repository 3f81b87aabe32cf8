/** `postern copy`: everything of one database into another one, such as from SQLite to PostgreSQL. */
import type { Command } from 'commander';
import { verb } from '../command/verb.ts';
import { note, print } from '../output/output.ts';
import { formatCount, reportSteps } from './rows-output.ts';

interface CopyCommandOptions {
  readonly from: string;
  readonly to: string;
}

export function copyCommand(): Command {
  return verb('copy', 'Copy everything of a Postern to another, empty database.', [
    [
      'copy --from sqlite:data/postern.db --to postgres://postern@db.example.com/postern',
      'from one machine to many; PGPASSWORD is set',
    ],
    ['copy --from postgres://postern@db.example.com/postern --to sqlite:data/postern.db', 'and back'],
  ])
    .requiredOption('--from <url>', 'database to read: sqlite: and a path, or a postgres: URL')
    .requiredOption('--to <url>', 'database to write, which must be empty; a missing SQLite file is created')
    .addHelpText(
      'after',
      'Clients, secrets, keys, policies, settings and the audit trail are copied as they are at one moment, in one transaction,\n' +
        'and each row is verified. All credentials and tokens stay valid, because the new server has the same master key and the\n' +
        'same root credentials. Stop the server first: what it changes afterwards is not in the copy.\n' +
        'The master key is in POSTERN_MASTER_KEY, or in master.key beside a database or in POSTERN_DATA_DIR.\n' +
        'Other users of this machine can see a password in a URL; PGPASSWORD and ~/.pgpass are read too.',
    )
    .action(copy);
}

async function copy(_options: unknown, command: Command): Promise<void> {
  const { from, to } = command.opts<CopyCommandOptions>();
  const { copyLocally } = await import('./local-copy.ts');
  const steps = reportSteps();
  const { source, target, rows, masterKeys } = await copyLocally(from, to, process.env, steps.report);
  steps.end();
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const answer = { from: source, to: target, rows: total, tables: rows, master_keys_checked: masterKeys };
  print(
    command,
    answer,
    () =>
      `Copied ${formatCount(total, 'row')} of ${Object.keys(rows).length} tables to ${target}, and verified each.\n`,
  );
  note(
    command,
    masterKeys.length === 0
      ? 'No master key was found here to check the copy with: start the new server with the one of the old server.'
      : `Their encrypted keys open under the master key in ${masterKeys.join(' and ')}.`,
  );
  note(
    command,
    `Now start the server with DATABASE_URL=${to.startsWith('sqlite:') ? `sqlite:${target}` : '<the new database>'}, and with the same POSTERN_MASTER_KEY, ` +
      'OAUTH_ROOT_CLIENT_ID and OAUTH_ROOT_CLIENT_SECRET as before (master.key and root.env of the data directory have them, if none were set).',
  );
}
