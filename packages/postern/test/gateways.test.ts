/** The recipes in `deploy/gateways/`, each with the real gateway where it is installed, a real gate and a real Postern. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { tokenOf as signed } from '../../guard/fixtures/tokens.ts';
import { makeTemporaryDirectory, removeDirectory } from './harness.ts';
import { runInProcess } from './in-process.ts';

const recipes = resolve(import.meta.dirname, '../../../deploy/gateways');
const main = fileURLToPath(new URL('../bin/postern.js', import.meta.url));
const audience = 'https://api.example.com';

interface Recipe {
  readonly program: string;
  /** In the directory of the recipe. */
  readonly args: (directory: string) => readonly string[];
  /** What must be installed beside the program. */
  readonly files?: readonly string[];
}

const gateways: Readonly<Record<string, Recipe>> = {
  nginx: {
    program: 'nginx',
    args: (directory) => ['-p', directory, '-c', join(directory, 'nginx.conf'), '-g', nginxPlaces(directory)],
  },
  'envoy by gRPC': {
    program: 'envoy',
    args: () => ['-c', 'envoy.yaml', '--concurrency', '1', '--use-dynamic-base-id'],
  },
  'envoy by HTTP': {
    program: 'envoy',
    args: () => ['-c', 'envoy-http.yaml', '--concurrency', '1', '--use-dynamic-base-id'],
  },
  traefik: { program: 'traefik', args: () => ['--configFile=traefik.yaml'] },
  caddy: { program: 'caddy', args: () => ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'] },
  haproxy: { program: 'haproxy', args: () => ['-f', 'haproxy.cfg'] },
  apache: {
    program: 'apache2',
    args: (directory) => ['-f', join(directory, 'httpd.conf'), '-DFOREGROUND'],
    files: ['/usr/lib/apache2/modules/mod_lua.so', '/usr/share/lua/5.3/socket/http.lua'],
  },
};

/** Where nginx keeps what it writes, so that it needs no rights. */
const nginxPlaces = (directory: string) => `daemon off; pid ${directory}/nginx.pid; error_log ${directory}/error.log;`;

let directory: string;
let server: TestServer;
let api: Server;
let gate: ChildProcess;
const ports = { gateway: 0, gate: 0, grpc: 0, api: 0 };
let caller: Credentials;
let reader: Credentials;

/** What is not installed here; a recipe is tried if that is nothing. */
const missingFor = ({ program, files = [] }: Recipe) => [
  ...(findProgram(program) === undefined ? [program] : []),
  ...files.filter((file) => !existsSync(file)),
];
const isAnyInstalled = Object.values(gateways).some((recipe) => missingFor(recipe).length === 0);

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  if (!isAnyInstalled) {
    return;
  }
  server = await startTestServer();
  const token = await server.rootToken();
  const asRoot = (path: string, body: object) => server.call('PUT', `/api/v1/oauth/${path}`, { token, body });
  await asRoot('scope', { name: 'invoice:read', description: 'Read invoices' });
  await asRoot('scope', { name: 'invoice:write', description: 'Write invoices' });
  await asRoot('resource', { key: 'invoices', identifier: audience, scopes: ['invoice:read', 'invoice:write'] });
  caller = await server.createClient({ scopes: ['invoice:read', 'invoice:write'], resources: [audience] });
  reader = await server.createClient({ scopes: ['invoice:read'], resources: [audience] });
  const follower = await server.createClient({ scopes: ['revocation:read'] });

  // The API answers what it was sent.
  api = createServer(({ method, url, headers }, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, url, headers }));
  });
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) {
    ports[name] = await freePort();
  }
  await new Promise<void>((done) => api.listen(ports.api, '127.0.0.1', done));

  const file = parseDocument(move(readFileSync(join(recipes, 'gate.yaml'), 'utf8')));
  file.set('issuer', server.url);
  file.setIn(['revocations', 'client_id'], follower.clientId);
  file.setIn(['revocations', 'client_secret_file'], 'secret');
  file.setIn(['dpop_nonces', 'key_file'], 'nonce-key');
  writeFileSync(join(directory, 'secret'), follower.clientSecret);
  writeFileSync(join(directory, 'nonce-key'), randomBytes(32).toString('base64'));
  writeFileSync(join(directory, 'gate.yaml'), file.toString());
  gate = spawn(process.execPath, [main, 'gate', 'gate.yaml'], { cwd: directory, stdio: 'ignore' });
  await vi.waitFor(
    async () => expect((await fetch(`http://127.0.0.1:${ports.gate}/health/ready`)).status).toBe(200),
    20_000,
  );
});
afterAll(async () => {
  gate?.kill('SIGKILL');
  api?.close();
  api?.closeAllConnections();
  await server?.close();
  removeDirectory(directory);
});

