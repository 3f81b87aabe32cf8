/** `postern apply`: makes the server match files, by one change or not at all. */
import type { Command } from 'commander';
import { keepSecrets } from '../batch/secrets-file.ts';
import { sendBatch } from '../batch/send-batch.ts';
import { usageError } from '../command/command-error.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { note, print, wantsJson } from '../output/output.ts';
import { formatTable } from '../output/table.ts';
import { countActions, formatPlan } from './format-plan.ts';
import { prepare, withPlaces } from './prepare.ts';

interface ApplyOptions {
  readonly prune?: true;
  readonly yes?: true;
  readonly secretsOut?: string;
}

export function applyCommand(): Command {
  return serverVerb('apply', 'Make the server match files: all changes at once, or none.', [
    ['apply clients.yaml --secrets-out secrets.json', 'secrets of new clients go to a file that only you can read'],
    ['apply deploy/postern/', 'all files of a directory, as if they were one'],
    ['apply --prune --yes deploy/postern/', 'delete what their sections do not have, without asking'],
  ])
    .argument('<file...>', 'YAML files, directories of them, or - for standard input')
    .option('--prune', 'delete what the sections of the files do not have')
    .option('--yes', 'delete without asking')
    .option('--secrets-out <file>', 'new file for the secrets of new clients, as JSON')
    .action(apply);
}

async function apply(paths: string[], _options: unknown, command: Command): Promise<void> {
  const { prune, yes, secretsOut } = command.opts<ApplyOptions>();
  const { connection, plan } = await prepare(paths, prune, command);
  const { changes, resent, unchanged, calls, newSecrets } = plan;
  const counts = countActions(changes);
  if (newSecrets > 0 && secretsOut === undefined && !wantsJson(command) && !process.stdout.isTTY) {
    throw usageError(`secrets of new clients (${newSecrets}) must not get into a log. Name a file: --secrets-out FILE`);
  }
  if (!wantsJson(command)) {
    process.stdout.write(formatPlan(plan));
  }
  if (counts.delete > 0) {
    await confirm(`This deletes what is marked with - above (${counts.delete}).`, yes);
  }
  if (calls.length > 0) {
    note(command, `Sending ${calls.length} calls as one batch ...`);
  }
  const operations = calls.map(({ operation }) => operation);
  const file = newSecrets > 0 ? secretsOut : undefined;
  const secrets =
    calls.length === 0
      ? []
      : await keepSecrets(file, () => withPlaces(plan, () => sendBatch(connection.admin, operations)));
  const shown = file === undefined && secrets.length > 0 ? { secrets } : {};
  print(command, { changes, resent, counts: { ...counts, unchanged }, ...shown }, () =>
    shown.secrets === undefined
      ? ''
      : `\n${formatTable(
          ['client id', 'secret'],
          secrets.map(({ client_id, client_secret }) => [client_id, client_secret]),
        )}`,
  );
  if (calls.length > 0) {
    note(command, 'Done.');
  }
  if (secrets.length > 0) {
    note(command, `The secrets are ${file === undefined ? 'shown only this once' : `in ${file}`}. Store them safely.`);
  }
}
