/** Sends many calls as one change: all are made, or none. docs/batches.md. */
import { maxBatchBytes, maxBatchOperations } from '@postern/protocol';
import { CommandError, usageError } from '../command/command-error.ts';
import type { ServerApi } from '../connection/server-api.ts';
import { startProgress } from '../output/progress.ts';
import type { Operation } from './operation.ts';

const batch = '/api/v1/batch';

/** Thrown where the server refuses one of the operations, with its number from 0. */
export class RefusedOperation extends CommandError {
  readonly operation: number;

  constructor(operation: number, refusal: CommandError) {
    super(refusal.message, { exitCode: refusal.exitCode, code: refusal.code, cause: refusal });
    this.operation = operation;
  }
}

/** The answers to the operations, in their order. Throws `CommandError`; then nothing is done. */
export async function sendBatch(api: ServerApi, operations: readonly Operation[]): Promise<readonly unknown[]> {
  const progress = startProgress('seconds: all changes are made as one');
  const start = Date.now();
  const ticking = setInterval(() => progress.report(Math.round((Date.now() - start) / 1000)), 1_000);
  try {
    const { results } = await send<{ results: readonly { readonly body?: unknown }[] }>(api, { operations });
    return results.map(({ body }) => body);
  } finally {
    clearInterval(ticking);
    progress.end();
  }
}

/** Whether the server would take them; throws as `sendBatch` does where it would not. */
export async function tryBatch(api: ServerApi, operations: readonly Operation[]): Promise<void> {
  await send(api, { operations, dry_run: true });
}

interface BatchBody {
  readonly operations: readonly Operation[];
  readonly dry_run?: true;
}

async function send<T>(api: ServerApi, body: BatchBody): Promise<T> {
  const count = body.operations.length;
  if (count > maxBatchOperations) {
    throw usageError(
      `this takes ${count} calls, and a server makes ${maxBatchOperations} as one change at the most. Do it in parts.`,
    );
  }
  if (Buffer.byteLength(JSON.stringify(body)) > maxBatchBytes) {
    throw usageError('this is more than 16 MiB, and a server takes no more as one change. Do it in parts.');
  }
  try {
    return await api.send<T>('POST', batch, body);
  } catch (error) {
    const number = error instanceof CommandError ? (error.answer as { operation?: unknown } | undefined)?.operation : 0;
    throw error instanceof CommandError && typeof number === 'number' ? new RefusedOperation(number, error) : error;
  }
}
