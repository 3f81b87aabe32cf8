/**
 * The scenarios about machine clients of MCP's own conformance package, twice each: with the servers that the package brings along, and
 * with Postern and an MCP server that the guard protects. docs/mcp.md has the results, and must have these.
 */
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { createApiGuard } from '@postern/guard';
import { accessTokenOf, protect, resourceMetadata } from '@postern/guard/express';
import { createKubernetes, kubernetesIssuer } from '@postern/testing/platform-tokens';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import express from 'express';
import { exportJWK, exportPKCS8, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callFirstTool, type ScenarioContext, type ScenarioName, scenarios } from './mcp-client.ts';

const names = Object.keys(scenarios) as ScenarioName[];
const page = readFileSync(resolve(import.meta.dirname, '../../../docs/mcp.md'), 'utf8');
const idp = 'https://acme.idp.example';
const run = promisify(execFile);

/** The checks of the package that fail, by scenario, as the manual says it: `all pass` or their names. */
const documented = new Map(
  [...page.matchAll(/^\| `(?<name>auth[^`]+|authorization[^`]+)` \| (?<result>[^|]+) \|/gm)].map(({ groups }) => [
    groups?.['name'],
    groups?.['result']?.trim(),
  ]),
);

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'INFO' | 'SKIPPED';
}

/** As the manual says it. */
function resultOf(checks: readonly Check[]): string {
  const ids = checks.filter(({ status }) => status === 'FAILURE').map(({ id }) => `\`${id}\``);
  const failed = [...new Set(ids)].toSorted();
  return failed.length === 0 ? 'all pass' : `${failed.join(', ')} ${failed.length === 1 ? 'fails' : 'fail'}`;
}

const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json');
const conformance = join(dirname(manifest), 'dist/index.js');

/** Runs the package, which writes the checks of each scenario into the directory. It ends with 1 if one fails, which they say better. */
const runPackage = (...args: string[]) =>
  run(process.execPath, [conformance, ...args, '--output-dir', directory]).catch(() => {});

function checksOf(name: string): readonly Check[] {
  const [path] = globSync(join(directory, `{,authorization-server-}${name}-2*/checks.json`));
  if (path === undefined) {
    throw new Error(`the package has not run ${name}`);
  }
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Of Postern as the authorization server. */
const metadata = 'authorization-server-metadata-endpoint';

let directory: string;
let server: TestServer;
let provider: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-mcp-'));
  server = await startTestServer({ env: { POSTERN_DPOP_NONCES: 'required' } });
  // Another Postern, as the identity provider of a person, whose ID token it takes.
  provider = await startTestServer({ env: { POSTERN_ISSUER: idp } });
});
afterAll(async () => {
  await server.close();
  await provider.close();
  rmSync(directory, { recursive: true });
});

describe('with the servers of the package', () => {
  beforeAll(async () => {
    const command = ['--command', `${process.execPath} ${join(import.meta.dirname, 'mcp-client.ts')}`];
    await Promise.all([
      runPackage('client', ...command, '--suite', 'extensions'),
      runPackage('client', ...command, '--scenario', 'auth/scope-step-up'),
      runPackage('authorization', '--url', server.url, '--scenario', metadata),
    ]);
  }, 120_000);

  test.each(names)('%s', (name) => {
    const checks = checksOf(name);
    expect(resultOf(checks)).toBe(documented.get(name));
    expect(checks.filter(({ status }) => status === 'WARNING')).toEqual([]);
  });

  test(metadata, () => {
    expect(resultOf(checksOf(metadata))).toBe(documented.get(metadata));
  });
});

