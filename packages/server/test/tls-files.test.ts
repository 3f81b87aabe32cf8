/** TLS files that are replaced while the server runs, and certificates that end soon. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { createAuthority, createIdentity, type Identity, tlsFetch } from '@postern/testing/certificates';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let directory: string;
let authority: Identity;
let server: TestServer;
const day = 86_400_000;

const createServing = (days: number) =>
  createIdentity({
    subject: [{ CN: ['postern'] }],
    issuer: authority,
    forServers: true,
    san: [{ type: 'ip', value: '127.0.0.1' }],
    notAfter: server === undefined ? Date.now() + days * day : server.now() + days * day,
  });
const write = (name: string, content: string) => writeFileSync(join(directory, name), content);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-tls-'));
  authority = await createIdentity({
    subject: [{ CN: ['Servers'] }],
    isAuthority: true,
    notAfter: Date.now() + 900 * day,
  });
  const { cert, key } = await createServing(30);
  write('server.crt', cert);
  write('server.key', key);
  write('clients.crt', authority.cert);
  server = await startTestServer({
    env: {
      POSTERN_TLS_CERT_FILE: join(directory, 'server.crt'),
      POSTERN_TLS_KEY_FILE: join(directory, 'server.key'),
      POSTERN_TLS_CLIENT_CA_FILE: join(directory, 'clients.crt'),
    },
    fetch: tlsFetch(authority),
  });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

/** The serial number of the certificate that a new connection gets. */
const presented = () =>
  new Promise<string>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port), ca: authority.cert }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    }).on('error', reject);
  });
const readiness = async () => (await server.call('GET', '/health/ready')).body;

test('a renewed certificate is presented within a minute, without a restart', async () => {
  const before = await presented();
  const { cert, key, x509 } = await createServing(10);
  write('server.crt', cert);
  write('server.key', key);
  await server.advance(60);
  expect(await presented()).toBe(x509.serialNumber);
  expect(x509.serialNumber).not.toBe(before);
});

test('one without its key is not, until the key is there', async () => {
  const before = await presented();
  const { cert, key, x509 } = await createServing(10);
  write('server.crt', cert);
  await server.advance(60);
  expect(await presented()).toBe(before);
  expect(server.log.at(-1)).toContain('what was read before is used');
  write('server.key', key);
  await server.advance(60);
  expect(await presented()).toBe(x509.serialNumber);
});

test('readiness and metrics tell of a certificate that ends within 14 days, and of no other', async () => {
  const expiries = async () =>
    [
      ...(await server.call('GET', '/metrics')).body.matchAll(
        /^postern_certificate_expiry_\w+\{variable="(\w+)"\} (\S+)$/gm,
      ),
    ].map(([, variable, seconds]) => [variable, Number(seconds) * 1000]);
  const soon = await createServing(10);
  write('server.crt', soon.cert);
  write('server.key', soon.key);
  await server.advance(60);
  const end = Date.parse(soon.x509.validTo);
  expect(await readiness()).toMatchObject({
    status: 'ok',
    certificates_expiring: [{ variable: 'POSTERN_TLS_CERT_FILE', expires_at: new Date(end).toISOString() }],
  });
  expect(await expiries()).toEqual([
    ['POSTERN_TLS_CERT_FILE', end],
    ['POSTERN_TLS_CLIENT_CA_FILE', Date.parse(authority.x509.validTo)],
  ]);

  const renewed = await createServing(90);
  write('server.crt', renewed.cert);
  write('server.key', renewed.key);
  await server.advance(60);
  expect(await readiness()).not.toHaveProperty('certificates_expiring');
});

test('an authority of clients that is replaced counts for the next connection', async () => {
  const other = await createAuthority('Other');
  const billing = await createIdentity({ subject: [{ CN: ['billing'] }], issuer: other });
  const { clientId } = await server.createClient({
    scopes: ['scope:read'],
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=billing',
  });
  const request = async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId });
    return (await tlsFetch(authority, billing)(`${server.url}/api/v1/oauth/token`, { method: 'POST', body })).status;
  };
  expect(await request()).toBe(401);
  write('clients.crt', other.cert);
  await server.advance(60);
  expect(await request()).toBe(200);
});
