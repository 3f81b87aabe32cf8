/** `postern master-key`: the master key is replaced while the server runs, on both databases, and nothing is lost. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OwnPostgres, startOwnPostgres } from '@postern/testing/own-postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { runInProcess } from './in-process.ts';

let directory: string;
let server: ServeProcess | undefined;

beforeEach(() => {
  directory = makeTemporaryDirectory();
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  removeDirectory(directory);
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

async function createClient(url: string, token: string): Promise<RootCredentials> {
  const body = JSON.stringify({ scopes: ['scope:read'] });
  const answer = await call('POST', `${url}/api/v1/oauth/client`, bearer(token), body);
  return { clientId: answer.body.client_id, clientSecret: answer.body.client_secret };
}

const statusOf = async (url: string, token: string) =>
  (await call('GET', `${url}/api/v1/oauth/scope`, bearer(token))).status;

describe('on SQLite', () => {
  const dataDir = () => join(directory, 'data');
  const file = () => join(dataDir(), 'master.key');
  const command = (...args: string[]) =>
    runInProcess(['master-key', ...args, '--json'], { POSTERN_DATA_DIR: dataDir() });
  const start = async () => {
    server = await startServe(directory, { dataDir: dataDir(), ...(server && { port: server.port }) });
    return server;
  };
  const restart = async () => {
    await server?.stop();
    return start();
  };

  test('secrets, tokens and the audit trail stay valid, the old key opens the database until it is retired', async () => {
    const { url } = await start();
    const root = rootCredentials(dataDir());
    const token = await acquireToken(url, root);
    const client = await createClient(url, token);
    const before = readFileSync(file(), 'utf8');

    const rotated = await command('rotate');
    expect([rotated.code, rotated.stderr]).toEqual([0, '']);
    const { id, previous_id, previous_file } = JSON.parse(rotated.stdout);
    expect(readFileSync(file(), 'utf8')).not.toBe(before);
    expect(readFileSync(previous_file, 'utf8')).toBe(before);
    expect([statSync(file()).mode & 0o777, existsSync(`${file()}.next`)]).toEqual([0o600, false]);

    // The running node continues, and so does one that starts with either key.
    expect(await statusOf(url, await acquireToken(url, client))).toBe(200);
    await restart();
    expect([await statusOf(url, token), await statusOf(url, await acquireToken(url, client))]).toEqual([200, 200]);
    const after = readFileSync(file());
    writeFileSync(file(), before);
    await restart();
    expect(await statusOf(url, token)).toBe(200);
    writeFileSync(file(), after);

    const listed = JSON.parse((await command('list')).stdout);
    expect(listed).toMatchObject([
      { id: previous_id, configured: false },
      { id, configured: true },
    ]);
    expect(JSON.parse((await command('retire', '--yes')).stdout)).toEqual({ id, removed: [previous_id] });
    await restart();
    expect(await statusOf(url, await acquireToken(url, client))).toBe(200);
    const { body } = await call('GET', `${url}/api/v1/oauth/events?kind=master_key.`, bearer(token));
    expect(body.items.map(({ kind, subject }: Record<string, string>) => [kind, subject])).toEqual([
      ['master_key.added', id],
      ['master_key.removed', previous_id],
    ]);

    await server?.stop();
    writeFileSync(file(), before);
    await expect(start()).rejects.toThrow(/POSTERN_MASTER_KEY: does not open/);
    server = undefined;
  });

  test('kill -9 at any moment loses nothing, and the next call continues', async () => {
    const { url } = await start();
    const client = await createClient(url, await acquireToken(url, rootCredentials(dataDir())));
    await server?.stop();
    const main = fileURLToPath(new URL('../bin/postern.js', import.meta.url));
    for (const ms of [250, 350, 450, 550]) {
      const child = spawn(process.execPath, [main, 'master-key', 'rotate'], {
        env: { POSTERN_DATA_DIR: dataDir() },
        stdio: 'ignore',
        timeout: ms,
        killSignal: 'SIGKILL',
      });
      await new Promise((resolve) => child.once('exit', resolve));
      expect((await command('list')).code).toBe(0);
    }
    // As if it had ended between each two steps: after the file, the database, and the link.
    writeFileSync(`${file()}.next`, randomBytes(32).toString('base64'), { mode: 0o600 });
    const one = JSON.parse((await command('rotate')).stdout);
    rmSync(one.previous_file);
    expect((await command('rotate', '--to', `${file()}.next`)).code).toBe(0);
    const next = readFileSync(`${file()}.next`, 'utf8');
    expect((await command('rotate')).code).toBe(0);
    expect(readFileSync(file(), 'utf8')).toBe(next);
    await start();
    expect(await statusOf(url, await acquireToken(url, client))).toBe(200);
  });

  test.each<[string, RegExp, () => Record<string, string>]>([
    ['of a database that is not there', /there is no database .+start postern serve first/, () => ({})],
    [
      'in a variable, without a file for the new one',
      /cannot change a variable: name a file for the new one by --to/,
      () => ({ POSTERN_MASTER_KEY: randomBytes(32).toString('base64') }),
    ],
    [
      'that is not there',
      /there is no master key here: set POSTERN_MASTER_KEY_FILE/,
      () => ({ POSTERN_DATA_DIR: directory }),
    ],
  ])('a master key %s is refused', async (_what, text, env) => {
    const variables = { POSTERN_DATA_DIR: dataDir(), ...env() };
    if (variables.POSTERN_DATA_DIR === dataDir()) {
      await start();
      await server?.stop();
      rmSync(join(dataDir(), 'postern.db'));
    }
    const { code, stderr } = await runInProcess(['master-key', 'rotate'], variables);
    expect([code, stderr]).toEqual([1, expect.stringMatching(text)]);
  });
});

describe('on PostgreSQL', () => {
  let postgres: OwnPostgres;
  beforeAll(async () => {
    postgres = await startOwnPostgres();
  });
  afterAll(() => postgres.stop());

  test('two nodes are restarted one after the other, and neither notices', async () => {
    const [oldKey, newKey] = [join(directory, 'old.key'), join(directory, 'new.key')];
    writeFileSync(oldKey, randomBytes(32).toString('base64'));
    const root = { clientId: 'root', clientSecret: randomBytes(24).toString('hex') };
    const variables = (file: string) => ({
      DATABASE_URL: postgres.url,
      OAUTH_ROOT_CLIENT_ID: root.clientId,
      OAUTH_ROOT_CLIENT_SECRET: root.clientSecret,
      POSTERN_MASTER_KEY_FILE: file,
      POSTERN_ISSUER: 'https://auth.example.com',
    });
    const node = (file: string) => startServe(directory, { env: variables(file) });
    let nodes = [await node(oldKey), await node(oldKey)] as const;
    try {
      const token = await acquireToken(nodes[0].url, root);
      const client = await createClient(nodes[0].url, token);
      const rotated = await runInProcess(['master-key', 'rotate', '--to', newKey], variables(oldKey));
      expect([rotated.code, rotated.stderr]).toEqual([0, '']);
      await nodes[0].stop();
      nodes = [await node(newKey), nodes[1]];
      for (const { url } of nodes) {
        expect([await statusOf(url, token), await statusOf(url, await acquireToken(url, client))]).toEqual([200, 200]);
      }
      await nodes[1].stop();
      nodes = [nodes[0], await node(newKey)];
      const retired = await runInProcess(['master-key', 'retire', '--yes'], variables(newKey));
      expect(retired.stdout).toMatch(/Only the master key \S+ opens the database now, and no longer \S+\./);
      for (const { url } of nodes) {
        expect(await statusOf(url, await acquireToken(url, client))).toBe(200);
      }
      expect((await runInProcess(['master-key', 'list'], variables(oldKey))).stderr).toContain(
        'does not open the database',
      );
    } finally {
      await Promise.all(nodes.map((one) => one.stop()));
    }
  });
});
