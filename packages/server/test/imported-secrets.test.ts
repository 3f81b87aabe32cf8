/** Secrets of one's own choice, and secrets of which another server has the digest: bcrypt, PBKDF2 and SHA-512 with a salt. */
import { createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import bcrypt from 'bcrypt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const path = '/api/v1/oauth/client';
const randomSecret = () => randomBytes(24).toString('base64url');
const create = (body: object, token = root) => server.call('POST', path, { token, body });
const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');

const digests: Readonly<Record<string, (secret: string) => string>> = {
  'bcrypt, $2b$': (secret) => bcrypt.hashSync(secret, 4),
  'bcrypt, $2a$, as Go writes it': (secret) => bcrypt.hashSync(secret, 4).replace('$2b$', '$2a$'),
  'bcrypt, $2y$, as PHP writes it': (secret) => bcrypt.hashSync(secret, 4).replace('$2b$', '$2y$'),
  'PBKDF2, as Hydra writes it': (secret) => pbkdf2(secret, 'sha256', 1_000),
  'PBKDF2 with SHA-512': (secret) => pbkdf2(secret, 'sha512', 10),
  'SHA-512 with a salt, as Fidesops computes it': (secret) => {
    const salt = bcrypt.genSaltSync(4);
    const digest = createHash('sha512').update(`${secret}${salt}`).digest();
    return `$sha512$${Buffer.from(salt).toString('base64')}$${digest.toString('base64')}`;
  },
};

function pbkdf2(secret: string, hash: string, iterations: number): string {
  const salt = randomBytes(16);
  const key = pbkdf2Sync(secret, salt, iterations, 32, hash);
  return `$pbkdf2-${hash}$i=${iterations},l=32$${unpadded(salt)}$${unpadded(key)}`;
}

async function moveIn(digest: string, more: object = {}): Promise<string> {
  const { status, body } = await create({ client_secret_digest: digest, scopes: ['policy:read'], ...more });
  expect([status, Object.keys(body)]).toEqual([200, ['client_id']]);
  return body.client_id;
}

const secretsOf = async (clientId: string) =>
  (await server.call('GET', `${path}/${clientId}/secret`, { token: root })).body.items;

/** Resolves when the first use has replaced the digest of the other server. */
const rehashed = (clientId: string) =>
  vi.waitFor(async () =>
    expect((await server.eventsAbout(clientId)).map(({ kind }) => kind)).toContain('secret.rehashed'),
  );

const tokenStatus = async (clientId: string, clientSecret: string) =>
  (
    await server.postForm('/api/v1/oauth/token', {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    })
  ).status;

describe.each(Object.entries(digests))('%s', (_form, digestOf) => {
  test('the old secret gets tokens, a wrong one none, and the first use replaces the digest', async () => {
    const secret = randomSecret();
    const digest = digestOf(secret);
    const clientId = await moveIn(digest);
    expect(await secretsOf(clientId)).toEqual([expect.objectContaining({ last_four: null, last_used_at: null })]);
    expect(await tokenStatus(clientId, `${secret}x`)).toBe(401);
    expect(await tokenStatus(clientId, secret.slice(1))).toBe(401);
    expect(await tokenStatus(clientId, digest)).toBe(401);
    expect(await tokenStatus(clientId, secret)).toBe(200);
    await rehashed(clientId);
    expect(await secretsOf(clientId)).toEqual([expect.objectContaining({ last_four: secret.slice(-4) })]);
    expect(await server.rows('client_secrets')).toContainEqual(
      expect.objectContaining({ client_id: clientId, imported_form: null, imported_digest: null }),
    );
    expect([await tokenStatus(clientId, secret), await tokenStatus(clientId, `${secret}x`)]).toEqual([200, 401]);
    const everything = JSON.stringify([await server.rows('events'), await server.rows('client_secrets'), server.log]);
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain(digest.split('$').at(-1));
  });
});

test('many instances of a client that start at once all get tokens', async () => {
  const secret = randomSecret();
  const clientId = await moveIn(bcrypt.hashSync(secret, 6));
  const statuses = await Promise.all(Array.from({ length: 20 }, () => tokenStatus(clientId, secret)));
  expect(new Set(statuses)).toEqual(new Set([200]));
  await rehashed(clientId);
  expect((await server.eventsAbout(clientId)).filter(({ kind }) => kind === 'secret.rehashed')).toHaveLength(1);
});

test('a secret longer than the 72 bytes that bcrypt reads gets tokens as before, and is exact after its first use', async () => {
  const secret = randomBytes(48).toString('hex');
  const clientId = await moveIn(bcrypt.hashSync(secret.slice(0, 72), 4));
  expect(await tokenStatus(clientId, secret)).toBe(200);
  await rehashed(clientId);
  expect([await tokenStatus(clientId, secret), await tokenStatus(clientId, `${secret.slice(0, 80)}`)]).toEqual([
    200, 401,
  ]);
});

test('the last four characters of a short secret are not shown', async () => {
  const clientId = await moveIn(bcrypt.hashSync('hunter2', 4));
  expect(await tokenStatus(clientId, 'hunter2')).toBe(200);
  await rehashed(clientId);
  expect(await secretsOf(clientId)).toEqual([expect.objectContaining({ last_four: null })]);
});

test('a digest that cannot be replaced keeps nobody from a token', async () => {
  const secret = randomSecret();
  const clientId = await moveIn(bcrypt.hashSync(secret, 4));
  const change = vi.spyOn(server.app.events, 'change').mockRejectedValue(new Error('disk full'));
  expect([await tokenStatus(clientId, secret), await tokenStatus(clientId, secret)]).toEqual([200, 200]);
  expect(change).toHaveBeenCalled();
  change.mockRestore();
  expect(await tokenStatus(clientId, secret)).toBe(200);
  await rehashed(clientId);
});

test('a client that was disabled, and one whose secret was deleted before its first use, get none', async () => {
  const secret = randomSecret();
  const disabled = await moveIn(bcrypt.hashSync(secret, 4), { enabled: false });
  const without = await moveIn(bcrypt.hashSync(secret, 4));
  const [{ secret_id: id }] = await secretsOf(without);
  await server.call('DELETE', `${path}/${without}/secret/${id}`, { token: root });
  expect([await tokenStatus(disabled, secret), await tokenStatus(without, secret)]).toEqual([401, 401]);
});

test('while a secret waits for its first use, each failure compares with a digest of the same form', async () => {
  await server.close();
  server = await startTestServer();
  root = await server.rootToken();
  const known: Credentials = await server.createClient({ scopes: ['policy:read'] });
  const compare = vi.spyOn(bcrypt, 'compare');
  const comparisons = async (clientId: string, secret: string) => {
    compare.mockClear();
    await tokenStatus(clientId, secret);
    return compare.mock.calls.map(([, digest]) => digest.slice(0, 7));
  };
  expect(await comparisons('unknown', 'wrong')).toEqual([]);
  const secret = randomSecret();
  const moved = await moveIn(bcrypt.hashSync(secret, 5));
  for (const id of ['unknown', known.clientId, moved, server.root.clientId]) {
    expect([id, await comparisons(id, 'wrong')]).toEqual([id, ['$2b$05$']]);
  }
  expect(await comparisons(known.clientId, known.clientSecret)).toEqual([]);
  expect(await comparisons(moved, secret)).toEqual(['$2b$05$']);
  await rehashed(moved);
  await comparisons('unknown', 'wrong');
  expect([await comparisons(moved, secret), await comparisons('unknown', 'wrong')]).toEqual([[], []]);
  compare.mockRestore();
});

describe('refused is', () => {
  const tooExpensive = bcrypt.hashSync('x', 4).replace('$04$', '$15$');
  test.each([
    'nonsense',
    '',
    tooExpensive,
    tooExpensive.replace('$15$', '$03$'),
    tooExpensive.replace('$15$', '$31$'),
    tooExpensive.replace('$2b$15$', '$2x$10$'),
    tooExpensive.slice(0, -1).replace('$15$', '$10$'),
    pbkdf2('x', 'sha256', 10).replace('i=10', 'i=2000001'),
    pbkdf2('x', 'sha256', 10).replace('i=10', 'i=0'),
    pbkdf2('x', 'sha256', 10).replace('l=32', 'l=31'),
    pbkdf2('x', 'sha256', 10).replace('sha256', 'md5'),
    '$pbkdf2-sha256$i=1,l=8$AAAA$AAAAAAAAAAA',
    '$sha512$AAAA$AAAA',
    '$argon2id$v=19$m=65536,t=1,p=1$AAAA$AAAA',
  ])('the digest %j, which is not repeated', async (digest) => {
    const { status, body } = await create({ client_secret_digest: digest });
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain('client_secret_digest');
    expect(digest === '' || !JSON.stringify(body).includes(digest)).toBe(true);
  });

  test.each([
    ['short', 'has only 5 characters'],
    ['a'.repeat(40), 'easy to guess'],
    ['0123456789'.repeat(4), 'easy to guess'],
    ['changeme-changeme-changeme', 'easy to guess'],
  ])('the weak secret %j, which is not repeated', async (secret, fault) => {
    const { status, body } = await create({ client_secret: secret });
    expect([status, body.detail]).toEqual([422, expect.stringContaining(fault)]);
    expect(JSON.stringify(body)).not.toContain(secret);
    const client = await server.createClient({});
    const rotated = await server.call('POST', `${path}/${client.clientId}/secret`, {
      token: root,
      body: { client_secret: secret },
    });
    expect([rotated.status, rotated.body.detail]).toEqual([422, expect.stringContaining(fault)]);
  });

  test.each(['with a space in it and long enough', 'with-ä-long-enough-0123456', `x${'1'.repeat(256)}`])(
    'the secret %j',
    async (secret) => {
      const { status, body } = await create({ client_secret: secret });
      expect(status).toBe(422);
      expect(JSON.stringify(body)).not.toContain(secret);
    },
  );

  test('two at once, and any for a client that authenticates without one', async () => {
    const secret = randomSecret();
    const both = await create({ client_secret: secret, client_secret_digest: bcrypt.hashSync(secret, 4) });
    expect([both.status, both.body.detail]).toEqual([422, expect.stringContaining('not both')]);
    for (const own of [{ client_secret: secret }, { client_secret_digest: bcrypt.hashSync(secret, 4) }]) {
      const { status, body } = await create({
        ...own,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks_uri: 'https://keys.example.com/jwks',
      });
      expect([status, body.detail]).toEqual([422, expect.stringContaining('has no secret')]);
    }
  });

  test('a call whose token has no client:choose_secret', async () => {
    const creator = await server.createClient({ scopes: ['client:create', 'client:update'] });
    const token = await server.token(creator);
    const { client_id: id } = (await create({}, token)).body;
    const secret = randomSecret();
    const calls = [
      create({ client_secret: secret }, token),
      create({ client_secret_digest: bcrypt.hashSync(secret, 4) }, token),
      server.call('POST', `${path}/${id}/secret`, { token, body: { client_secret: secret } }),
    ];
    for (const { status, body } of await Promise.all(calls)) {
      expect([status, body.error]).toEqual([403, 'insufficient_scope']);
      expect(body.detail).toContain('client:choose_secret');
    }
  });

  test('a digest for a client that the creator could not create', async () => {
    const scopes = ['client:create', 'client:choose_secret', 'policy:read'];
    const creator = await server.createClient({ scopes, grantable_scopes: [] });
    const token = await server.token(creator);
    const digest = bcrypt.hashSync(randomSecret(), 4);
    const beyond = await create({ client_secret_digest: digest, scopes: ['rule:read'], grantable_scopes: [] }, token);
    expect([beyond.status, beyond.body.error]).toEqual([403, 'access_denied']);
    const within = { client_secret_digest: digest, scopes: ['policy:read'], grantable_scopes: [] };
    expect((await create(within, token)).status).toBe(200);
  });
});

describe('a secret of one’s choice', () => {
  test('authenticates the client, in the form and by Basic, and is not sent back', async () => {
    const secret = `${randomSecret()}+/%:@`;
    const created = await create({ client_secret: secret, scopes: ['policy:read'] });
    expect([created.status, created.body.client_secret]).toEqual([200, undefined]);
    const id = created.body.client_id;
    expect(await tokenStatus(id, secret)).toBe(200);
    const basic = Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64');
    const byBasic = await server.postForm(
      '/api/v1/oauth/token',
      { grant_type: 'client_credentials' },
      { authorization: `Basic ${basic}` },
    );
    expect(byBasic.status).toBe(200);
    expect(JSON.stringify(await server.rows('events'))).not.toContain(secret);
  });

  test('can follow another one by rotation', async () => {
    const client = await server.createClient({ scopes: ['policy:read'] });
    const secret = randomSecret();
    const { status, body } = await server.call('POST', `${path}/${client.clientId}/secret`, {
      token: root,
      body: { client_secret: secret, overlap_seconds: 0 },
    });
    expect([status, body.client_secret, body.last_four]).toEqual([200, undefined, secret.slice(-4)]);
    expect(await tokenStatus(client.clientId, secret)).toBe(200);
    expect(await tokenStatus(client.clientId, client.clientSecret)).toBe(401);
  });
});

test('a metric says how many secrets wait for their first use, whatever ends the wait', async () => {
  const pending = async () =>
    Number(/^postern_imported_secrets_pending (\d+)$/m.exec(await server.app.metrics.metrics())?.[1]);
  const expectPending = (count: number) => vi.waitFor(async () => expect(await pending()).toBe(count));
  const before = await pending();
  const [used, deleted] = [randomSecret(), randomSecret()];
  const usedId = await moveIn(bcrypt.hashSync(used, 4));
  const deletedId = await moveIn(bcrypt.hashSync(deleted, 4));
  await expectPending(before + 2);
  expect(await tokenStatus(usedId, used)).toBe(200);
  await expectPending(before + 1);
  await server.call('DELETE', `${path}/${deletedId}`, { token: root });
  await expectPending(before);
});
