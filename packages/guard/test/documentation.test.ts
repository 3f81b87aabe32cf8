/** docs/protect-an-api.md and the programs in examples/guard, each as its own process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const audience = 'https://api.example.com';
const programs = ['express', 'fastify', 'hono', 'node-http'];
const pathOf = (program: string) => fileURLToPath(new URL(`../../../examples/guard/${program}.ts`, import.meta.url));

let server: TestServer;
let follower: Credentials;
let caller: Credentials;
let stranger: Credentials;
const running: ChildProcess[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const token = await server.rootToken();
  const asRoot = (method: string, path: string, body: object) => server.call(method, path, { token, body });
  await asRoot('PUT', '/api/v1/oauth/scope', { name: 'invoice:read', description: 'Read invoices' });
  const resource = { key: 'invoices', identifier: audience, scopes: ['invoice:read', 'policy:read'] };
  expect((await asRoot('PUT', '/api/v1/oauth/resource', resource)).status).toBe(200);
  follower = await server.createClient({ scopes: ['revocation:read'] });
  caller = await server.createClient({ scopes: ['invoice:read'], resources: [audience] });
  stranger = await server.createClient({ scopes: ['policy:read'], resources: [audience] });
});
afterAll(async () => {
  for (const program of running) {
    program.kill();
  }
  await server.close();
});

async function startProgram(program: string): Promise<string> {
  const port = await freePort();
  const env = {
    PATH: process.env['PATH'],
    PORT: String(port),
    ISSUER: server.url,
    AUDIENCE: audience,
    CLIENT_ID: follower.clientId,
    CLIENT_SECRET: follower.clientSecret,
  };
  const child = spawn(process.execPath, [pathOf(program)], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  running.push(child);
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const url = `http://127.0.0.1:${port}/invoices`;
  await vi.waitFor(
    () =>
      fetch(url).catch(() => {
        throw new Error(`${program} does not answer: ${said}`);
      }),
    { timeout: 20_000 },
  );
  return url;
}

async function tokenOf({ clientId, clientSecret }: Credentials): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  return (await server.postForm('/api/v1/oauth/token', { ...form, resource: audience })).body.access_token;
}

describe.each(programs)('examples/guard/%s.ts', (program) => {
  test('answers 401, 403 and 200', async () => {
    const url = await startProgram(program);
    const call = (authorization?: string) => fetch(url, { headers: authorization ? { authorization } : {} });
    expect((await call()).status).toBe(401);
    expect((await call('Bearer x')).status).toBe(401);
    expect((await call(`Bearer ${await tokenOf(stranger)}`)).status).toBe(403);
    const passed = await call(`Bearer ${await tokenOf(caller)}`);
    expect([passed.status, await passed.json()]).toEqual([200, { caller: caller.clientId }]);
  });
});

test('the page shows the program for Express', () => {
  const page = readFileSync(new URL('../../../docs/protect-an-api.md', import.meta.url), 'utf8');
  const [, ...lines] = readFileSync(pathOf('express'), 'utf8').split('\n');
  expect(page).toContain(`\`\`\`ts\n// examples/guard/express.ts\n${lines.join('\n')}\`\`\``);
});

test('the page lists every option', () => {
  const page = readFileSync(new URL('../../../docs/protect-an-api.md', import.meta.url), 'utf8');
  const source = readFileSync(new URL('../src/api-guard.ts', import.meta.url), 'utf8');
  const [, members = ''] = /export interface ApiGuardOptions \{\n(.*?)\n\}\n/s.exec(source) ?? [];
  const options = [...members.matchAll(/^ {2}readonly (\w+)/gm)].map(([, name]) => name);
  expect(options.length).toBeGreaterThan(10);
  const table = page.slice(page.indexOf('## Options'), page.indexOf('**Several processes**'));
  expect(options.filter((name) => !new RegExp(`\`${name}[\`.]`).test(table))).toEqual([]);
});
