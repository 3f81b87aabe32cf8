/** examples/guard/worker.ts as a Worker on workerd, with a cache, beside a real server. docs/protect-an-api.md. RFC 6750 §3.1. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundle, workerd } from './runtimes/programs.ts';

const audience = 'https://api.example.com';
const example = fileURLToPath(new URL('../../../examples/guard/worker.ts', import.meta.url));

if (workerd === undefined) {
  process.stderr.write(
    'SKIPPED: the Worker of examples/guard on workerd: its package for this machine is not installed.\n',
  );
}

describe.skipIf(workerd === undefined)('a Worker', () => {
  let server: TestServer;
  let follower: Credentials;
  let caller: Credentials;
  let cache: Server;
  const kept = new Map<string, Buffer>();
  const folder = mkdtempSync(join(tmpdir(), 'postern-worker-'));
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    server = await startTestServer();
    const token = await server.rootToken();
    const asRoot = (path: string, body: object) => server.call('PUT', path, { token, body });
    await asRoot('/api/v1/oauth/scope', { name: 'invoice:read', description: 'Read invoices' });
    const resource = { key: 'invoices', identifier: audience, scopes: ['invoice:read'] };
    expect((await asRoot('/api/v1/oauth/resource', resource)).status).toBe(200);
    follower = await server.createClient({ scopes: ['revocation:read'] });
    caller = await server.createClient({ scopes: ['invoice:read'], resources: [audience] });
    cache = await startCache();
    await bundle(example, join(folder, 'worker.mjs'));
  });
  afterAll(async () => {
    for (const program of running) {
      program.kill();
    }
    cache.close();
    rmSync(folder, { recursive: true });
    await server.close();
  });

  /** What workerd asks for its cache: the response to a PUT is the whole answer to later GETs. */
  async function startCache(): Promise<Server> {
    const serving = createServer(async (request, response) => {
      const key = `${request.headers.host}${request.url}`;
      const found = kept.get(key);
      if (request.method === 'PUT') {
        const answer = Buffer.concat(await request.toArray());
        kept.set(key, answer.subarray(answer.indexOf('\r\n\r\n') + 4));
        response.writeHead(204).end();
      } else if (found === undefined) {
        response.writeHead(504, { 'cf-cache-status': 'MISS' }).end();
      } else {
        response.writeHead(200, { 'cf-cache-status': 'HIT', 'content-type': 'application/json' }).end(found);
      }
    });
    await new Promise<void>((resolve) => serving.listen(0, '127.0.0.1', resolve));
    return serving;
  }

  async function startWorker(): Promise<(token: string) => Promise<number>> {
    const port = await freePort();
    const variables = {
      ISSUER: server.url,
      AUDIENCE: audience,
      CLIENT_ID: follower.clientId,
      CLIENT_SECRET: follower.clientSecret,
    };
    const bindings = Object.entries(variables).map(([name, text]) => `(name = "${name}", text = "${text}")`);
    const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
      bindings = [${bindings.join(', ')}],
      cacheApiOutbound = "cache",
      compatibilityDate = "2026-01-01",
    )),
    (name = "cache", external = (address = "127.0.0.1:${(cache.address() as AddressInfo).port}", http = ())),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`;
    const path = join(folder, `${port}.capnp`);
    writeFileSync(path, config);
    const child = spawn(workerd as string, ['serve', path], { stdio: ['ignore', 'ignore', 'pipe'] });
    running.push(child);
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const ask = async (token: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/invoices`, {
        headers: { authorization: `Bearer ${token}` },
      });
      await answer.arrayBuffer();
      return answer.status;
    };
    await vi.waitFor(
      () =>
        ask('x').catch(() => {
          throw new Error(`workerd does not answer: ${said}`);
        }),
      { timeout: 20_000 },
    );
    return ask;
  }

  async function newToken(): Promise<string> {
    const form = { grant_type: 'client_credentials', client_id: caller.clientId, client_secret: caller.clientSecret };
    return (await server.postForm('/api/v1/oauth/token', { ...form, resource: audience })).body.access_token;
  }

  const revoke = (token: string) =>
    server.postForm('/api/v1/oauth/revoke', {
      token,
      client_id: caller.clientId,
      client_secret: caller.clientSecret,
    });

  test('passes good tokens, refuses one that is revoked meanwhile, and leaves what it knows to the next process', async () => {
    const ask = await startWorker();
    const [token, other] = [await newToken(), await newToken()];
    expect(await ask(token)).toBe(200);
    expect(await ask(other)).toBe(200);
    await revoke(token);
    await vi.waitFor(async () => expect(await ask(token)).toBe(401), { timeout: 5_000 });
    expect(await ask(other)).toBe(200);
    await vi.waitFor(() => expect(kept.size).toBe(3));
    const askNext = await startWorker();
    expect(await askNext(token)).toBe(401);
    expect(await askNext(other)).toBe(200);
  });
});
