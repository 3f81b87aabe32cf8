/** A secret in a wrong place of any request is repeated nowhere: in no answer, log line, metric, trace or audit event. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { sendOverHttp } from '@postern/testing/http-client';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import type { RouteOptions } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyMigrations } from '../src/index.ts';
import { hostPolicies } from './policy-server.ts';

const secret = `Mark${randomBytes(24).toString('base64url')}9Z`;
/** Part of it, since an error may cut what it repeats. */
const mark = secret.slice(0, 12);

interface Route {
  readonly method: string;
  readonly url: string;
}

const routes: Route[] = [];
const traces: string[] = [];
let collector: Server;
let server: TestServer;
let token: string;

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    for await (const chunk of request) {
      traces.push(String(chunk));
    }
    response.end('{}');
  });
  await new Promise<void>((listening) => collector.listen(0, '127.0.0.1', listening));
  const address = collector.address();
  const port = typeof address === 'object' ? address?.port : 0;
  server = await startTestServer({
    env: {
      POSTERN_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      POSTERN_REGISTRATION: 'initial_access_token',
      POSTERN_TRUSTED_PROXIES: '127.0.0.1',
      POSTERN_CLIENT_CERTIFICATE_HEADER: 'client-cert',
      LOG_LEVEL: 'debug',
    },
    before: (app) => {
      app.addHook('onRoute', ({ method, url }: RouteOptions) => {
        routes.push(
          ...[method]
            .flat()
            .filter((name) => name !== 'HEAD')
            .map((name) => ({ method: name, url })),
        );
      });
    },
    hosted: { migrations: policyMigrations, apis: hostPolicies },
  });
  token = await server.rootToken();
});
afterAll(() => new Promise((closed) => collector.close(closed)));

/** Each request comes from an address of its own, so that none is refused because others failed. */
let requests = 0;
const nextAddress = () => {
  requests += 1;
  return `10.${requests >> 16}.${(requests >> 8) & 255}.${requests & 255}`;
};

