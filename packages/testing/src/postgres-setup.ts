/** The PostgreSQL of a run of the tests: the one of TEST_DATABASE_URL, or one that is started here and removed at the end. */
import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { startOwnPostgres } from './own-postgres.ts';
import { dropDatabases } from './test-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined: the tests run on SQLite. */
    postgres: { readonly url: string; readonly prefix: string } | undefined;
  }
}

let stop: () => Promise<void>;

/** Vitest calls it before the tests. */
export async function setup(project: TestProject): Promise<void> {
  const prefix = `postern-test-${randomBytes(4).toString('hex')}-`;
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined) {
    project.provide('postgres', { url: given, prefix });
    stop = () => dropDatabases({ url: given, prefix });
  } else {
    const own = await startOwnPostgres();
    project.provide('postgres', { url: own.url, prefix });
    stop = own.stop;
  }
}

/** Vitest calls it after the tests. */
export const teardown = () => stop();
