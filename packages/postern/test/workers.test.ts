/** `POSTERN_WORKERS`: several processes on one port and one database. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  postForm,
  removeDirectory,
  rootCredentials,
  run,
  type ServeProcess,
  startServe,
} from './harness.ts';

const patience = { timeout: 30_000, interval: 20 };

let directory: string;
let server: ServeProcess;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory, { env: { POSTERN_WORKERS: '2', POSTERN_DATABASE_TIMEOUT_MS: '300' } });
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

const workersOf = ({ pid }: ServeProcess): string[] =>
  execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n');

/** The processes that wrote log lines so far. */
const writers = () =>
  new Set(
    server.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => String(JSON.parse(line).pid)),
  );

/** A call on a connection of its own, so that any of the workers may get it. */
const asStranger = (path: string, token: string) =>
  call('GET', server.url + path, { authorization: `Bearer ${token}`, connection: 'close' });

test('all of them serve, accept each other’s tokens, and one that exits is replaced', { timeout: 60_000 }, async () => {
  await vi.waitFor(() => expect(workersOf(server)).toHaveLength(2), patience);
  const token = await acquireToken(server.url, rootCredentials(server.dataDir));
  const everybodyServes = () =>
    vi.waitFor(async () => {
      expect((await asStranger('/api/v1/oauth/scope', token)).status).toBe(200);
      expect([...writers()]).toEqual(expect.arrayContaining(workersOf(server)));
    }, patience);
  await everybodyServes();

  const [first] = workersOf(server);
  process.kill(Number(first), 'SIGKILL');
  await vi.waitFor(() => {
    expect(workersOf(server)).not.toContain(first);
    expect(workersOf(server)).toHaveLength(2);
  }, patience);
  await everybodyServes();
  expect(server.stderr.match(/Postern listens on/g)).toHaveLength(1);
});

test('what one worker was told to stop changes nothing on another: revoked tokens and deleted clients', {
  timeout: 120_000,
}, async () => {
  const root = await acquireToken(server.url, rootCredentials(server.dataDir));
  /** On a connection of its own, so that any of the workers may get it. */
  const change = (method: string, path: string, token: string, body?: object) =>
    call(
      method,
      server.url + path,
      { authorization: `Bearer ${token}`, connection: 'close', 'content-type': 'application/json' },
      body === undefined ? undefined : JSON.stringify(body),
    );
  const made: string[] = [];
  for (let round = 0; round < 30; round += 1) {
    const isRevoked = round < 20;
    const created = await change('POST', '/api/v1/oauth/client', root, {
      scopes: ['client:create', 'resource:create_or_update'],
    });
    const { client_id: clientId, client_secret: clientSecret } = created.body;
    const token = await acquireToken(server.url, { clientId, clientSecret });
    const stopped = isRevoked
      ? await postForm(
          `${server.url}/api/v1/oauth/revoke`,
          `client_id=${clientId}`,
          `client_secret=${clientSecret}`,
          `token=${token}`,
        )
      : await change('DELETE', `/api/v1/oauth/client/${clientId}`, root);
    expect(stopped.status).toBeLessThan(300);
    const resource = { key: `r${round}`, identifier: `https://r${round}.example`, scopes: [] };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        isRevoked
          ? change('POST', '/api/v1/oauth/client', token, {})
          : change('PUT', '/api/v1/oauth/resource', token, resource),
      ),
    );
    made.push(...answers.filter(({ status }) => status !== 401).map(({ status }) => `round ${round}: ${status}`));
  }
  expect(made).toEqual([]);
});

test('one that exits while metrics are gathered does not affect the others', { timeout: 60_000 }, async () => {
  const [silent, asked] = workersOf(server).map(Number) as [number, number];
  const ask = async (path: string) => {
    const response = await fetch(server.url + path, { headers: { connection: 'close' } });
    await response.text();
    return response.status;
  };
  process.kill(silent, 'SIGSTOP');
  try {
    const questions = Promise.allSettled(Array.from({ length: 4 }, () => ask('/metrics')));
    // Whoever answers this got most of the questions before.
    await Promise.any(Array.from({ length: 2 }, () => ask('/health')));
    process.kill(asked, 'SIGKILL');
    process.kill(silent, 'SIGCONT');
    await questions;
  } finally {
    process.kill(silent, 'SIGCONT');
  }
  // The supervisor sends the exited worker what it gathered, and learns only then that it has exited.
  await vi.waitFor(async () => {
    expect(workersOf(server)).toHaveLength(2);
    expect(workersOf(server)).toContain(String(silent));
    expect(await ask('/metrics')).toBe(200);
  }, patience);
});

