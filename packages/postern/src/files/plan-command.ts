/** `postern plan`: shows what `postern apply` would do. */
import type { Command } from 'commander';
import { tryBatch } from '../batch/send-batch.ts';
import { exitCodes } from '../command/exit-code.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { note, print } from '../output/output.ts';
import { countActions, formatPlan } from './format-plan.ts';
import type { Plan } from './plan.ts';
import { prepare, withPlaces } from './prepare.ts';
import { savePlan } from './saved-plan.ts';

interface PlanOptions {
  readonly prune?: true;
  readonly check?: true;
  readonly out?: string;
}

export function planCommand(): Command {
  return serverVerb('plan', 'Show what apply would create, change and delete. Changes nothing.', [
    ['plan clients.yaml', 'what differs between a file and the server'],
    ['plan --prune deploy/postern/', 'all files of a directory; what they do not have is to be deleted'],
    ['plan --out reviewed.json clients.yaml', 'keeps the plan, for: postern apply --plan reviewed.json'],
    ['plan --check deploy/postern/', `in CI: exits with ${exitCodes.differs} if the server differs`],
  ])
    .argument('<file...>', 'YAML files, directories of them, or - for standard input')
    .option('--prune', 'also show what apply --prune would delete')
    .option('--out <file>', 'file to keep the plan in, for apply --plan')
    .option('--check', `exit with ${exitCodes.differs} if anything differs`)
    .action(plan);
}

async function plan(paths: string[], _options: unknown, command: Command): Promise<void> {
  const { prune, check, out } = command.opts<PlanOptions>();
  const connection = await connect(command);
  const planned = await prepare(paths, prune, connection, command);
  const { changes, resent, unchanged, warnings, calls } = planned;
  const isTried = !check && calls.length > 0 && (await connection.scopes()).has('batch:apply');
  if (isTried) {
    const operations = calls.map(({ operation }) => operation);
    await withPlaces(planned, () => tryBatch(connection.admin, operations));
  }
  if (out !== undefined) {
    await savePlan(out, connection.server, planned);
  }
  print(command, { changes, resent, warnings, counts: { ...countActions(changes), unchanged }, tried: isTried }, () =>
    formatPlan(planned),
  );
  if (check && changes.length > 0) {
    process.exitCode = exitCodes.differs;
  } else if (isTried) {
    note(command, `The server would accept all changes. Make them: ${nextCommand(paths, planned, command)}`);
  } else if (calls.length > 0) {
    note(command, 'Whether the server would accept them is not known: to ask it requires the scope batch:apply.');
  }
}

/** The command that does what the plan shows, at the same server. */
function nextCommand(paths: readonly string[], { newSecrets }: Plan, command: Command): string {
  const { prune, out, profile, server, clientId, clientSecretFile } = command.opts<
    PlanOptions & { profile?: string; server?: string; clientId?: string; clientSecretFile?: string }
  >();
  const options = { profile, server, 'client-id': clientId, 'client-secret-file': clientSecretFile };
  return [
    'postern apply',
    ...Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${quote(value)}`])),
    ...(newSecrets > 0 ? ['--secrets-out secrets.json'] : []),
    ...(out === undefined ? [...(prune ? ['--prune'] : []), ...paths.map(quote)] : [`--plan ${quote(out)}`]),
  ].join(' ');
}

/** As a shell needs it. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
