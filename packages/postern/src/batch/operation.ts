/** One of the calls that a batch makes as one change. docs/batches.md. */
import type { Method } from '../connection/server-api.ts';

export interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly body?: unknown;
}