const metric = async (name: string): Promise<number> => {
  const response = await fetch(`${server.url}/metrics`, { headers: { connection: 'close' } });
  const text = await response.text();
  expect(response.status).toBe(200);
  const values = text.split('\n').flatMap((line) => (line.startsWith(name) ? Number(line.split(' ').at(-1)) : []));
  return values.reduce((sum, value) => sum + value, 0);
};

/** Waits until there are two workers again, and each has answered a call. */
const allServe = () =>
  vi.waitFor(async () => {
    expect(workersOf(server)).toHaveLength(2);
    await asStranger('/api/v1/oauth/scope', 'not-a-token');
    expect([...writers()]).toEqual(expect.arrayContaining(workersOf(server)));
  }, patience);

test('what a worker has counted stays in the sums when it has ended', { timeout: 60_000 }, async () => {
  await allServe();
  for (let count = 0; count < 10; count += 1) {
    await acquireToken(server.url, rootCredentials(server.dataDir));
  }
  const names = ['postern_tokens_issued_total', 'postern_request_duration_seconds_count'];
  const before = await Promise.all(names.map(metric));
  expect(before[0]).toBeGreaterThanOrEqual(10);
  for (const pid of workersOf(server)) {
    process.kill(Number(pid), 'SIGKILL');
    await vi.waitFor(() => expect(workersOf(server)).not.toContain(pid), patience);
    await allServe();
    for (const [index, name] of names.entries()) {
      expect(await metric(name)).toBeGreaterThanOrEqual(before[index] as number);
    }
  }
});

test('while replacements cannot start, or are killed, the others serve, and it is tried again until one can', {
  timeout: 120_000,
}, async () => {
  await allServe();
  const [first, second] = workersOf(server);
  const database = new DatabaseSync(join(server.dataDir, 'postern.db'));
  const failures = () =>
    server.stderr.match(/a worker ended \(exit code 1\); another one starts in \d+ s/g)?.length ?? 0;
  database.exec('begin immediate');
  try {
    process.kill(Number(first), 'SIGKILL');
    await vi.waitFor(() => expect(failures()).toBeGreaterThan(1), { ...patience, timeout: 60_000 });
    expect(workersOf(server)).toContain(second);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  } finally {
    database.exec('rollback');
    database.close();
  }
  // One that is killed before it listens.
  await vi.waitFor(() => {
    const replacement = workersOf(server).find((pid) => pid !== second);
    expect(replacement).toBeDefined();
    process.kill(Number(replacement), 'SIGKILL');
  }, patience);
  await allServe();
});

test('a stop while a replacement is due ends at once', { timeout: 60_000 }, async () => {
  const own = await startServe(directory, { dataDir: join(directory, 'stopped'), env: { POSTERN_WORKERS: '2' } });
  for (const pid of workersOf(own)) {
    process.kill(Number(pid), 'SIGKILL');
  }
  await vi.waitFor(() => expect(own.stderr).toContain('another one starts in'), patience);
  expect((await own.stop()).code).toBe(0);
});

test('if the process that supervises is killed, no worker stays behind', { timeout: 60_000 }, async () => {
  const own = await startServe(directory, { dataDir: join(directory, 'orphans'), env: { POSTERN_WORKERS: '2' } });
  await vi.waitFor(() => expect(workersOf(own)).toHaveLength(2), patience);
  const pids = workersOf(own).map(Number);
  own.signal('SIGKILL');
  await own.exit;
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), patience);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('if none can start, the command ends and says why', async () => {
  const { code, stderr } = await run(['serve'], {
    POSTERN_WORKERS: '2',
    POSTERN_DATA_DIR: directory,
    PORT: String(server.port),
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^postern: PORT: ${server.port} is in use by another program`));
});

test('a worker that replaces another one makes no second database if the file is gone, and no other says it is ready', async () => {
  const secret = randomBytes(32).toString('hex');
  const own = await startServe(directory, {
    dataDir: join(directory, 'lost'),
    // No file says that there was a database.
    env: {
      POSTERN_WORKERS: '2',
      POSTERN_MASTER_KEY: randomBytes(32).toString('base64'),
      OAUTH_ROOT_CLIENT_ID: 'root',
      OAUTH_ROOT_CLIENT_SECRET: secret,
    },
  });
  // A worker that is still at its first start may create the database.
  await vi.waitFor(() => expect(own.stdout.match(/"Server listening at [^"]*"/g)).toHaveLength(2), patience);
  const file = join(own.dataDir, 'postern.db');
  rmSync(file);
  const [first] = workersOf(own);
  process.kill(Number(first), 'SIGKILL');
  await vi.waitFor(() => expect(own.stderr).toContain('although the other workers have one'), patience);
  expect(existsSync(file)).toBe(false);
  const ready = await fetch(`${own.url}/health/ready`).then(
    ({ status }) => status,
    () => 'ended',
  );
  expect(ready).not.toBe(200);
  await own.stop();
});