describe('with Postern and a guarded server', () => {
  const scopes = ['policy:read', 'rule:read'];
  /** The scope that every call needs is in the metadata of the server; the call of a tool needs one more. */
  const first = 'policy:read';
  const upstream = 'https://upstream.example';
  let http: Server;
  let url: string;
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let platform: Awaited<ReturnType<typeof createKubernetes>>;

  async function save(on: TestServer, method: string, kind: string, body: object): Promise<{ client_id: string }> {
    const answer = await on.call(method, `/api/v1/oauth/${kind}`, { token: await on.rootToken(), body });
    expect([answer.status, answer.body.detail]).toEqual([200, undefined]);
    return answer.body;
  }
  const createClient = (over: object = {}) => server.createClient({ scopes, resources: [url], ...over });

  beforeAll(async () => {
    const app = express();
    http = createServer(app);
    await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
    const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    url = `${baseUrl}/mcp`;
    await save(server, 'PUT', 'resource', { key: 'mcp', identifier: url, scopes });
    const resource = { scopes: [first] };
    const guard = createApiGuard({ issuer: server.url, audience: url, baseUrl, resource, now: server.now });
    const needs = protect(guard);
    app.use(resourceMetadata(guard));
    const neededFor = ({ method }: { method?: string }) => (method === 'tools/call' ? scopes.join(' ') : first);
    app.post('/mcp', express.json(), (request, response, next) =>
      needs(neededFor(request.body))(request, response, next),
    );
    app.post('/mcp', async (request, response) => {
      const { subject } = accessTokenOf(request);
      const mcp = new McpServer({ name: 'invoices', version: '1.0.0' });
      mcp.registerTool('list-invoices', { description: 'Lists the invoices of the caller' }, () => ({
        content: [{ type: 'text', text: `Invoices of ${subject}` }],
      }));
      const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
      response.on('close', () => transport.close());
      await mcp.connect(transport as Transport);
      await transport.handleRequest(request as IncomingMessage, response, request.body);
    });

    keys = await generateKeyPair('ES256', { extractable: true });
    platform = await createKubernetes(server.url, server.now);
  });
  afterAll(() => void http.close());

  const bySecret = async (over: object = {}): Promise<Caller> => {
    const { clientId, clientSecret } = await createClient(over);
    return { context: { client_id: clientId, client_secret: clientSecret }, subject: clientId };
  };

  interface Caller {
    readonly context: ScenarioContext;
    readonly subject: string;
  }

  const callers: Record<ScenarioName, () => Promise<Caller>> = {
    'auth/client-credentials-basic': bySecret,
    'auth/client-credentials-jwt': async () => {
      const { client_id } = await save(server, 'POST', 'client', {
        scopes,
        resources: [url],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [await exportJWK(keys.publicKey)] },
      });
      return { context: { client_id, private_key_pem: await exportPKCS8(keys.privateKey) }, subject: client_id };
    },
    'auth/wif-jwt-bearer': async () => {
      const { client_id } = await save(server, 'POST', 'client', {
        scopes,
        resources: [url],
        token_endpoint_auth_method: 'none',
        grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      });
      const claims = { sub: 'system:serviceaccount:payments:billing' };
      await save(server, 'PUT', 'issuer', {
        key: 'cluster',
        issuer: kubernetesIssuer,
        jwks: { keys: [platform.jwk] },
        single_use: false,
        rules: [{ client_id, claims }],
      });
      return { context: { valid_jwt: await platform.token() }, subject: client_id };
    },
    'auth/enterprise-managed-authorization': async () => {
      const client_id = 'agent';
      const rules = [{ client_id, people: true, claims: { client_id } }];
      const members = {
        client_id,
        scopes,
        grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      };
      const { clientSecret } = await createClient(members);
      const jwks = (await provider.call('GET', '/.well-known/jwks.json')).body;
      await save(server, 'PUT', 'issuer', { key: 'idp', issuer: idp, jwks, rules });

      await save(provider, 'PUT', 'resource', { key: 'postern', identifier: server.url, scopes });
      const grant_types = ['urn:ietf:params:oauth:grant-type:token-exchange'];
      const atProvider = await provider.createClient({ client_id, scopes, grant_types, resources: [server.url] });
      await save(provider, 'PUT', 'issuer', {
        key: 'upstream',
        issuer: upstream,
        jwks: { keys: [await exportJWK(keys.publicKey)] },
        rules: [{ client_id, people: true, claims: { sub: 'alice' } }],
      });
      const idp_id_token = await new SignJWT({ iss: upstream, sub: 'alice', aud: client_id })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
        .setIssuedAt(new Date(provider.now()))
        .setExpirationTime(new Date(provider.now() + 300_000))
        .sign(keys.privateKey);
      return {
        context: {
          client_id,
          client_secret: clientSecret,
          idp_client_id: client_id,
          idp_client_secret: atProvider.clientSecret,
          idp_issuer: idp,
          idp_token_endpoint: `${provider.url}/api/v1/oauth/token`,
          idp_id_token,
        },
        subject: `${idp}#${encodeURIComponent(`${upstream}#alice`)}`,
      };
    },
    'auth/dpop': () => bySecret({ dpop_bound_access_tokens: true }),
    // Of every proof, the server requires a nonce.
    'auth/dpop-nonce': () => bySecret({ dpop_bound_access_tokens: true }),
    'auth/scope-step-up': bySecret,
  };

  test.each(names)('%s: the tool is called for its caller, who asks for the scope that it needs', async (name) => {
    const { context, subject } = await callers[name]();
    expect(await callFirstTool(name, url, context, server.now)).toContain(`Invoices of ${subject}`);
  });
});
