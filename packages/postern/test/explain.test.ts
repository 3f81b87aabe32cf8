/** `postern explain`: the right cause for everything that can be wrong with a token, and no more than one may know. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { freePort } from '@postern/testing/free-port';
import { type Credentials, claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SignedIn, signIn } from './signed-in.ts';

const billing = 'https://billing.example.com';

let server: TestServer;
let root: SignedIn;
let nobody: SignedIn;
let client: Credentials;

beforeAll(async () => {
  server = await startTestServer();
  const token = await server.rootToken();
  const resource = { key: 'billing', identifier: billing, scopes: ['policy:read'] };
  await server.call('PUT', '/api/v1/oauth/resource', { token, body: resource });
  client = await server.createClient({ scopes: ['policy:read', 'rule:read'], resources: [billing] });
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
  const open = checks.filter(({ finding }: { finding: string }) => finding === 'unknown');
  return { reason, open: open.map(({ about }: { about: string }) => about), checks };
}

const change = async (id: string, body: unknown) =>
  server.call('PATCH', `/api/v1/oauth/client/${id}`, { token: await server.rootToken(), body });

/** A token that was issued `seconds` ago. */
async function tokenOfThePast(credentials: Credentials, seconds: number): Promise<string> {
  await server.advance(-seconds);
  try {
    return await server.token(credentials);
  } finally {
    await server.advance(seconds);
  }
}

/** With another payload or header, and a signature by a key of our own. */
function forge(token: string, header: object, payload: object = {}): string {
  const [head = '', body = ''] = token.split('.');
  const encode = (part: string, more: object) =>
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(part, 'base64url').toString()), ...more })).toString(
      'base64url',
    );
  const input = `${encode(head, header)}.${encode(body, payload)}`;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

describe('a token that passes', () => {
  test('in words, with all that was checked', async () => {
    const { code, stdout } = await root.pipe(await server.token(client), 'explain', '-', '--needs', 'policy:read');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^This token passes\.\n/);
    expect(stdout).toMatch(/ok {2}scope +It holds the scope policy:read\./);
    expect(stdout).not.toContain('What to do');
  });

  test('as an argument, and with the words of the header before it', async () => {
    const token = await server.token(client);
    expect((await root.run('explain', token)).code).toBe(0);
    expect((await root.pipe(`Authorization: Bearer ${token}\n`, 'explain', '-')).code).toBe(0);
  });
});

