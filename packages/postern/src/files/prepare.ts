/** How plan and apply begin: they read the files and the server, and compare them. */
import type { Command } from 'commander';
import { RefusedOperation } from '../batch/send-batch.ts';
import { CommandError } from '../command/command-error.ts';
import type { ServerConnection } from '../connection/server-connection.ts';
import { note } from '../output/output.ts';
import { readActual } from './actual.ts';
import { makePlan, type Plan } from './plan.ts';
import { readFiles } from './read-files.ts';

/** Throws `CommandError`; if the files have a fault, before anything is sent. */
export async function prepare(
  paths: readonly string[],
  prune: boolean | undefined,
  connection: ServerConnection,
  command: Command,
): Promise<Plan> {
  const declared = await readFiles(paths);
  const entries = declared.values().reduce((count, { length }) => count + length, 0);
  note(command, `Comparing ${entries} ${entries === 1 ? 'entry' : 'entries'} with ${connection.server} ...`);
  const actual = await readActual(connection, declared, prune === true);
  return makePlan(declared, actual, { prune: prune === true, ownClientId: connection.clientId });
}

/** Runs `work`. If the server refuses one of the calls, throws `CommandError` with the place in the files that asks for it. */
export async function withPlaces<T>({ calls }: Plan, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const call = error instanceof RefusedOperation ? calls[error.operation] : undefined;
    if (!(error instanceof RefusedOperation) || call === undefined) {
      throw error;
    }
    const { exit, code } = error;
    const message =
      code === 'precondition_failed'
        ? 'somebody else has changed it since this plan was made. Run the command again for a plan of what is left to do.'
        : error.message;
    throw new CommandError(`${call.describe(message)}: ${message} Nothing was changed.`, { exit, code, cause: error });
  }
}