/** The addresses of the recipes, moved to ports that are free. */
function move(text: string): string {
  return text.replaceAll(/(127\.0\.0\.1:|http:\/\/:|port_value: )(8000|9191|9192|3000)\b/g, (_, before, port) => {
    const moved = { '8000': ports.gateway, '9191': ports.gate, '9192': ports.grpc, '3000': ports.api }[port as '8000'];
    return `${before}${moved}`;
  });
}

async function tokenOf({ clientId, clientSecret }: Credentials): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  return (await server.postForm('/api/v1/oauth/token', { ...form, resource: audience })).body.access_token;
}

interface Passed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends exactly this path. */
function call(method: string, path: string, token?: string, headers: Record<string, string> = {}): Promise<Passed> {
  return new Promise((done, fail) => {
    const all = {
      host: 'api.example.com',
      ...headers,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    request({ port: ports.gateway, method, path, headers: all, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers as never, body }));
    })
      .on('error', fail)
      .end();
  });
}

function findProgram(name: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

/** Resolves when something listens there. */
const listens = (port: number) =>
  new Promise<void>((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      done();
    });
    socket.on('error', fail);
  });

test('there is a recipe for each gateway, and a test for each recipe', () => {
  expect(
    globSync('*/', { cwd: recipes })
      .map((path) => path.replace(/\/$/, ''))
      .toSorted(),
  ).toEqual([...new Set(Object.keys(gateways).map((name) => name.split(' ')[0]))].toSorted());
});

test('the rules of the recipes are valid, and every recipe replaces the headers that they pass on', async () => {
  const text = readFileSync(join(recipes, 'gate.yaml'), 'utf8');
  writeFileSync(join(directory, 'a-secret'), 'a secret');
  writeFileSync(join(directory, 'recipe.yaml'), text.replace('/etc/postern/gate-secret', 'a-secret'));
  expect(await runInProcess(['gate', '--check', join(directory, 'recipe.yaml')], {})).toMatchObject({
    code: 0,
    stderr: '',
  });
  const headers = Object.keys(parse(text).pass_on);
  expect(headers.length).toBeGreaterThan(0);
  // By gRPC, Envoy learns from each answer which headers to replace.
  for (const file of [
    'nginx/nginx.conf',
    'envoy/envoy-http.yaml',
    'traefik/dynamic.yaml',
    'caddy/Caddyfile',
    'haproxy/gate.lua',
    'apache/gate.lua',
  ]) {
    const recipe = readFileSync(join(recipes, file), 'utf8').toLowerCase();
    expect(
      headers.filter((header) => !recipe.includes(header.toLowerCase())),
      file,
    ).toEqual([]);
  }
});

