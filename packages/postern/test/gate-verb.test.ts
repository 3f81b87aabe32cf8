/** `postern gate` as an operator runs it: its file, its faults with their lines, and how it reads the file again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeTemporaryDirectory, removeDirectory, run } from './harness.ts';
import { runInProcess } from './in-process.ts';

const audience = 'https://api.example.com';

let directory: string;
let server: TestServer;
let gate: ChildProcess;
let output = '';
let address: string;
let token: string;

const write = (name: string, text: string) => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

const fileOf = (rules: string) => `issuer: ${server.url}
listen: ${address}
revocations: {client_id: ${followerId}, client_secret_file: secret}
apis:
  - audience: ${audience}
    rules:
${rules}`;
let followerId: string;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startTestServer();
  const root = await server.rootToken();
  await server.call('PUT', '/api/v1/oauth/resource', {
    token: root,
    body: { key: 'api', identifier: audience, scopes: ['policy:read'] },
  });
  const caller = await server.createClient({ scopes: ['policy:read'], resources: [audience] });
  const follower = await server.createClient({ scopes: ['revocation:read'] });
  followerId = follower.clientId;
  write('secret', `${follower.clientSecret}\n`);
  const form = { grant_type: 'client_credentials', client_id: caller.clientId, client_secret: caller.clientSecret };
  token = (await server.postForm('/api/v1/oauth/token', { ...form, resource: audience })).body.access_token;
  address = `127.0.0.1:${await freePort()}`;
});
afterAll(async () => {
  gate?.kill('SIGKILL');
  await server.close();
  removeDirectory(directory);
});

const ask = async (path: string) => {
  const headers = { 'x-forwarded-method': 'GET', 'x-forwarded-host': 'api.example.com', 'x-forwarded-uri': path };
  return (await fetch(`http://${address}/forward-auth`, { headers: { ...headers, authorization: `Bearer ${token}` } }))
    .status;
};

test('it starts, decides, reads its file again at SIGHUP, and keeps its rules if the file is faulty', async () => {
  const path = write('gate.yaml', fileOf('      - {path: /policies, scopes: [policy:read]}\n'));
  const main = fileURLToPath(new URL('../bin/postern.js', import.meta.url));
  gate = spawn(process.execPath, [main, 'gate', path], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [gate.stdout, gate.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  const says = (text: string) => vi.waitFor(() => expect(output).toContain(text), { timeout: 20_000, interval: 20 });
  await says('Postern gate listens on');
  expect([await ask('/policies'), await ask('/rules')]).toEqual([200, 403]);

  write('gate.yaml', fileOf('      - {path: /rules, scopes: [policy:read]}\n'));
  gate.kill('SIGHUP');
  await says('the file was read again');
  expect([await ask('/policies'), await ask('/rules')]).toEqual([403, 200]);

  write('gate.yaml', fileOf('      - {path: /policies, scopes: policy:read}\n'));
  gate.kill('SIGHUP');
  await says('the rules stay as they were');
  expect(output).toContain('gate.yaml:7:27: apis[0].rules[0].scopes: must be array.');
  expect([await ask('/policies'), await ask('/rules')]).toEqual([403, 200]);

  expect((await run(['gate', path])).stderr).toContain('gate.yaml:7:27');
  write('gate.yaml', fileOf('      - {path: /rules, scopes: [policy:read]}\n'));
  const second = await run(['gate', path]);
  expect([second.code, second.stderr]).toEqual([
    1,
    expect.stringMatching(/^postern: listen: \d+ is in use by another program\.\n$/),
  ]);

  const exited = new Promise((resolve) => gate.on('exit', resolve));
  gate.kill('SIGTERM');
  expect(await exited).toBe(0);
});

describe('--check', () => {
  const check = (text: string) => runInProcess(['gate', '--check', write('checked.yaml', text)], {});

  test('says what a file allows', async () => {
    const { code, stdout } = await check(fileOf('      - {path: /policies, scopes: [policy:read]}\n'));
    expect([code, stdout]).toEqual([0, expect.stringContaining('has rules for api.example.com.')]);
  });

  test.each<[string, (text: string) => string, string]>([
    ['broken YAML', (text) => text.replace('rules:', 'rules: ['), 'checked.yaml:'],
    ['an unknown member', (text) => `${text}acl: []\n`, 'checked.yaml:8:1: acl: is not a known member.'],
    [
      'a path with dots',
      (text) => text.replace('/policies', '/../policies'),
      'checked.yaml:7:10: apis[0].rules[0].path: must begin with /',
    ],
    ['a secret that is not there', (text) => text.replace('file: secret', 'file: other'), 'cannot read'],
    ['nothing', () => '', 'must be object'],
  ])('names the line of %s', async (_what, change, says) => {
    const { code, stderr } = await check(change(fileOf('      - {path: /policies, scopes: [policy:read]}\n')));
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
  });
});
