/** `postern apply`: makes the server match files, by one change or not at all. */
import type { Command } from 'commander';
import { keepSecrets } from '../batch/secrets-file.ts';
import { sendBatch } from '../batch/send-batch.ts';
import { usageError } from '../command/command-error.ts';
import type { ServerConnection } from '../connection/server-connection.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { note, print, wantsJson } from '../output/output.ts';
import { formatTable } from '../output/table.ts';
import { countActions, formatPlan } from './format-plan.ts';
import type { Plan } from './plan.ts';
import { prepare, withPlaces } from './prepare.ts';
import { readPlan } from './saved-plan.ts';

interface ApplyOptions {
  readonly plan?: string;
  readonly prune?: true;
  readonly yes?: true;
  readonly secretsOut?: string;
}

export function applyCommand(): Command {
  return serverVerb('apply', 'Make the server match files: all changes at once, or none.', [
    ['apply clients.yaml --secrets-out secrets.json', 'secrets of new clients go to a file that only you can read'],
    ['apply --yes deploy/postern/', 'all files of a directory, as if they were one, without asking'],
    ['apply --prune deploy/postern/', 'also delete what their sections do not have'],
    ['apply --plan reviewed.json', 'what was reviewed, if nobody has changed anything of it since'],
  ])
    .argument('[file...]', 'YAML files, directories of them, or - for standard input')
    .option('--plan <file>', 'plan that was kept by: postern plan --out')
    .option('--prune', 'delete what the sections of the files do not have')
    .option('--yes', 'make the changes without asking')
    .option('--secrets-out <file>', 'new file for the secrets of new clients, as JSON')
    .action(apply);
}

async function apply(paths: string[], _options: unknown, command: Command): Promise<void> {
  const { yes, secretsOut } = command.opts<ApplyOptions>();
  const { connection, plan } = await readOrMakePlan(paths, command);
  const { changes, resent, unchanged, warnings, calls, newSecrets } = plan;
  const counts = countActions(changes);
  if (newSecrets > 0 && secretsOut === undefined && !wantsJson(command) && !process.stdout.isTTY) {
    throw usageError(`secrets of new clients (${newSecrets}) must not get into a log. Name a file: --secrets-out FILE`);
  }
  if (!wantsJson(command)) {
    process.stdout.write(formatPlan(plan));
  }
  if (calls.length > 0) {
    await confirm(question(plan, connection.server), yes);
    note(command, `Sending ${calls.length} calls as one batch ...`);
  }
  const operations = calls.map(({ operation }) => operation);
  const file = newSecrets > 0 ? secretsOut : undefined;
  const secrets =
    calls.length === 0
      ? []
      : await keepSecrets(file, () => withPlaces(plan, () => sendBatch(connection.admin, operations)));
  const shown = file === undefined && secrets.length > 0 ? { secrets } : {};
  print(command, { changes, resent, warnings, counts: { ...counts, unchanged }, ...shown }, () =>
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

async function readOrMakePlan(
  paths: readonly string[],
  command: Command,
): Promise<{ readonly connection: ServerConnection; readonly plan: Plan }> {
  const { plan: file, prune } = command.opts<ApplyOptions>();
  if ((file === undefined) === (paths.length === 0)) {
    throw usageError('name either files, or a plan: postern apply FILE, or postern apply --plan FILE.');
  }
  if (file !== undefined && prune) {
    throw usageError('--prune belongs to the plan: postern plan --prune --out FILE.');
  }
  const connection = await connect(command);
  const plan =
    file === undefined ? await prepare(paths, prune, connection, command) : await readPlan(file, connection.server);
  return { connection, plan };
}

function question({ changes, warnings }: Plan, server: string): string {
  const { create, change, delete: deleted } = countActions(changes);
  const counts = [
    ...(create > 0 ? [`creates ${create}`] : []),
    ...(change > 0 ? [`changes ${change}`] : []),
    ...(deleted > 0 ? [`deletes ${deleted}`] : []),
    ...(changes.length === 0 ? ['sends what may differ'] : []),
  ];
  const tokens = warnings.length === 0 ? '' : ` It ends tokens that are active now, as the lines with ! say.`;
  return `This ${counts.join(', ')} at ${server}.${tokens}`;
}
