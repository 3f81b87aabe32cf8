/** Client certificates that their authority revoked. RFC 5280 §5 and §6.3, RFC 8705 §7.3. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAuthority,
  createIdentity,
  createRevocationList,
  createServerIdentity,
  type Identity,
  tlsFetch,
} from '@postern/testing/certificates';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let directory: string;
let crlFile: string;
let servers: Identity;
let clients: Identity;
let billing: Identity;
let shipping: Identity;
let server: TestServer;
let bySecret: Credentials;
const clientIds = new Map<Identity, string>();

const day = 86_400_000;
const publish = async (options: Parameters<typeof createRevocationList>[1] = {}, authority = clients) => {
  writeFileSync(crlFile, await createRevocationList(authority, options));
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-crl-'));
  crlFile = join(directory, 'clients.crl');
  servers = await createAuthority('Servers');
  clients = await createAuthority('Clients');
  const { cert, key } = await createServerIdentity(servers);
  const files = { 'server.crt': cert, 'server.key': key, 'clients.crt': clients.cert };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content);
  }
  await publish();
  server = await startTestServer({
    env: {
      POSTERN_TLS_CERT_FILE: join(directory, 'server.crt'),
      POSTERN_TLS_KEY_FILE: join(directory, 'server.key'),
      POSTERN_TLS_CLIENT_CA_FILE: join(directory, 'clients.crt'),
      POSTERN_TLS_CLIENT_CRL_FILE: crlFile,
    },
    fetch: tlsFetch(servers),
  });
  [billing, shipping] = (await Promise.all(
    ['billing', 'shipping'].map((name) => createIdentity({ subject: [{ CN: [name] }], issuer: clients })),
  )) as [Identity, Identity];
  const token = await server.rootToken();
  for (const [identity, name] of [
    [billing, 'billing'],
    [shipping, 'shipping'],
  ] as const) {
    const answer = await server.call('POST', '/api/v1/oauth/client', {
      token,
      body: {
        scopes: ['scope:read'],
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: `CN=${name}`,
        tls_client_certificate_bound_access_tokens: true,
      },
    });
    clientIds.set(identity, answer.body.client_id);
  }
  bySecret = await server.createClient({ scopes: ['scope:read'], tls_client_certificate_bound_access_tokens: true });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  await publish();
  await server.advance(60);
});

async function ask(identity: Identity, form: Record<string, string> = {}) {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientIds.get(identity) ?? '',
    ...form,
  });
  const answer = await tlsFetch(servers, identity)(`${server.url}/api/v1/oauth/token`, { method: 'POST', body });
  return { status: answer.status, body: (await answer.json()) as { access_token: string } };
}

const call = async (identity: Identity, token: string) =>
  (
    await tlsFetch(servers, identity)(`${server.url}/api/v1/oauth/scope`, {
      headers: { authorization: `Bearer ${token}` },
    })
  ).status;

test('a certificate that is not listed authenticates its client', async () => {
  const { status, body } = await ask(billing);
  expect(status).toBe(200);
  expect(await call(billing, body.access_token)).toBe(200);
});

describe.each<[string, number, () => Promise<void>]>([
  ['one that lists the certificate', 401, () => publish({ revoked: [billing] })],
  ['one that has expired', 503, () => publish({ thisUpdate: Date.now() - 2 * day, nextUpdate: Date.now() - day })],
  ['one that is signed by another authority', 503, async () => publish({ signer: await createAuthority('Clients') })],
])('after a new list, %s', (_name, status, renew) => {
  test('the certificate authenticates nobody, binds no token, and uses none that is bound to it', async () => {
    const { body } = await ask(billing);
    await renew();
    await server.advance(60);
    expect((await ask(billing)).status).toBe(status);
    expect(await call(billing, body.access_token)).toBe(status);
    const secret = { client_id: bySecret.clientId, client_secret: bySecret.clientSecret };
    expect((await ask(billing, secret)).status).toBe(status === 401 ? 400 : 503);
  });
});

test('other certificates of the authority stay valid', async () => {
  await publish({ revoked: [billing] });
  await server.advance(60);
  expect((await ask(shipping)).status).toBe(200);
});

test('a file that is damaged leaves the list before in use', async () => {
  await publish({ revoked: [billing] });
  await server.advance(60);
  writeFileSync(crlFile, 'damaged');
  await server.advance(60);
  expect([(await ask(billing)).status, (await ask(shipping)).status]).toEqual([401, 200]);
  expect(server.log.join('')).toContain('cannot read the revocation list');
});

test('the metrics tell how old the oldest list is, and when the first one expires', async () => {
  const times = async () =>
    [...(await server.call('GET', '/metrics')).body.matchAll(/^postern_revocation_list_(\w+?)_\w+ (\S+)$/gm)].map(
      ([, name, seconds]) => [name, Number(seconds)],
    );
  const now = Math.floor(Date.now() / 1000);
  const [older, newer] = await Promise.all(
    [
      { thisUpdate: (now - 7200) * 1000, nextUpdate: Date.parse('2051-01-01T00:00:00Z') },
      { thisUpdate: (now - 60) * 1000, nextUpdate: (now + 3600) * 1000, revoked: [billing, shipping] },
    ].map((options) => createRevocationList(clients, options)),
  );
  writeFileSync(crlFile, `${older}\n${newer}\n`);
  await server.advance(60);
  expect(await times()).toEqual([
    ['issue', now - 7200],
    ['expiry', now + 3600],
  ]);
});