describe('the cause of a refusal, and what to do', () => {
  test('expired', async () => {
    const short = await server.createClient({ scopes: ['policy:read'], access_token_ttl_seconds: 60 });
    const { reason, checks } = await explain(root, await tokenOfThePast(short, 7_300));
    expect(reason).toBe('token_expired');
    expect(checks.find(({ about }: { about: string }) => about === 'time').text).toMatch(
      /^It expired at .*Z, 2 hours ago\.$/,
    );
  });

  test('revoked', async () => {
    const token = await server.token(client);
    const { clientId, clientSecret } = client;
    await server.postForm('/api/v1/oauth/revoke', { token, client_id: clientId, client_secret: clientSecret });
    expect(await explain(root, token)).toMatchObject({ reason: 'token_revoked', open: [] });
  });

  test('all tokens of its client ended', async () => {
    const other = await server.createClient({ scopes: ['policy:read'] });
    const token = await server.token(other);
    await server.call('POST', `/api/v1/oauth/client/${other.clientId}/revoke`, { token: await server.rootToken() });
    expect((await explain(root, token)).reason).toBe('generation_old');
  });

  test('client gone', async () => {
    const other = await server.createClient({ scopes: ['policy:read'] });
    const token = await server.token(other);
    await server.call('DELETE', `/api/v1/oauth/client/${other.clientId}`, { token: await server.rootToken() });
    const { code, stdout } = await root.pipe(token, 'explain', '-');
    expect([code, stdout.split('\n')[0]]).toEqual([
      1,
      `This token is refused. Its client ${other.clientId} is gone: it was deleted.`,
    ]);
    expect(stdout).toContain('What to do:\n  Make another: postern client create\n');
  });

  test('client disabled', async () => {
    const other = await server.createClient({ scopes: ['policy:read'] });
    const token = await server.token(other);
    await change(other.clientId, { enabled: false });
    expect((await explain(root, token)).reason).toBe('client_disabled');
  });

  test('a scope withdrawn', async () => {
    const other = await server.createClient({ scopes: ['policy:read', 'rule:read'] });
    const token = await server.token(other);
    await change(other.clientId, { scopes: ['policy:read'] });
    const { reason, checks } = await explain(root, token);
    expect(reason).toBe('scope_withdrawn');
    expect(checks.find(({ about }: { about: string }) => about === 'standing').text).toContain('rule:read');
  });

  test('a resource withdrawn', async () => {
    const other = await server.createClient({ scopes: ['policy:read'], resources: [billing] });
    const { clientId, clientSecret } = other;
    const form = {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      resource: billing,
    };
    const { body } = await server.postForm('/api/v1/oauth/token', form);
    expect((await explain(root, body.access_token, '--audience', billing)).reason).toBeNull();
    await change(clientId, { resources: null });
    expect((await explain(root, body.access_token, '--audience', billing)).reason).toBe('resource_withdrawn');
  });

  test.each([
    ['policy:read', 'rule:read', /asked for a token without it: postern token --scope rule:read$/],
    ['policy:read', 'storage:read', /postern client update \w+ --add-scope storage:read$/],
  ])('a token with %s lacks the scope %s', async (held, needed, next) => {
    const { reason, checks } = await explain(root, await server.token(client, held), '--needs', needed);
    expect(reason).toBe('scope_missing');
    expect(checks.find(({ about }: { about: string }) => about === 'scope').next).toMatch(next);
  });

  test('wrong audience', async () => {
    const { reason, checks } = await explain(root, await server.token(client), '--audience', billing);
    expect(reason).toBe('audience_wrong');
    const { text, next } = checks.find(({ about }: { about: string }) => about === 'audience');
    expect([text, next]).toEqual([
      `It is for ${server.url}, and not for ${billing}.`,
      `Get one for it: postern token --resource ${billing}`,
    ]);
  });

  test('wrong issuer, and unknown key', async () => {
    const other = await startTestServer();
    const impostor = await startTestServer({ env: { POSTERN_ISSUER: server.url } });
    try {
      expect((await explain(root, await other.rootToken())).reason).toBe('issuer_wrong');
      expect((await explain(root, await impostor.rootToken())).reason).toBe('key_unknown');
    } finally {
      await other.close();
      await impostor.close();
    }
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

  test('a token that was exchanged falls with the one that it stands on', async () => {
    const exchanger = await server.createClient({
      scopes: ['policy:read'],
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    });
    const subject = await server.createClient({ scopes: ['policy:read'], may_act: exchanger.clientId });
    const subjectToken = await server.token(subject);
    const { body } = await server.postForm('/api/v1/oauth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_id: exchanger.clientId,
      client_secret: exchanger.clientSecret,
      subject_token: subjectToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    expect((await explain(root, body.access_token)).reason).toBeNull();
    await change(subject.clientId, { enabled: false });
    expect((await explain(root, body.access_token)).reason).toBe('client_disabled');
  });

  test.each<[string, (token: string) => string]>([
    ['token_malformed', () => ''],
    ['token_malformed', () => 'opaque-token'],
    ['token_malformed', (token) => token.slice(0, 100)],
    ['token_malformed', (token) => `${token}.`],
    ['token_type_wrong', (token) => forge(token, { typ: 'JWT' })],
    ['token_malformed', (token) => forge(token, { crit: ['x'] })],
    ['key_unknown', (token) => forge(token, { kid: 'another' })],
    ['algorithm_not_allowed', (token) => forge(token, { alg: 'HS256' })],
    ['signature_wrong', (token) => forge(token, {}, { scope: 'client:create' })],
    ['issuer_wrong', (token) => forge(token, {}, { iss: 'https://evil.example' })],
  ])('%s: a token that was made or broken by hand (%#)', async (reason, spoil) => {
    const explained = await explain(root, spoil(await server.token(client)));
    expect(explained.reason).toBe(reason);
    // What is not genuine says nothing about clients or scopes.
    expect(explained.checks.map(({ about }: { about: string }) => about)).not.toContain('standing');
  });

  test('nothing in a token moves the cursor of a terminal', async () => {
    const { stdout } = await root.pipe(
      forge(await server.token(client), { typ: '\u001b[2J' }, { iss: 'a\u001b]0;b\u0007\nok' }),
      'explain',
      '-',
    );
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
      expect(await explain(own, token)).toMatchObject({ reason: null, open: [] });
      const { clientId, clientSecret } = client;
      await server.postForm('/api/v1/oauth/revoke', { token, client_id: clientId, client_secret: clientSecret });
      expect(await explain(own, token)).toMatchObject({ reason: 'token_revoked', open: [] });
      const other = await server.createClient({ scopes: ['policy:read'] });
      expect(await explain(own, await server.token(other))).toMatchObject({ reason: null, open: ['standing'] });
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
      expect(await explain(reader, await server.rootToken())).toMatchObject({ reason: null, open: ['standing'] });
    } finally {
      reader.forget();
    }
  });

  test('a server that does not answer is no verdict', async () => {
    const unused = `http://127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await nobody.pipe(await server.token(client), 'explain', '-', '--server', unused);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain(`postern: cannot reach ${unused}: nothing listens there.`);
  });

  test('the claims of a test token are what the test thinks they are', async () => {
    expect(claimsOf(await server.token(client))).toMatchObject({ iss: server.url, aud: server.url });
  });
});
