/** The PostgreSQL of a run of the tests: the one of TEST_DATABASE_URL, or one that is started here and removed at the end. */
import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { startOwnPostgres } from './own-postgres.ts';
import { createTemplate, dropDatabases } from './test-database.ts';

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
  let url: string;
  if (given !== undefined) {
    url = given;
    stop = () => dropDatabases({ url, prefix });
  } else {
    ({ url, stop } = await startOwnPostgres());
  }
  await createTemplate({ url, prefix });
  project.provide('postgres', { url, prefix });
}

/** Vitest calls it after the tests. */
export const teardown = () => stop();
