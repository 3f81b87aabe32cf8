/** The client by its certificate, over TLS to Postern. RFC 8705 §2 and §3. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, createIdentity, createServerIdentity, tlsFetch } from '@postern/testing/certificates';
import { claimsOf, startTestServer } from '@postern/testing/test-server';
import { Agent } from 'undici';
import { expect, test } from 'vitest';
import { createTokenClient, type Fetch, mutualTls } from '../src/index.ts';

test('the certificate of the connection authenticates, and tokens are bound to it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-tls-'));
  const [servers, clients] = await Promise.all([createAuthority('Servers'), createAuthority('Clients')]);
  const { cert, key } = await createServerIdentity(servers);
  const billing = await createIdentity({ subject: [{ CN: ['billing'] }], issuer: clients });
  const fileOf = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const server = await startTestServer({
    env: {
      POSTERN_TLS_CERT_FILE: fileOf('server.crt', cert),
      POSTERN_TLS_KEY_FILE: fileOf('server.key', key),
      POSTERN_TLS_CLIENT_CA_FILE: fileOf('clients.crt', clients.cert),
    },
    fetch: tlsFetch(servers),
  });
  try {
    const { clientId } = await server.createClient({
      scopes: ['scope:read'],
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=billing',
      tls_client_certificate_bound_access_tokens: true,
    });
    const clientWith = (fetch: Fetch) =>
      createTokenClient({ issuer: server.url, authentication: mutualTls(clientId), fetch });
    // As docs/call-an-api.md shows it, with the CA of the test in addition.
    const dispatcher = new Agent({ connect: { cert: billing.cert, key: billing.key, ca: servers.cert } });
    const client = clientWith((url, init) => fetch(url, Object.assign({ dispatcher }, init)));
    expect((await client.fetch(`${server.url}/api/v1/oauth/scope`)).status).toBe(200);
    expect(claimsOf((await client.getToken()).accessToken)['cnf']).toEqual({ 'x5t#S256': expect.any(String) });
    await expect(clientWith(tlsFetch(servers)).getToken()).rejects.toMatchObject({ code: 'invalid_client' });
    await dispatcher.close();
  } finally {
    await server.close();
    rmSync(directory, { recursive: true });
  }
});