describe.each(Object.entries(gateways))('%s', (name, recipe) => {
  const missing = missingFor(recipe);
  if (missing.length > 0) {
    const why = `the recipe for ${name} is not tried: ${missing.join(' and ')} is not installed here`;
    process.stderr.write(`${why}\n`);
    test.skip(why, () => {});
    return;
  }
  const { program, args } = recipe;
  let gateway: ChildProcess;
  let said = '';

  beforeAll(async () => {
    ports.gateway = await freePort();
    const place = join(directory, name.replaceAll(' ', '-'));
    mkdirSync(place);
    cpSync(join(recipes, name.split(' ')[0] as string), place, { recursive: true });
    for (const file of globSync('*', { cwd: place })) {
      const text = move(readFileSync(join(place, file), 'utf8'))
        // What this user may write to.
        .replaceAll(/\/(etc|run|var\/log)\/apache2\//g, `${place}/`);
      writeFileSync(join(place, file), text);
    }
    gateway = spawn(findProgram(program) as string, args(place), {
      cwd: place,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: place },
    });
    for (const stream of [gateway.stdout, gateway.stderr]) {
      stream?.on('data', (chunk) => {
        said += chunk;
      });
    }
    await vi
      .waitFor(async () => {
        await listens(ports.gateway);
        expect((await call('GET', '/health')).status).toBe(200);
      }, 30_000)
      .catch((error: Error) => {
        throw new Error(`${name} did not start: ${said.slice(-2_000)}`, { cause: error });
      });
  });
  afterAll(async () => {
    if (gateway?.exitCode === null && gateway.signalCode === null) {
      const exited = new Promise((done) => gateway.on('exit', done));
      gateway.kill(program === 'haproxy' ? 'SIGUSR1' : 'SIGTERM');
      const killer = setTimeout(() => gateway.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(killer);
    }
  });

  test('a token with the scope passes, and the API learns who calls, with the path as it was sent', async () => {
    const { status, body } = await call('GET', '/invoices/a%20b?page=2', await tokenOf(reader));
    expect(status, said).toBe(200);
    const sent = JSON.parse(body);
    expect(sent.url).toBe('/invoices/a%20b?page=2');
    expect(sent.headers).toMatchObject({ 'x-client-id': reader.clientId, 'x-scope': 'invoice:read' });
  });

  test('a request without a token is 401 with a challenge, and so is one with a forged token', async () => {
    const missing = await call('GET', '/invoices');
    expect([missing.status, missing.headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Bearer/)]);
    const [header, claims] = (await tokenOf(reader)).split('.');
    const forged = [header, claims, (await tokenOf(reader)).split('.')[2]].join('.');
    const refused = await call('GET', '/invoices', forged);
    expect([refused.status, JSON.parse(refused.body).error]).toEqual([401, 'invalid_token']);
  });

  test('a token without the scope is 403 with a challenge that names it', async () => {
    const { status, headers, body } = await call('PUT', '/invoices/7', await tokenOf(reader));
    expect([status, headers['www-authenticate']]).toEqual([403, expect.stringContaining('scope="invoice:write"')]);
    expect(JSON.parse(body).error).toBe('insufficient_scope');
  });

  test('headers of the caller that say who calls are replaced or refused', async () => {
    const spoofed = { 'X-Client-Id': 'root', 'X-Scope': 'all' };
    const passed = await call('GET', '/invoices', await tokenOf(reader), spoofed);
    expect(JSON.parse(passed.body).headers).toMatchObject({
      'x-client-id': reader.clientId,
      'x-scope': 'invoice:read',
    });
    const open = await call('GET', '/health', undefined, spoofed);
    expect(open.status).toBe(200);
    expect(JSON.parse(open.body).headers['x-client-id'] ?? '').toBe('');
    expect(JSON.parse(open.body).headers['x-scope'] ?? '').toBe('');
    for (const nominated of ['X-Client-Id', 'X-Scope, X-Client-Id', 'keep-alive, x-client-id']) {
      const hidden = await call('GET', '/invoices', await tokenOf(reader), { connection: nominated });
      const known = hidden.status === 200 ? JSON.parse(hidden.body).headers['x-client-id'] : reader.clientId;
      expect([nominated, known]).toEqual([nominated, reader.clientId]);
    }
    const underscored = await call('GET', '/health', undefined, { X_Client_Id: 'root', x_scope: 'all' });
    const reached = underscored.status === 200 ? JSON.parse(underscored.body).headers : {};
    expect(Object.keys(reached).filter((header) => header.includes('_'))).toEqual([]);
  });

  test('headers that describe another request do not change what is decided', async () => {
    const lies = {
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Uri': '/health',
      'X-Forwarded-Host': 'api.example.com',
      'X-Original-Method': 'GET',
      'X-Original-URI': '/health',
    };
    expect((await call('GET', '/invoices', undefined, lies)).status).toBe(401);
    expect((await call('DELETE', '/invoices/7', await tokenOf(reader), lies)).status).toBe(403);
  });

  test('a path that is written to confuse does not reach the API as another one', async () => {
    for (const target of [
      '/health/../invoices',
      '/health/%2e%2e/invoices',
      '/health/..%2finvoices',
      '/health%2f..%2f..%2finvoices',
    ]) {
      const { status, body } = await call('GET', target);
      expect(status, `${target} ${body}`).toBeGreaterThanOrEqual(400);
    }
    expect((await call('GET', '//invoices', await tokenOf(reader))).status).not.toBe(500);
  });

  test('a DPoP proof without a nonce is refused with one, and passes with it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = publicKey.export({ format: 'jwk' });
    const proof = (htm: string, htu: string, claims: object = {}) =>
      signed(
        { typ: 'dpop+jwt', alg: 'ES256', jwk },
        { jti: randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000), ...claims },
        privateKey,
      );
    const tokenPath = '/api/v1/oauth/token';
    const form = { grant_type: 'client_credentials', client_id: reader.clientId, client_secret: reader.clientSecret };
    const { body } = await server.postForm(
      tokenPath,
      { ...form, resource: audience },
      { dpop: proof('POST', server.url + tokenPath) },
    );
    const ath = createHash('sha256').update(body.access_token).digest('base64url');
    const withProof = (claims: object) =>
      call('GET', '/invoices', undefined, {
        authorization: `DPoP ${body.access_token}`,
        dpop: proof('GET', `${audience}/invoices`, { ath, ...claims }),
      });
    const refused = await withProof({});
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('error="use_dpop_nonce"'),
    ]);
    expect((await withProof({ nonce: refused.headers['dpop-nonce'] })).status).toBe(200);
  });

  test('a revoked token is refused', async () => {
    const token = await tokenOf(caller);
    expect((await call('PUT', '/invoices/7', token)).status).toBe(200);
    const basic = Buffer.from(`${caller.clientId}:${caller.clientSecret}`).toString('base64');
    const revoked = await server.postForm('/api/v1/oauth/revoke', { token }, { authorization: `Basic ${basic}` });
    expect(revoked.status).toBe(200);
    await vi.waitFor(async () => expect((await call('PUT', '/invoices/7', token)).status).toBe(401), {
      timeout: 10_000,
      interval: 20,
    });
  });
});
