/** Sends many calls as one change: all are made, or none. docs/batches.md. */
import { type AdminClient, AdminError, type BatchBody, type Change } from '@postern/admin';
import { maxBatchBytes, maxBatchOperations } from '@postern/protocol/api-limits';
import { CommandError, usageError } from '../command/command-error.ts';
import { explainRefusal } from '../connection/refusal.ts';
import { startProgress } from '../output/progress.ts';

/** Thrown if the server refuses one of the operations, with its number from 0. */
export class RefusedOperation extends CommandError {
  readonly operation: number;

  constructor(operation: number, refusal: CommandError) {
    super(refusal.message, { exit: refusal.exit, code: refusal.code, cause: refusal });
    this.operation = operation;
  }
}

/** Returns the answers to the operations, in order. Throws `CommandError` if nothing was changed. */
export async function sendBatch(
  admin: AdminClient,
  operations: readonly Change<unknown>[],
): Promise<readonly unknown[]> {
  const progress = startProgress('seconds: waiting for the server to apply the batch');
  const start = performance.now();
  const ticking = setInterval(() => progress.report(Math.round((performance.now() - start) / 1000)), 1_000);
  try {
    const { results } = await send(admin, { operations: [...operations] });
    return results.map(({ body }) => body);
  } finally {
    clearInterval(ticking);
    progress.end();
  }
}

/** Throws, as `sendBatch` does, if the server would refuse the batch. Changes nothing. */
export async function tryBatch(admin: AdminClient, operations: readonly Change<unknown>[]): Promise<void> {
  await send(admin, { operations: [...operations], dry_run: true });
}

async function send(admin: AdminClient, body: BatchBody) {
  const count = body.operations.length;
  if (count > maxBatchOperations) {
    throw usageError(`this needs ${count} calls, and a batch has at most ${maxBatchOperations}. Apply it in parts.`);
  }
  if (Buffer.byteLength(JSON.stringify(body)) > maxBatchBytes) {
    throw usageError('this is more than the 16 MiB that a batch may have. Apply it in parts.');
  }
  try {
    return await admin.batch.apply(body);
  } catch (error) {
    const operation = error instanceof AdminError ? error.answer?.['operation'] : undefined;
    throw typeof operation === 'number'
      ? new RefusedOperation(operation, explainRefusal(error) as CommandError)
      : error;
  }
}
