/**
 * A client that is disabled gets no token, whichever way it authenticates and whichever grant it uses, and learns
 * nothing by it. RFC 6749 §2.3 and §5.2, RFC 7523 §3, RFC 8705 §2.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAuthority,
  createIdentity,
  createServerIdentity,
  type Identity,
  tlsFetch,
} from '@postern/testing/certificates';
import { createKubernetes, kubernetesIssuer, type Platform } from '@postern/testing/platform-tokens';
import { type Answer, startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jwtBearer, tokenExchange, tokenPath } from './jwt-places.ts';

const clientPath = '/api/v1/oauth/client';

let directory: string;
let authority: Identity;
let certificate: Identity;
let keyPair: GenerateKeyPairResult;
let platform: Platform;
let server: TestServer;
let root: string;
/** A token that is valid for Postern's own APIs, for clients to exchange. */
let subjectToken: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-disabled-'));
  authority = await createAuthority('Everybody');
  const serverIdentity = await createServerIdentity(authority);
  const fileOf = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  certificate = await createIdentity({ subject: [{ CN: ['billing'] }], issuer: authority });
  keyPair = await generateKeyPair('ES256');
  server = await startTestServer({
    env: {
      POSTERN_TLS_CERT_FILE: fileOf('server.crt', serverIdentity.cert),
      POSTERN_TLS_KEY_FILE: fileOf('server.key', serverIdentity.key),
      POSTERN_TLS_CLIENT_CA_FILE: fileOf('clients.crt', authority.cert),
    },
    fetch: tlsFetch(authority),
  });
  root = await server.rootToken();
  platform = await createKubernetes(server.url, server.now);
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

interface Credentials {
  readonly form?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly identity?: Identity;
}

interface Method {
  readonly metadata: () => Promise<object>;
  /** Different ones for each call, unless the method says that the same may be sent again. */
  readonly credentials: (clientId: string, clientSecret: string) => Promise<Credentials>;
}

const assertionOf = (clientId: string, jti: string) => {
  const now = Math.floor(server.now() / 1000);
  return new SignJWT({ iss: clientId, sub: clientId, aud: server.url, jti, iat: now, exp: now + 60 })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(keyPair.privateKey);
};

const methods: Record<string, Method> = {
  client_secret_basic: {
    metadata: async () => ({}),
    credentials: async (clientId, clientSecret) => ({
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    }),
  },
  client_secret_post: {
    metadata: async () => ({}),
    credentials: async (client_id, client_secret) => ({ form: { client_id, client_secret } }),
  },
  private_key_jwt: {
    metadata: async () => ({ jwks: { keys: [await exportJWK(keyPair.publicKey)] } }),
    credentials: async (clientId) => ({
      form: {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        // The same id each time: a refusal must not use it up.
        client_assertion: await assertionOf(clientId, 'the only one'),
      },
    }),
  },
  tls_client_auth: {
    metadata: async () => ({ tls_client_auth_subject_dn: 'CN=billing' }),
    credentials: async (client_id) => ({ form: { client_id }, identity: certificate }),
  },
  self_signed_tls_client_auth: {
    metadata: async () => ({ jwks: { keys: [await exportJWK(certificate.keys.publicKey)] } }),
    credentials: async (client_id) => ({ form: { client_id }, identity: certificate }),
  },
};

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const grants: Record<string, () => Record<string, string>> = {
  client_credentials: () => ({}),
  [tokenExchange]: () => ({ subject_token: subjectToken, subject_token_type: accessTokenType }),
};

const cases = Object.keys(methods).flatMap((method) => Object.keys(grants).map((grant) => [method, grant] as const));

async function post(form: Record<string, string>, { headers = {}, identity }: Credentials = {}): Promise<Answer> {
  const response = await tlsFetch(authority, identity)(server.url + tokenPath, {
    method: 'POST',
    headers,
    body: new URLSearchParams(form),
  });
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

async function createClient(body: object): Promise<{ client_id: string; client_secret: string }> {
  const answer = await server.call('POST', clientPath, {
    token: root,
    body: { scopes: ['scope:read'], grant_types: ['client_credentials', tokenExchange], ...body },
  });
  expect([answer.status, answer.body.detail]).toEqual([200, undefined]);
  return answer.body;
}

async function setEnabled(clientId: string, enabled: boolean): Promise<void> {
  const answer = await server.call('PATCH', `${clientPath}/${clientId}`, { token: root, body: { enabled } });
  expect(answer.status).toBe(200);
}

/** The reason in the log for the last error of the token endpoint. */
const lastReason = () =>
  server.log
    .map((line) => JSON.parse(line))
    .filter(({ reason }) => reason !== undefined)
    .at(-1)?.reason;

test.each(cases)('%s with grant_type %s', async (method, grant_type) => {
  const { metadata, credentials } = methods[method] as Method;
  const { client_id, client_secret } = await createClient({
    token_endpoint_auth_method: method,
    ...(await metadata()),
  });
  // A token of root is not for this client to exchange, which only an authenticated client learns.
  const ask = async (id = client_id) => {
    const sent = await credentials(id, client_secret);
    return post({ grant_type, ...grants[grant_type]?.(), ...sent.form }, sent);
  };
  subjectToken = await server.rootToken();

  await setEnabled(client_id, false);
  const disabled = await ask();
  expect([disabled.status, disabled.body.error, lastReason()]).toEqual([401, 'invalid_client', 'client_disabled']);
  const unknown = await ask('nobody');
  expect(lastReason()).toBe('client_unknown');
  expect([unknown.status, unknown.body]).toEqual([disabled.status, disabled.body]);

  // The same credentials work as soon as the client is enabled, so nothing else was wrong with them.
  await setEnabled(client_id, true);
  const enabled = await ask();
  expect([enabled.status, enabled.body.error]).toEqual(
    grant_type === tokenExchange ? [400, 'invalid_request'] : [200, undefined],
  );
});

test('none, with grant_type jwt-bearer', async () => {
  const { client_id } = await createClient({ token_endpoint_auth_method: 'none', grant_types: [jwtBearer] });
  const trusted = await server.call('PUT', '/api/v1/oauth/issuer', {
    token: root,
    body: {
      key: 'cluster',
      issuer: kubernetesIssuer,
      jwks: { keys: [platform.jwk] },
      single_use: true,
      rules: [{ client_id, claims: { '/kubernetes.io/namespace': 'payments' } }],
    },
  });
  expect(trusted.status).toBe(200);
  const assertion = await platform.token();
  const ask = async (text: string) => post({ grant_type: jwtBearer, assertion: text });

  await setEnabled(client_id, false);
  const disabled = await ask(assertion);
  expect([disabled.status, disabled.body.error, lastReason()]).toEqual([400, 'invalid_grant', 'client_disabled']);
  const untrusted = await ask(await platform.token({ iss: 'https://nobody.example' }));
  expect(lastReason()).toBe('issuer_wrong');
  expect([untrusted.status, untrusted.body]).toEqual([disabled.status, disabled.body]);

  // Neither was the assertion used up.
  await setEnabled(client_id, true);
  expect((await ask(assertion)).status).toBe(200);
  expect((await ask(assertion)).status).toBe(400);
});
