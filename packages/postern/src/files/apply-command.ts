/** `postern apply`: makes the server have what files say, in one go or not at all. */
import type { CreatedClient } from '@postern/server/admin-contract';
import type { Command } from 'commander';
import { type NewSecret, openSecretsFile } from '../batch/secrets-file.ts';
import { sendBatch } from '../batch/send-batch.ts';
import { usageError } from '../command/command-error.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { note, print, wantsJson } from '../output/output.ts';
import { formatTable } from '../output/table.ts';
import { countActions, formatPlan } from './format-plan.ts';
import { newSecretHolders } from './plan.ts';
import { prepare, withPlaces } from './prepare.ts';

interface ApplyOptions {
  readonly prune?: true;
  readonly yes?: true;
  readonly secretsOut?: string;
}

export function applyCommand(): Command {
  return serverVerb('apply', 'Make the server have what files say, in one go or not at all.', [
    ['apply clients.yaml --secrets-out secrets.json', 'secrets of new clients go to a file for your user alone'],
    ['apply deploy/postern/', 'all files of a directory, as if they were one'],
    ['apply --prune --yes deploy/postern/', 'what their sections do not have is deleted, without asking'],
  ])
    .argument('<file...>', 'YAML files, directories of them, or - for standard input')
    .option('--prune', 'delete all in the sections of the files that the files do not have')
    .option('--yes', 'do not ask before things are deleted')
    .option('--secrets-out <file>', 'new file for the secrets of new clients, as JSON')
    .action(apply);
}

async function apply(paths: string[], _options: unknown, command: Command): Promise<void> {
  const { prune, yes, secretsOut } = command.opts<ApplyOptions>();
  const { api, plan } = await prepare(paths, prune, command);
  const { changes, unchanged, calls } = plan;
  const counts = countActions(changes);
  const holders = newSecretHolders(plan);
  if (holders.length > 0 && secretsOut === undefined && !wantsJson(command) && !process.stdout.isTTY) {
    throw usageError(
      `${holders.length} new clients get secrets, which do not belong into a log. Name a file: --secrets-out FILE`,
    );
  }
  if (!wantsJson(command)) {
    process.stdout.write(formatPlan(plan));
  }
  if (counts.delete > 0) {
    await confirm(`This deletes ${counts.delete}, as listed.`, yes);
  }

  const file = holders.length > 0 && secretsOut !== undefined ? await openSecretsFile(secretsOut) : undefined;
  let answers: readonly unknown[] = [];
  if (calls.length > 0) {
    note(command, `Making all changes as one, by ${calls.length} calls ...`);
    try {
      answers = await withPlaces(plan, () =>
        sendBatch(
          api,
          calls.map(({ operation }) => operation),
        ),
      );
    } catch (error) {
      await file?.discard();
      throw error;
    }
  }
  const secrets = answers.flatMap((answer): NewSecret[] => {
    const { client_id, client_secret } = (answer ?? {}) as Partial<CreatedClient>;
    return client_id === undefined || client_secret === undefined ? [] : [{ client_id, client_secret }];
  });
  await file?.write(secrets);

  const shown = file === undefined && secrets.length > 0 ? { secrets } : {};
  print(command, { changes, counts: { ...counts, unchanged }, ...shown }, () =>
    file === undefined && secrets.length > 0
      ? `\n${formatTable(
          ['client id', 'secret'],
          secrets.map(({ client_id, client_secret }) => [client_id, client_secret]),
        )}`
      : '',
  );
  if (calls.length > 0) {
    note(command, 'Done.');
  }
  if (secrets.length > 0) {
    const where = file === undefined ? 'The secrets are shown this once.' : `The secrets are in ${secretsOut}.`;
    note(command, `${where} Keep them where secrets are kept.`);
  }
}
