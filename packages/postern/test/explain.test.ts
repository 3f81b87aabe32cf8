/** `postern explain`: what the server says of a token, in words and as JSON. Each cause has its test with the server. */
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { freePort } from '@postern/testing/free-port';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SignedIn, signIn } from './signed-in.ts';

const billing = 'https://billing.example.com';

let server: TestServer;
let root: SignedIn;
let nobody: SignedIn;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.createClient({ scopes: ['policy:read', 'rule:read'] });
  root = await signIn(server.url, server.root);
  nobody = await signIn(server.url);
});
afterAll(async () => {
  root.forget();
  nobody.forget();
  await server.close();
});

async function explain(user: SignedIn, token: string, ...args: string[]) {
  const { code, stdout, stderr } = await user.pipe(token, 'explain', '-', '--server', server.url, '--json', ...args);
  expect(stderr).toBe('');
  const { verdict, reason, checks } = JSON.parse(stdout);
  expect(code).toBe(verdict === 'passes' ? 0 : 1);
  const open = checks.filter(({ result }: { result: string }) => result === 'unknown');
  return { reason, open: open.map(({ name }: { name: string }) => name) };
}

const change = async (id: string, body: unknown) =>
  server.call('PATCH', `/api/v1/oauth/client/${id}`, { token: await server.rootToken(), body });

describe('a token that passes', () => {
  test('of an accepted token lists every check', async () => {
    const { code, stdout } = await root.pipe(await server.token(client), 'explain', '-', '--needs', 'policy:read');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^This token passes\.\n/);
    expect(stdout).toMatch(/ok {2}status +It is active/);
    expect(stdout).toMatch(/ok {2}scope +It has the scope policy:read\./);
    expect(stdout).not.toContain('What to do');
  });

  test('as an argument, and with the words of the header before it', async () => {
    const token = await server.token(client);
    expect((await root.run('explain', token)).code).toBe(0);
    expect((await root.pipe(`Authorization: Bearer ${token}\n`, 'explain', '-')).code).toBe(0);
  });
});

describe('a token that is refused', () => {
  test('in words, with the cause first and what to do about it last', async () => {
    const other = await server.createClient({ scopes: ['policy:read'] });
    const token = await server.token(other);
    await server.call('DELETE', `/api/v1/oauth/client/${other.clientId}`, { token: await server.rootToken() });
    const { code, stdout } = await root.pipe(token, 'explain', '-');
    expect([code, stdout.split('\n')[0]]).toEqual([
      1,
      `This token is refused. It is of the client ${other.clientId}, which was deleted.`,
    ]);
    expect(stdout).toContain('What to do:\n  Create another client: postern client create\n');
  });

  test('several missing scopes', async () => {
    const token = await server.token(client, 'policy:read');
    const { stdout } = await root.pipe(token, 'explain', '-', '--needs', 'rule:read', '--needs', 'storage:read');
    expect(stdout).toMatch(
      /NO {2}scope +It lacks the scope rule:read\..*\n {2}NO {2}scope +It lacks the scope storage:read/,
    );
  });

  test('another audience', async () => {
    expect((await explain(root, await server.token(client), '--audience', billing)).reason).toBe('audience_wrong');
    expect((await explain(root, await server.token(client), '--audience', server.url)).reason).toBeNull();
  });

  test('bound to a DPoP key and without a proof; with one it passes', async () => {
    const bound = await server.createClient({ scopes: ['policy:read'], dpop_bound_access_tokens: true });
    const tokens = createTokenClient({
      issuer: server.url,
      authentication: clientSecretBasic(bound.clientId, bound.clientSecret),
      dpop: true,
    });
    const { accessToken } = await tokens.getToken();
    expect((await explain(root, accessToken)).reason).toBe('proof_missing');
    expect((await explain(root, accessToken, '--proof')).reason).toBeNull();
  });

  test.each(['', 'opaque-token', `${'a'.repeat(20_000)}.b.c`])('no token at all (%#)', async (token) => {
    expect((await explain(nobody, token)).reason).toBe('token_malformed');
  });

  test('nothing in a token moves the cursor of a terminal', async () => {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const header = encode({ typ: 'at+jwt', kid: '\u001b[2J' });
    const token = `${header}.${encode({ iss: 'a\u001b]0;b\u0007\nok' })}.AAAA`;
    const { stdout } = await root.pipe(token, 'explain', '-');
    expect(stdout).toContain('refused');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('what one may know', () => {
  test('without a sign-in: all but whether it was revoked, and it says so', async () => {
    const token = await server.token(client);
    const { code, stdout } = await nobody.pipe(
      token,
      'explain',
      '-',
      '--server',
      server.url,
      '--needs',
      'storage:read',
    );
    expect([code, stdout]).toEqual([1, expect.stringContaining('It lacks the scope storage:read')]);
    const passing = await nobody.pipe(token, 'explain', '-', '--server', server.url);
    expect([passing.code, passing.stdout]).toEqual([
      0,
      expect.stringMatching(/^This token passes, as far as could be seen\./),
    ]);
    expect(passing.stdout).toContain('postern login');
  });

  test('a client learns whether its own tokens were revoked, and nothing of those of others', async () => {
    const own = await signIn(server.url, client);
    try {
      const token = await server.token(client);
      expect(await explain(own, token)).toEqual({ reason: null, open: [] });
      const { clientId, clientSecret } = client;
      await server.postForm('/api/v1/oauth/revoke', { token, client_id: clientId, client_secret: clientSecret });
      expect(await explain(own, token)).toEqual({ reason: 'token_revoked', open: [] });
      const other = await server.createClient({ scopes: ['policy:read'] });
      expect(await explain(own, await server.token(other))).toEqual({ reason: null, open: ['status'] });
    } finally {
      own.forget();
    }
  });

  test('a client with client:read sees that a client is disabled, and does not take root for one that is gone', async () => {
    const reader = await signIn(server.url, await server.createClient({ scopes: ['client:read'] }));
    try {
      const other = await server.createClient({ scopes: ['policy:read'] });
      const token = await server.token(other);
      await change(other.clientId, { enabled: false });
      expect((await explain(reader, token)).reason).toBe('client_disabled');
      expect(await explain(reader, await server.rootToken())).toEqual({ reason: null, open: ['status'] });
    } finally {
      reader.forget();
    }
  });
});

describe('no verdict', () => {
  test('from a server that does not answer', async () => {
    const unused = `http://127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await nobody.pipe(await server.token(client), 'explain', '-', '--server', unused);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain(`postern: cannot reach ${unused}: nothing is listening there.`);
  });
});