async function send(method: string, path: string, init: { headers?: Record<string, string>; body?: string } = {}) {
  const sent = {
    method,
    headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': nextAddress(), ...init.headers },
    ...(init.body !== undefined && method !== 'GET' && method !== 'HEAD' && { body: init.body }),
  };
  const { status, headers, text } = await sendOverHttp(server.url + path, sent);
  const shown = [text, ...[...headers].map(([name, value]) => `${name}: ${value}`)].join('\n');
  // A bulk write returns elements that it refused as they were sent: that is what it is documented to do.
  const parsed: unknown = shown.startsWith('{"succeeded"') ? JSON.parse(text) : undefined;
  const failed = (parsed as { failed?: { message: string }[] } | undefined)?.failed;
  return { status, shown: failed === undefined ? shown : failed.map(({ message }) => message).join() };
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const json = { 'content-type': 'application/json' };
const filled = (url: string) => url.replaceAll(/:\w+/g, 'some').replace('*', 'some');
const jwt = (header: object, payload: object) =>
  `${[header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.AAAA`;
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

type Place = (route: Route) => Parameters<typeof send>;
const inHeader = (headers: Record<string, string>): Place => {
  return ({ method, url }) => [method, filled(url), { headers }];
};
const inForm = (body: string): Place => {
  return ({ method, url }) => [method, filled(url), { headers: form, body }];
};
const inJson = (body: unknown): Place => {
  return ({ method, url }) => [method, filled(url), { headers: json, body: JSON.stringify(body) }];
};

const places: Record<string, Place> = {
  'a segment for each parameter': ({ method, url }) => [method, url.replaceAll(/:\w+|\*/g, secret)],
  'a segment after the path': ({ method, url }) => [method, `${filled(url)}/${secret}`],
  'a segment before it, encoded': ({ method, url }) => [method, `/%4d${secret.slice(1)}${filled(url)}`],
  'the value of a query parameter': ({ method, url }) => [method, `${filled(url)}?page=${secret}&kind=${secret}`],
  'the name of a query parameter': ({ method, url }) => [method, `${filled(url)}?${secret}=1`],
  'another method': ({ url }) => ['PATCH', `${filled(url)}?client_secret=${secret}`],
  'the value of headers': inHeader({
    accept: secret,
    dpop: secret,
    'x-request-id': secret,
    'x-forwarded-for': secret,
    'client-cert': secret,
    traceparent: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`,
    tracestate: `vendor=${secret}`,
    baggage: `secret=${secret}`,
    'user-agent': secret,
    origin: `https://${secret}`,
    'if-none-match': `"${secret}"`,
  }),
  'the name of a header': inHeader({ [`x-${secret}`]: '1' }),
  'the media type': ({ method, url }) => [
    method,
    filled(url),
    { headers: { 'content-type': `application/${secret}` }, body: 'x' },
  ],
  'the scheme of Authorization': inHeader({ authorization: `${secret} x` }),
  'Authorization without a scheme': inHeader({ authorization: secret }),
  'a Bearer token': inHeader({ authorization: `Bearer ${secret}` }),
  'a DPoP token': inHeader({ authorization: `DPoP ${secret}`, dpop: jwt({ typ: secret, alg: secret }, {}) }),
  'the parts of a Bearer token': inHeader({
    authorization: `Bearer ${jwt({ alg: 'ES256', typ: 'at+jwt', kid: secret }, { iss: secret, sub: secret, jti: secret })}`,
  }),
  'broken parts of a Bearer token': inHeader({ authorization: `Bearer ${secret}.${secret}.${secret}` }),
  'Basic without base64': ({ method, url }) => [
    method,
    filled(url),
    { headers: { ...form, authorization: `Basic ${secret}` }, body: 'grant_type=client_credentials' },
  ],
  'Basic without a colon': ({ method, url }) => [
    method,
    filled(url),
    { headers: { ...form, authorization: basic(secret) }, body: 'grant_type=client_credentials' },
  ],
  'the id in Basic': ({ method, url }) => [
    method,
    filled(url),
    { headers: { ...form, authorization: basic(`${secret}:x`) }, body: 'grant_type=client_credentials&token=x' },
  ],
  'a form as a whole': inForm(secret),
  'the name of a form parameter': inForm(`${secret}=1`),
  'such a name twice': inForm(`${secret}=1&${secret}=2`),
  'such a name, too long': inForm(`${secret}${'x'.repeat(200)}=1`),
  'the grant type': inForm(`grant_type=${secret}&client_id=${secret}&client_secret=${secret}`),
  'parameters separated by semicolons': inForm(
    `grant_type=client_credentials;client_id=a;client_secret=${secret};token=${secret}`,
  ),
  'a form that is encoded twice': inForm(encodeURIComponent(`grant_type=client_credentials&client_secret=${secret}`)),
  'JSON in a form': inForm(JSON.stringify({ grant_type: 'client_credentials', client_secret: secret })),
  'JSON with spaces in a form': inForm(JSON.stringify({ client_secret: secret }, null, 2)),
  'JSON in a form, encoded': inForm(encodeURIComponent(JSON.stringify({ client_secret: secret, a: '=' }))),
  'the assertions': inForm(
    `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=${jwt({ alg: 'ES256', typ: secret }, { iss: secret, sub: secret, exp: 9e9 })}` +
      `&client_assertion_type=${secret}&client_assertion=${secret}`,
  ),
  'the client assertion': inForm(
    `grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer` +
      `&token=x&client_assertion=${jwt({ alg: secret }, { iss: secret, sub: secret, aud: secret, jti: secret, exp: 9e9 })}`,
  ),
  'the control characters of a form': inForm(`client_secret=${secret}%00&${secret}`),
  'the broken encoding of a form': inForm(`client_secret=${secret}%zz`),
  'JSON with JSON as its type': inJson({ grant_type: 'client_credentials', client_secret: secret }),
  'JSON that is a string': inJson(secret),
  'JSON that is an array': inJson([secret, { [secret]: secret }]),
  'JSON that is none': ({ method, url }) => [
    method,
    filled(url),
    { headers: json, body: `{"client_secret":"${secret}` },
  ],
  'the name of a member': inJson({ [secret]: 1 }),
  'the name of a member inside': inJson({ jwks: { keys: [{ [secret]: secret }] }, rules: [{ [secret]: 1 }] }),
  'the value of every member': inJson(
    Object.fromEntries(
      [
        ...['client_id', 'client_secret', 'token', 'scopes', 'scope', 'grantable_scopes', 'resources', 'enabled'],
        ...['jwks', 'jwks_uri', 'token_endpoint_auth_method', 'grant_types', 'access_token_ttl_seconds', 'rules'],
        ...['issuer', 'identifier', 'operations', 'schema', 'alg', 'expires_in', 'redirect_uris', 'software_statement'],
        ...['authorization_details_types', 'may_act', 'overlap_seconds', 'tls_client_auth_subject_dn'],
      ].map((name) => [name, secret]),
    ),
  ),
  'the names that lists have': inJson({
    scopes: [secret],
    grantable_scopes: [secret],
    resources: [secret],
    authorization_details_types: [secret],
  }),
  'private keys': inJson({
    jwks: {
      keys: [
        { kty: 'oct', k: secret },
        { kty: 'RSA', n: secret, e: 'AQAB', d: secret },
      ],
    },
  }),
  'one private key': inJson({ jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: secret, y: secret, d: secret }] } }),
  'the operations of a batch': inJson({
    operations: [
      { method: 'POST', path: `/api/v1/oauth/client/${secret}`, body: { client_secret: secret } },
      { method: secret, path: secret, [secret]: secret },
    ],
  }),
  'one operation of a batch': inJson({ operations: [{ method: 'DELETE', path: `/api/v1/oauth/client/${secret}` }] }),
  'elements of a bulk write': inJson([{ name: 'x', key: `${secret} x`, rules: secret, [secret]: secret }]),
  multipart: ({ method, url }) => {
    const parts = ['client_secret', secret].map(
      (name) => `--boundary\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${secret}\r\n`,
    );
    const headers = { 'content-type': 'multipart/form-data; boundary=boundary' };
    return [method, filled(url), { headers, body: `${parts.join('')}--boundary--\r\n` }];
  },
  'text that is too large': inForm(`client_secret=${secret}&${secret}=${secret.repeat(8_000)}`),
  'JSON that is too large': inJson({ [secret]: secret.repeat(8_000) }),
};

/** Answers with what it was asked to decode; its log lines count. */
const answersWithContent = ({ url }: Route) => url === '/api/v1/oauth/explain';

describe('a secret that is sent as', () => {
  test.each(Object.entries(places))('%s is in no answer', async (_name, place) => {
    const leaks: string[] = [];
    for (const route of routes) {
      const { status, shown } = await send(...place(route));
      if ((shown.includes(mark) && !answersWithContent(route)) || status >= 500 || status === 429) {
        leaks.push(`${route.method} ${route.url} ${status} ${shown}`);
      }
    }
    expect(leaks).toEqual([]);
  });

  test('any of these is in no log line, metric, trace or audit event', async () => {
    const rows = await sql<{
      text: string;
    }>`select data as text from events union all select subject from events`.execute(server.db);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    await server.close();
    expect(server.log.length).toBeGreaterThan(routes.length);
    expect(traces.join('').length).toBeGreaterThan(0);
    for (const texts of [server.log, [metrics], traces, rows.rows.map(({ text }) => text)]) {
      expect(texts.filter((text) => String(text).includes(mark))).toEqual([]);
    }
  });
});
