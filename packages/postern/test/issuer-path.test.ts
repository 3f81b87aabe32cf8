/** An issuer with a path, such as https://example.com/auth: everything is below it, for every client. RFC 8414 §3.1. */
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { createApiGuard } from '@postern/guard';
import { freePort } from '@postern/testing/free-port';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
let server: ServeProcess;
let origin: string;
let issuer: string;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  const port = await freePort();
  origin = `http://localhost:${port}`;
  issuer = `${origin}/tenants/one`;
  server = await startServe(directory, { port, env: { POSTERN_ISSUER: issuer } });
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

test('every route is there below the path, and without it for a proxy that removes it', async () => {
  const { body: document } = await call('GET', `${issuer}/openapi.json`);
  const operations = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x')] as const),
  );
  expect(operations.length).toBeGreaterThan(70);
  for (const [method, path] of operations) {
    const answers = await Promise.all(
      [issuer, origin].map(async (base) => {
        const { status, headers } = await fetch(base + path, { method, redirect: 'manual' });
        return { status, type: headers.get('content-type'), challenge: headers.get('www-authenticate') };
      }),
    );
    expect(answers[0], `${method} ${path}`).toEqual(answers[1]);
    expect(answers[0]?.status, `${method} ${path}`).not.toBe(404);
  }
});

test.each([
  '/.well-known/oauth-authorization-server/tenants/one',
  '/tenants/one/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration/tenants/one',
  '/tenants/one/.well-known/openid-configuration',
])('the metadata at %s name addresses that all work', async (path) => {
  const { body } = await call('GET', origin + path);
  expect(body.issuer).toBe(issuer);
  const addresses = Object.entries(body).filter(([name]) => /_(endpoint|uri|documentation)$/.test(name));
  expect(addresses.length).toBeGreaterThan(4);
  for (const [name, url] of addresses) {
    expect(String(url).startsWith(`${issuer}/`), name).toBe(true);
    expect((await fetch(String(url))).status, name).not.toBe(404);
  }
});

test('the metadata of the resource are where challenges say, and below the path', async () => {
  const { headers } = await call('GET', `${issuer}/api/v1/policy`);
  const named = /resource_metadata="([^"]+)"/.exec(headers.get('www-authenticate') ?? '')?.[1] ?? '';
  for (const url of [named, `${issuer}/.well-known/oauth-protected-resource`]) {
    expect((await call('GET', url)).body).toMatchObject({ resource: issuer, authorization_servers: [issuer] });
  }
});

describe.each(['/api', '/api/', '/console', '/console/clients'])('the page %s', (path) => {
  test.each([
    ['below the path', () => issuer],
    ['behind a proxy that removes the path', () => origin],
  ])('%s refers only to files that are there, below the path', async (_, baseOf) => {
    const response = await fetch(baseOf() + path);
    expect(response.status).toBe(200);
    const html = await response.text();
    // A browser knows the address before the proxy removes the path.
    const base = new URL(/<base href="([^"]+)"/.exec(html)?.[1] ?? '', issuer + path);
    const files = [...html.matchAll(/<(?:link|script)[^>]+(?:href|src)="([^"]+)"/g)].map(
      ([, file = '']) => new URL(file, base).href,
    );
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) {
      expect(file.startsWith(`${issuer}/`), file).toBe(true);
      expect((await fetch(file)).status, file).toBe(200);
    }
  });
});

test('the address of the issuer itself leads to the documentation, from either side of the proxy', async () => {
  for (const url of [issuer, `${issuer}/`, `${origin}/`]) {
    const { status, headers } = await fetch(url, { redirect: 'manual' });
    expect([status, headers.get('location')], url).toEqual([302, '/tenants/one/api']);
  }
});

test('client, guard, feed and DPoP work with the issuer as their only address', async () => {
  const { clientId, clientSecret } = rootCredentials(server.dataDir);
  const tokens = createTokenClient({ issuer, authentication: clientSecretBasic(clientId, clientSecret), dpop: true });
  const list = await tokens.fetch(`${issuer}/api/v1/oauth/client`);
  expect(list.status).toBe(200);
  const bearer = createTokenClient({ issuer, authentication: clientSecretBasic(clientId, clientSecret) });
  const guard = createApiGuard({ issuer, audience: issuer, revocations: { fetch: bearer.fetch } });
  await guard.start();
  const request = {
    method: 'GET',
    path: '/api/v1/policy',
    authorization: `Bearer ${await acquireToken(issuer, { clientId, clientSecret })}`,
    dpop: undefined,
    certificateThumbprint: undefined,
  };
  expect((await guard.authorize(request, 'policy:read')).issuer).toBe(issuer);
  await guard.close();
});

test('the command works with the issuer as its server', async () => {
  const { clientId, clientSecret } = rootCredentials(server.dataDir);
  const env = {
    HOME: directory,
    POSTERN_SERVER: issuer,
    POSTERN_CLIENT_ID: clientId,
    POSTERN_CLIENT_SECRET: clientSecret,
  };
  const { code, stdout, stderr } = await run(['scope', 'list'], env);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('policy:read');
});

test('the start prints addresses below the path only', () => {
  const urls = server.stderr.match(/https?:[^\s')]+/g) ?? [];
  expect(urls.length).toBeGreaterThan(2);
  expect(urls.filter((url) => !url.startsWith(issuer))).toEqual([]);
});
