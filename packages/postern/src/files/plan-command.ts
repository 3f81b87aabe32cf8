/** `postern plan`: shows what `postern apply` would do. */
import type { Command } from 'commander';
import { tryBatch } from '../batch/send-batch.ts';
import { exitCodes } from '../command/exit-code.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { note, print } from '../output/output.ts';
import { countActions, formatPlan } from './format-plan.ts';
import { prepare, withPlaces } from './prepare.ts';

export function planCommand(): Command {
  return serverVerb('plan', 'Show what apply would create, change and delete. Changes nothing.', [
    ['plan clients.yaml', 'what differs between a file and the server'],
    ['plan --prune deploy/postern/', 'all files of a directory; what they do not have is to be deleted'],
    ['plan --check deploy/postern/', `in CI: exits with ${exitCodes.differs} if the server differs`],
  ])
    .argument('<file...>', 'YAML files, directories of them, or - for standard input')
    .option('--prune', 'also show what apply --prune would delete')
    .option('--check', `exit with ${exitCodes.differs} if anything differs`)
    .action(plan);
}

async function plan(paths: string[], _options: unknown, command: Command): Promise<void> {
  const { prune, check } = command.opts<{ prune?: true; check?: true }>();
  const { connection, plan: planned } = await prepare(paths, prune, command);
  const { changes, resent, unchanged, calls } = planned;
  const isTried = !check && calls.length > 0 && (await connection.scopes()).has('batch:apply');
  if (isTried) {
    const operations = calls.map(({ operation }) => operation);
    await withPlaces(planned, () => tryBatch(connection.admin, operations));
  }
  print(command, { changes, resent, counts: { ...countActions(changes), unchanged }, tried: isTried }, () =>
    formatPlan(planned),
  );
  if (check && changes.length > 0) {
    process.exitCode = exitCodes.differs;
  } else if (isTried) {
    note(command, 'The server would accept all changes. Make them: postern apply');
  } else if (calls.length > 0) {
    note(command, 'Whether the server would accept them is not known: to ask it requires the scope batch:apply.');
  }
}
