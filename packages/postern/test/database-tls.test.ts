/** PostgreSQL over TLS: nothing goes over the wire in clear, and a server that cannot prove who it is gets nothing. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, createServerIdentity } from '@postern/testing/certificates';
import { type OwnPostgres, startOwnPostgres } from '@postern/testing/own-postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { acquireToken, makeTemporaryDirectory, removeDirectory, run, startServe } from './harness.ts';

const root = { clientId: 'root', clientSecret: randomBytes(32).toString('hex') };

let directory: string;
let postgres: OwnPostgres;
/** Variables of a server that trusts the authority in this file of the directory. */
let trusting: (file: string) => Record<string, string>;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  const authority = await createAuthority('database authority');
  writeFileSync(join(directory, 'right.crt'), authority.cert);
  writeFileSync(join(directory, 'wrong.crt'), (await createAuthority('another authority')).cert);
  postgres = await startOwnPostgres({ tls: await createServerIdentity(authority) });
  trusting = (file) => ({
    DATABASE_URL: `${postgres.url}?sslmode=verify-full&sslrootcert=${join(directory, file)}`,
    POSTERN_MASTER_KEY: randomBytes(32).toString('base64'),
    OAUTH_ROOT_CLIENT_ID: root.clientId,
    OAUTH_ROOT_CLIENT_SECRET: root.clientSecret,
    POSTERN_DATA_DIR: join(directory, 'data'),
  });
});
afterAll(async () => {
  await postgres.stop();
  removeDirectory(directory);
});

test('every connection of a server is encrypted, the one that listens too', async () => {
  const server = await startServe(directory, { env: trusting('right.crt') });
  const observer = new pg.Client(postgres.url);
  await observer.connect();
  try {
    await acquireToken(server.url, root);
    await vi.waitFor(
      async () => {
        const { rows } = await observer.query(
          `select query, ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'postern'`,
        );
        expect(rows.map(({ ssl }) => ssl)).toEqual(rows.map(() => true));
        expect(rows.map(({ query }) => query)).toContain('listen postern_events');
        expect(rows.length).toBeGreaterThan(1);
      },
      { timeout: 30_000 },
    );
  } finally {
    await observer.end();
    await server.stop();
  }
});

test('a database that shows a certificate of somebody else stops the start with one line', async () => {
  const { code, stderr } = await run(['serve'], trusting('wrong.crt'));
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^postern: DATABASE_URL: cannot use PostgreSQL at 127\.0\.0\.1:\d+\/postgres: a TLS connection to it cannot be made \(.*certificate.*\)\. Name the certificate authority .* sslrootcert/,
  );
  expect(stderr).not.toContain(new URL(postgres.url).password);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});
