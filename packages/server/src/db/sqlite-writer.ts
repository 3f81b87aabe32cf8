/** Writes to an SQLite file in a thread of its own: a commit waits until it is on the disk, and the process must not. */
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { CompiledQuery, QueryResult } from 'kysely';

/** What the thread performs. */
type Order =
  | { readonly kind: 'execute'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'apply'; readonly changes: Uint8Array }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'close' };

/** What it answers. */
interface Answer {
  readonly result?: unknown;
  /** What is left of an error on its way between threads. */
  readonly fault?: { readonly message: string; readonly code?: string; readonly errcode?: number };
}

/** The connection that writes. What it is asked for is done in that order, one after the other. */
export class SqliteWriter {
  readonly #thread: Worker;
  /** Who waits for an answer, in order. */
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];
  /** What was asked for since the last message: a message costs as much as what it orders. */
  #orders: Order[] = [];

  /** The file must exist. Each order waits at most `timeoutMs` for a lock that another process holds. */
  constructor(path: string, timeoutMs: number) {
    // It must not create a file in place of one that was deleted.
    const url = pathToFileURL(path);
    url.searchParams.set('mode', 'rw');
    this.#thread = new Worker(new URL('./sqlite-writer-thread.js', import.meta.url), {
      name: 'sqlite-writer',
      workerData: { url: url.href, timeoutMs },
      // What the process preloads is not for this thread.
      execArgv: [],
    });
    this.#thread.on('message', (answers: readonly Answer[]) => this.#settle(answers));
    this.#thread.unref();
  }

  /** Throws what SQLite throws. */
  execute<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return this.#send({ kind: 'execute', sql, parameters }) as Promise<QueryResult<R>>;
  }

  /** Applies what was changed on a copy to the transaction that is under way. */
  async applyChanges(changes: Uint8Array): Promise<void> {
    await this.#send({ kind: 'apply', changes });
  }

  /** Does nothing if no transaction is under way. */
  async rollback(): Promise<void> {
    await this.#send({ kind: 'rollback' });
  }

  /** Resolves when everything is done that was asked for before, and the file is closed. */
  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.#thread.once('exit', resolve));
    await this.#send({ kind: 'close' });
    // With its last answer it holds up the end of the process no more.
    this.#thread.ref();
    await exited;
  }

  #send(order: Order): Promise<unknown> {
    const waiting = Promise.withResolvers<unknown>();
    if (this.#orders.push(order) === 1) {
      // When nothing else asks for anything in this turn.
      process.nextTick(() => {
        const orders = this.#orders;
        this.#orders = [];
        this.#thread.postMessage(orders);
      });
      // The process does not end before it has the answer.
      this.#thread.ref();
    }
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  #settle(answers: readonly Answer[]): void {
    const settled = this.#waiting.splice(0, answers.length);
    if (this.#waiting.length === 0) {
      this.#thread.unref();
    }
    for (const [index, { result, fault }] of answers.entries()) {
      if (fault === undefined) {
        settled[index]?.resolve(result);
      } else {
        settled[index]?.reject(Object.assign(new Error(fault.message), fault));
      }
    }
  }
}
