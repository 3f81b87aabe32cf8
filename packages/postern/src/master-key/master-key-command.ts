/** `postern master-key`: which master keys open the database. */
import type { Command } from 'commander';
import { verb, verbGroup } from '../command/verb.ts';
import { confirm } from '../input/confirm.ts';
import { print } from '../output/output.ts';
import { formatTable } from '../output/table.ts';

interface MasterKeyOptions {
  readonly envFile?: string;
  readonly to?: string;
  readonly yes?: true;
}

export function masterKeyCommand(): Command {
  return verbGroup('master-key', 'Replace the master key, which encrypts the keys in the database, while nodes run.', [
    withEnvFile(
      verb(
        'rotate',
        'Create a new master key that opens the database too. The present one does so until it is retired.',
        [
          ['master-key rotate', 'puts it in the place of master.key, or of POSTERN_MASTER_KEY_FILE'],
          ['master-key rotate --to new-master.key', 'for a secret store, from which all nodes get it'],
        ],
      ),
    )
      .option('--to <file>', 'file for the new master key, or with it')
      .addHelpText(
        'after',
        'Then restart all nodes with the new master key, one after another, and run: postern master-key retire\n' +
          'Credentials, tokens and the audit trail stay valid. If the command is interrupted, run it again.',
      )
      .action(rotate),
    withEnvFile(
      verb('list', 'List the master keys that open the database.', [
        ['master-key list', 'which there are, and which one is configured here'],
      ]),
    ).action(list),
    withEnvFile(
      verb('retire', 'Let only the master key that is configured here open the database.', [
        ['master-key retire', 'when all nodes have the new one'],
      ]),
    )
      .option('--yes', 'do not ask')
      .action(retire),
  ]);
}

function withEnvFile(command: Command): Command {
  return command.option('--env-file <file>', 'file with the variables of the server, one NAME=value per line');
}

async function rotate(_options: unknown, command: Command): Promise<void> {
  const { envFile, to } = command.opts<MasterKeyOptions>();
  const { rotateMasterKey } = await import('./local-master-key.ts');
  const { file, id, previousId, previousFile } = await rotateMasterKey(envFile, to);
  print(
    command,
    { file, id, previous_id: previousId, previous_file: previousFile ?? null },
    () =>
      `The new master key ${id} is in ${file}. It and the previous one, ${previousId}, open the database.\n` +
      (previousFile === undefined ? '' : `The previous one is in ${previousFile}: backups from before need it.\n`) +
      'Restart all nodes with the new one, one after another. Then: postern master-key retire\n',
  );
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { listMasterKeys } = await import('./local-master-key.ts');
  const keys = await listMasterKeys(command.opts<MasterKeyOptions>().envFile);
  print(command, keys, () =>
    formatTable(
      ['master key id', 'added', 'configured here'],
      keys.map(({ id, added_at, configured }) => [id, added_at, configured ? 'yes' : 'no']),
    ),
  );
}

async function retire(_options: unknown, command: Command): Promise<void> {
  const { envFile, yes } = command.opts<MasterKeyOptions>();
  const { retireMasterKeys } = await import('./local-master-key.ts');
  await confirm(
    'Master keys other than the one that is configured here will not open the database any more, and a node that still has one will not start.',
    yes,
  );
  const { id, removed } = await retireMasterKeys(envFile);
  print(command, { id, removed }, () =>
    removed.length === 0
      ? `Only the master key ${id} opens the database; there was no other.\n`
      : `Only the master key ${id} opens the database now, and no longer ${removed.join(', ')}.\n`,
  );
}
