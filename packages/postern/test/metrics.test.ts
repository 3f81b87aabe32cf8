/** Metrics of the real command: on their own port, of several processes together, and as the files in deploy/ use them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  run,
  type ServeProcess,
  startServe,
} from './harness.ts';

let directory: string;
let port: number;
let server: ServeProcess;
beforeAll(async () => {
  directory = makeTemporaryDirectory();
  port = await freePort();
  server = await startServe(directory, {
    env: { POSTERN_METRICS_PORT: `${port}`, POSTERN_WORKERS: '2', POSTERN_DATABASE_TIMEOUT_MS: '100' },
  });
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

const readMetrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

async function readSample(sample: string): Promise<number> {
  const line = (await readMetrics()).split('\n').find((text) => text.startsWith(`${sample} `));
  return Number(line?.split(' ').at(-1));
}

test('are on their port alone, where nothing else is', async () => {
  expect((await call('GET', `${server.url}/metrics`)).status).toBe(404);
  const { status, body } = await call('GET', `http://127.0.0.1:${port}/api/v1/oauth/scope`);
  expect([status, body.error]).toEqual([404, 'not_found']);
});

test('add up what all processes count, whichever is asked', async () => {
  const issued = 'postern_tokens_issued_total{grant_type="client_credentials"}';
  const before = await readSample(issued);
  const root = rootCredentials(server.dataDir);
  // A connection each, which go to one process and to the other.
  for (let count = 0; count < 6; count += 1) {
    await acquireToken(server.url, root);
  }
  expect([await readSample(issued), await readSample(issued)]).toEqual([before + 6, before + 6]);
});

test('count the statements for which the database was locked', async () => {
  const token = await acquireToken(server.url, rootCredentials(server.dataDir));
  const database = new DatabaseSync(join(server.dataDir, 'postern.db'));
  database.exec('begin immediate');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const { status } = await call('POST', `${server.url}/api/v1/oauth/client`, headers, '{}');
  database.exec('rollback');
  database.close();
  expect(status).toBe(503);
  expect(await readSample('postern_database_outages_total')).toBeGreaterThanOrEqual(1);
});

test('a port that is in use stops the start, and the message names its variable', async () => {
  const { code, stderr } = await run(['serve'], {
    PORT: `${await freePort()}`,
    POSTERN_METRICS_PORT: `${port}`,
    POSTERN_DATA_DIR: join(directory, 'other'),
  });
  expect([code, stderr]).toEqual([
    1,
    `postern: POSTERN_METRICS_PORT: ${port} is in use by another program. Example: POSTERN_METRICS_PORT=${port + 1}\n`,
  ]);
});

test.each(['prometheus-alerts.yml', 'grafana-dashboard.json'])(
  'deploy/%s names only metrics that there are',
  async (file) => {
    const text = await readMetrics();
    const known = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
    const used = readDeployed(file).matchAll(/\b(?:postern|process|nodejs)_[a-z_]+/g);
    const names = [...new Set([...used].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, '')))];
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  },
);

test('docs/metrics.md explains each metric of Postern, and no other', async () => {
  const text = await readMetrics();
  const known = [...text.matchAll(/^# TYPE (postern_\S+) /gm)].map(([, name]) => name);
  const page = readFileSync(fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url)), 'utf8');
  const explained = [...page.matchAll(/^\| `(postern_[a-z_]+)/gm)].map(([, name]) => name);
  expect(explained.toSorted()).toEqual(known.toSorted());
});

function readDeployed(file: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../deploy/${file}`, import.meta.url)), 'utf8');
}
