/** The signature of the revocation feed, by its page in the manual: docs/revocation-feed.md. RFC 7515 §5.2, RFC 7519 §4.1. */
import { createHash } from 'node:crypto';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const path = '/api/v1/oauth/revocations';
const quarterSeconds = 90 * 86_400;

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function ask(query: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const authorization = `Bearer ${await server.rootToken()}`;
  const answer = await fetch(`${server.url}${path}?${new URLSearchParams(query)}`, {
    headers: { authorization, ...headers },
  });
  return {
    status: answer.status,
    text: await answer.text(),
    signature: answer.headers.get('revocations-signature') ?? '',
    coding: answer.headers.get('content-encoding'),
  };
}

const documentAt = async (url: string) => (await (await fetch(url)).json()) as JSONWebKeySet;
const feedKeys = () => documentAt(`${server.url}/.well-known/revocation-feed-jwks.json`);
const kidsOf = ({ keys }: JSONWebKeySet) => keys.map(({ kid }) => kid);

/** What the signature of an answer says, by the published keys; their `use` is one that no library of JOSE knows. */
async function claimsOf({ signature }: { signature: string }) {
  const { keys } = await feedKeys();
  const keySet = createLocalJWKSet({ keys: keys.map(({ use, ...jwk }) => jwk) });
  const typ = 'revocation-feed+jwt';
  return (await jwtVerify(signature, keySet, { typ, algorithms: ['EdDSA'], currentDate: new Date(server.now()) }))
    .payload;
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('base64url');

test('every answer is signed, with its issuer, the cursor that was asked with, its time and its body', async () => {
  const first = await ask();
  expect(await claimsOf(first)).toEqual({ iss: server.url, iat: server.now() / 1000, sha256: digestOf(first.text) });
  const { cursor } = JSON.parse(first.text);
  const second = await ask({ cursor });
  expect(await claimsOf(second)).toMatchObject({ after: cursor, sha256: digestOf(second.text) });
  // A cursor of nobody is answered from the beginning, which is signed as an answer to it.
  const unknown = await ask({ cursor: 'unknown' });
  expect(JSON.parse(unknown.text)).toMatchObject({ snapshot: true, history_changed: true });
  expect(await claimsOf(unknown)).toMatchObject({ after: 'unknown', sha256: digestOf(unknown.text) });
});

test('an answer that was held until there was news is signed with the time at which it was sent', async () => {
  const { cursor } = JSON.parse((await ask()).text);
  const held = ask({ cursor, wait: '30' });
  const { clientId } = await server.createClient({ scopes: [] });
  await server.call('DELETE', `/api/v1/oauth/client/${clientId}`, { token: await server.rootToken() });
  const answer = await held;
  expect(JSON.parse(answer.text).entries).toHaveLength(1);
  expect(await claimsOf(answer)).toMatchObject({
    after: cursor,
    iat: server.now() / 1000,
    sha256: digestOf(answer.text),
  });
});

test('followers that ask the same at the same time share a signature, and later ones get a newer one', async () => {
  const { cursor } = JSON.parse((await ask()).text);
  const [one, other] = [await ask({ cursor }), await ask({ cursor })];
  expect(other).toEqual(one);
  const without = await ask();
  expect(await claimsOf(without)).not.toHaveProperty('after');
  await server.advance(1);
  const later = await ask({ cursor });
  expect((await claimsOf(later)).iat).toBe(server.now() / 1000);
  expect(later.signature).not.toBe(one.signature);
});

test('a follower that sends a nonce gets it signed, in an answer of its own', async () => {
  const nonce = '0123456789abcdef-_AZ';
  const answer = await ask({ nonce });
  expect(await claimsOf(answer)).toEqual({
    iss: server.url,
    iat: server.now() / 1000,
    nonce,
    sha256: digestOf(answer.text),
  });
  expect(await claimsOf(await ask())).not.toHaveProperty('nonce');
  for (const bad of ['', 'too-short', 'a'.repeat(65), 'with a space 0123456789']) {
    expect((await ask({ nonce: bad })).status, bad).toBe(422);
  }
});

test('its keys have a use and a key set of their own, which the metadata name, and sign no tokens', async () => {
  const { body: metadata } = await server.call('GET', '/.well-known/oauth-authorization-server');
  expect(metadata.revocation_feed_jwks_uri).toBe(`${server.url}/.well-known/revocation-feed-jwks.json`);
  const [own, tokens] = [await documentAt(metadata.revocation_feed_jwks_uri), await documentAt(metadata.jwks_uri)];
  const ownKey = {
    kty: 'OKP',
    crv: 'Ed25519',
    x: expect.any(String),
    kid: expect.any(String),
    alg: 'EdDSA',
    use: 'revocation_feed',
  };
  expect(own.keys).toEqual([ownKey, ownKey, ownKey]);
  expect(kidsOf(tokens).filter((kid) => kidsOf(own).includes(kid))).toEqual([]);
});

describe('a key of the feed that has leaked', () => {
  const keyPath = '/api/v1/oauth/key';
  const kidOf = ({ signature }: { signature: string }) => decodeProtectedHeader(signature).kid as string;
  const revoke = async (kid: string) =>
    server.call('POST', `${keyPath}/${kid}/revoke`, { token: await server.rootToken(), body: {} });

  test('is revoked as a signing key is: another one signs at once, the feed says so, and no token is lost', async () => {
    const token = await server.rootToken();
    const before = await ask();
    const { cursor } = JSON.parse(before.text);
    const leaked = kidOf(before);
    expect((await revoke(leaked)).status).toBe(204);
    const after = await ask({ cursor });
    expect(JSON.parse(after.text).entries).toEqual([{ type: 'signing_key', kid: leaked }]);
    expect(kidsOf(await feedKeys())).toContain(kidOf(after));
    expect(kidsOf(await feedKeys())).not.toContain(leaked);
    expect(await claimsOf(after)).toMatchObject({ after: cursor, sha256: digestOf(after.text) });
    expect((await server.call('GET', keyPath, { token })).status).toBe(200);
    expect((await server.eventsAbout(leaked)).at(-1)).toMatchObject({
      kind: 'key.revoked',
      actor: server.root.clientId,
      data: { use: 'revocation_feed' },
    });
    expect((await revoke(leaked)).status).toBe(404);
  });

  test('stays revoked on every node, and after a start', async () => {
    const leaked = kidOf(await ask());
    const other = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
    try {
      const kidsOfOther = async () => kidsOf(await documentAt(`${other.url}/.well-known/revocation-feed-jwks.json`));
      expect(await kidsOfOther()).toContain(leaked);
      await revoke(leaked);
      await other.advance(0);
      expect(await kidsOfOther()).toEqual(kidsOf(await feedKeys()));
      expect(await kidsOfOther()).not.toContain(leaked);
    } finally {
      await other.close();
    }
    const later = await startTestServer({ dataDir: server.dataDir, env: { POSTERN_ISSUER: server.url } });
    try {
      expect(kidsOf(await documentAt(`${later.url}/.well-known/revocation-feed-jwks.json`))).toEqual(
        kidsOf(await feedKeys()),
      );
    } finally {
      await later.close();
    }
  });

  test('must be published, and whoever revokes it needs key:revoke', async () => {
    expect((await revoke('unknown')).status).toBe(404);
    const token = await server.token(await server.createClient({ scopes: ['key:read'] }));
    const kid = kidOf(await ask());
    expect((await server.call('POST', `${keyPath}/${kid}/revoke`, { token, body: {} })).status).toBe(403);
    expect(kidOf(await ask())).toBe(kid);
  });
});

test('the keys of the feed for the quarters before and after are published', async () => {
  const kidOfNow = async () => decodeProtectedHeader((await ask()).signature).kid;
  const startOfNext = (Math.floor(server.now() / 1000 / quarterSeconds) + 1) * quarterSeconds;
  const moveTo = (seconds: number) => server.jump(seconds - server.now() / 1000);
  const published = kidsOf(await feedKeys());
  const [before, current, next] = published;
  expect(new Set(published).size).toBe(3);
  expect(await kidOfNow()).toBe(current);
  await moveTo(startOfNext - 1);
  expect([await kidOfNow(), kidsOf(await feedKeys())]).toEqual([current, published]);
  await moveTo(startOfNext + 1);
  expect([await kidOfNow(), kidsOf(await feedKeys())]).toEqual([next, [current, next, expect.any(String)]]);
  await moveTo(startOfNext - 2 * quarterSeconds + 1);
  expect(await kidOfNow()).toBe(before);
});
