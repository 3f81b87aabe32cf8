/** examples/agents: two agents, each its own process, that call each other in the name of a caller, until somebody ends its token. RFC 8693 §4.1. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const audience = 'https://agents.example.com';
const program = fileURLToPath(new URL('../../../examples/agents/agent.ts', import.meta.url));
const base = '/api/v1/oauth';

interface Agent extends Credentials {
  readonly url: string;
  readonly said: () => string;
}

let server: TestServer;
let root: string;
let caller: Credentials;
let planner: Agent;
let researcher: Agent;
const running: ChildProcess[] = [];

const asRoot = (method: string, path: string, body: object) => server.call(method, base + path, { token: root, body });

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  await asRoot('PUT', '/scope', { name: 'work:do', description: 'Have agents work' });
  const resource = { key: 'agents', identifier: audience, scopes: ['work:do'] };
  await asRoot('PUT', '/resource', resource);
  const agent = {
    scopes: ['work:do', 'revocation:read'],
    resources: [audience],
    grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
  };
  const [one, other] = [await server.createClient(agent), await server.createClient(agent)];
  caller = await server.createClient({ scopes: ['work:do'], resources: [audience] });
  await asRoot('PUT', '/resource', { ...resource, introspection_clients: [one.clientId, other.clientId] });
  const [port, peerPort] = [await freePort(), await freePort()];
  [planner, researcher] = await Promise.all([
    startAgent('planner', one, port, peerPort),
    startAgent('researcher', other, peerPort, port),
  ]);
});
afterAll(async () => {
  for (const child of running) {
    child.kill();
  }
  await Promise.all(running.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  await server.close();
});

async function startAgent(name: string, credentials: Credentials, port: number, peerPort: number): Promise<Agent> {
  const env = {
    PATH: process.env['PATH'],
    NAME: name,
    PORT: String(port),
    PEER: `http://127.0.0.1:${peerPort}`,
    ISSUER: server.url,
    AUDIENCE: audience,
    CLIENT_ID: credentials.clientId,
    CLIENT_SECRET: credentials.clientSecret,
  };
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
    });
  }
  await vi.waitFor(() => expect(said).toContain(`${name} works`), { timeout: 30_000 });
  return { ...credentials, url: `http://127.0.0.1:${port}`, said: () => said };
}

async function ask({ url }: Agent, token: string, turns: number) {
  const response = await fetch(`${url}/work`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ turns }),
  });
  return { status: response.status, body: response.ok ? await response.json() : undefined };
}

async function tokenForAgents(): Promise<string> {
  const form = { client_id: caller.clientId, client_secret: caller.clientSecret, resource: audience };
  return (await server.postForm(`${base}/token`, { ...form, grant_type: 'client_credentials' })).body.access_token;
}

test('two agents delegate to each other, both ways; the caller’s token is killed, and each refuses what the other kept', async () => {
  const [token, innocent] = [await tokenForAgents(), await tokenForAgents()];
  expect(await ask(planner, token, 3)).toEqual({
    status: 200,
    body: {
      chain: ['planner', 'researcher', 'planner', 'researcher'],
      actors: { sub: planner.clientId, act: { sub: researcher.clientId, act: { sub: planner.clientId } } },
    },
  });
  const { body: seen } = await asRoot('POST', '/revoke_one/preview', { token });
  expect(seen.descendants.tokens_issued).toBe(3);
  expect([planner.said(), researcher.said()].join()).not.toContain('stopped');

  const { body: ended } = await asRoot('POST', '/revoke_one', { token });
  expect(ended.descendants.issued_to).toEqual([
    { client_id: planner.clientId, resource: audience, tokens_issued: 2, last_expires_at: expect.any(String) },
    { client_id: researcher.clientId, resource: audience, tokens_issued: 1, last_expires_at: expect.any(String) },
  ]);
  await vi.waitFor(() => {
    expect(planner.said().match(/planner stopped: the other agent answered 401/g)).toHaveLength(2);
    expect(researcher.said().match(/researcher stopped: the other agent answered 401/g)).toHaveLength(1);
  }, 20_000);
  expect([(await ask(planner, token, 1)).status, (await ask(researcher, token, 1)).status]).toEqual([401, 401]);
  expect((await ask(researcher, innocent, 2)).status).toBe(200);
});
