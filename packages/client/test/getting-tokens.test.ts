/** Getting tokens from servers that are busy, gone, odd or hostile; and when they are renewed. RFC 6749 §5, RFC 8414 §3, RFC 9110 §10.2.3. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { clientSecretBasic, createTokenClient, mutualTls, privateKeyJwt } from '../src/index.ts';
import type { ScriptedAnswer } from './scripted-server.ts';
import { proofsSent, type Stand, startStand, tokenAnswer } from './stand.ts';

let stand: Stand;
beforeEach(async () => {
  stand = await startStand();
});
afterEach(() => stand.close());

/** Answers in turn; the last one again and again. */
function inTurn(...answers: ScriptedAnswer[]): () => ScriptedAnswer {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)] as ScriptedAnswer;
}

const metadataPath = '/.well-known/oauth-authorization-server';
const good = { body: tokenAnswer('good') };

describe('renewal', () => {
  test('happens in the background shortly before a token expires, once for many callers', async () => {
    const client = stand.client();
    expect((await client.getToken()).accessToken).toBe('token-1');
    stand.advance(840);
    expect((await client.getToken()).accessToken).toBe('token-1');
    expect(stand.server.requests('/token')).toHaveLength(1);
    stand.advance(20);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => client.getToken()));
    expect(new Set(tokens.map(({ accessToken }) => accessToken))).toEqual(new Set(['token-1']));
    await expect.poll(async () => (await client.getToken()).accessToken).toBe('token-2');
    expect(stand.server.requests('/token')).toHaveLength(2);
  });

  test('starts at a random time between four fifths and nine tenths of the lifetime', async () => {
    const [early, late] = [stand.client({ random: () => 0 }), stand.client({ random: () => 0.999 })];
    await Promise.all([early.getToken(), late.getToken()]);
    stand.advance(801);
    await Promise.all([early.getToken(), late.getToken()]);
    await expect.poll(() => stand.server.requests('/token').length).toBe(3);
    stand.advance(98);
    await late.getToken();
    expect(stand.server.requests('/token')).toHaveLength(3);
  });

  test('callers do not notice that the server is down while the old token is still valid', async () => {
    const client = stand.client();
    await client.getToken();
    stand.server.on('/token', { status: 400, body: { error: 'server_error' } });
    stand.advance(900);
    expect((await client.getToken()).accessToken).toBe('token-1');
    await expect.poll(() => stand.server.requests('/token').length).toBe(2);
    // It is not asked by every caller, and asked again half a minute later.
    await client.getToken();
    await expect(client.getToken({ scope: 'other' })).rejects.toMatchObject({ code: 'server_error' });
    expect(stand.server.requests('/token')).toHaveLength(3);
    stand.server.on('/token', good);
    stand.advance(31);
    await client.getToken();
    await expect.poll(async () => (await client.getToken()).accessToken).toBe('good');
  });

  test('happens before the token expires: its last seconds are not used', async () => {
    const client = stand.client();
    await client.getToken();
    stand.advance(991);
    expect((await client.getToken()).accessToken).toBe('token-2');
  });

  test('does not happen because the wall clock jumped', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const client = stand.client({ now: undefined });
      await client.getToken();
      for (const jumpMs of [3_600_000, -7_200_000]) {
        vi.setSystemTime(Date.now() + jumpMs);
        expect((await client.getToken()).accessToken).toBe('token-1');
      }
      expect(stand.server.requests('/token')).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  test('that fails is reported to all callers that wait, and the failure is not cached', async () => {
    stand.server.on('/token', inTurn({ status: 400, body: { error: 'invalid_scope' } }, good));
    const client = stand.client();
    const results = await Promise.allSettled([client.getToken(), client.getToken()]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await client.getToken()).accessToken).toBe('good');
  });

  test('continues for the others when one caller stops waiting', async () => {
    let release = () => {};
    stand.server.on('/token', async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return good;
    });
    const client = stand.client();
    const controller = new AbortController();
    const [impatient, patient] = [client.getToken({ signal: controller.signal }), client.getToken()];
    await expect.poll(() => stand.server.requests('/token').length).toBe(1);
    controller.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    await expect(client.getToken({ signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow('never');
    release();
    expect((await patient).accessToken).toBe('good');
  });
});

test('an exchange is aborted by its signal, while it reads the metadata and while it requests the token', async () => {
  for (const path of [metadataPath, '/token']) {
    stand.server.on(path, () => new Promise(() => {}));
    const controller = new AbortController();
    const exchange = stand.client().exchangeToken({ subjectToken: 'x', signal: controller.signal });
    await expect.poll(() => stand.server.requests(path).length).toBe(1);
    controller.abort(new Error('enough'));
    await expect(exchange).rejects.toThrow('enough');
    stand.server.on(metadataPath, { body: { issuer: stand.server.url, token_endpoint: `${stand.server.url}/token` } });
  }
});

describe('RFC 9110 §10.2.3 a busy server', () => {
  test.each([429, 503])('is asked again after %i, not sooner than it says', async (status) => {
    const busy = { status, headers: { 'retry-after': '7' }, body: { error: 'temporarily_unavailable' } };
    stand.server.on('/token', inTurn(busy, { status }, good));
    expect((await stand.client().getToken()).accessToken).toBe('good');
    expect(stand.slept).toEqual([7_187.5, 375]);
  });

  test('may name the time by a date', async () => {
    const at = new Date(1_800_000_005_000).toUTCString();
    stand.server.on('/token', inTurn({ status: 503, headers: { 'retry-after': at } }, good));
    await stand.client().getToken();
    expect(stand.slept).toEqual([5_187.5]);
  });

  test('that asks to wait longer than half a minute is reported to the caller', async () => {
    stand.server.on('/token', {
      status: 429,
      headers: { 'retry-after': '3600' },
      body: { error: 'slow_down', error_description: 'Too many.' },
    });
    const expected = { code: 'slow_down', description: 'Too many.', status: 429, retryAfterSeconds: 3_600 };
    await expect(stand.client().getToken()).rejects.toMatchObject(expected);
    expect(stand.slept).toEqual([]);
  });

  test('that stays busy is given up after four attempts', async () => {
    stand.server.on('/token', { breaks: true });
    await expect(stand.client().getToken()).rejects.toMatchObject({ code: 'unreachable', status: undefined });
    expect(stand.slept).toEqual([187.5, 375, 750]);
    expect(stand.server.requests('/token')).toHaveLength(4);
  });

  test('is also asked again if its metadata are unavailable for a moment', async () => {
    const metadata = { issuer: stand.server.url, token_endpoint: `${stand.server.url}/token` };
    stand.server.on(metadataPath, inTurn({ status: 503 }, { breaks: true }, { body: metadata }));
    expect((await stand.client().getToken()).accessToken).toBe('token-1');
  });

  test('no assertion is sent twice', async () => {
    stand.server.on('/token', inTurn({ status: 503 }, good));
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const authentication = privateKeyJwt({ clientId: 'caller', key: keys.privateKey, audience: 'https://as.example' });
    await stand.client({ authentication }).getToken();
    const assertions = stand.server
      .requests('/token')
      .map(({ body }) => new URLSearchParams(body).get('client_assertion') ?? '');
    expect(new Set(assertions).size).toBe(2);
    expect(JSON.parse(atob(assertions[0]?.split('.')[1] ?? ''))).toMatchObject({ aud: 'https://as.example' });
  });
});

describe('RFC 8414 §3.3 metadata', () => {
  test('of another issuer are rejected', async () => {
    stand.server.on(metadataPath, {
      body: { issuer: 'https://evil.example', token_endpoint: `${stand.other.url}/token` },
    });
    await expect(stand.client().getToken()).rejects.toMatchObject({
      code: 'discovery_failed',
      description: expect.stringContaining("is of the issuer 'https://evil.example'"),
    });
    expect(stand.other.received).toEqual([]);
  });

  test('are found where OpenID Connect has them, below the path of the issuer', async () => {
    const issuer = `${stand.server.url}/realms/one`;
    stand.server.on('/realms/one/.well-known/openid-configuration', {
      body: { issuer, token_endpoint: `${stand.server.url}/token` },
    });
    expect((await stand.client({ issuer }).getToken()).accessToken).toBe('token-1');
    expect(stand.server.received[0]?.path).toBe('/.well-known/oauth-authorization-server/realms/one');
  });

  test('are read again when the token endpoint is not found', async () => {
    const client = stand.client();
    await client.getToken();
    stand.server.on('/token', { status: 404, body: 'gone' });
    await expect(client.getToken({ scope: 'other' })).rejects.toMatchObject({ code: 'invalid_response', status: 404 });
    stand.server.on(metadataPath, { body: { issuer: stand.server.url, token_endpoint: `${stand.server.url}/new` } });
    stand.server.on('/new', good);
    expect((await client.getToken({ scope: 'other' })).accessToken).toBe('good');
  });

  test('are not requested if the token endpoint is given', async () => {
    stand.server.on('/known', good);
    const client = stand.client({ tokenEndpoint: `${stand.server.url}/known`, issuer: 'https://as.example' });
    expect((await client.getToken()).accessToken).toBe('good');
    expect(stand.server.received).toHaveLength(1);
  });

  test('name the endpoint for certificates. RFC 8705 §5', async () => {
    const aliases = { token_endpoint: `${stand.server.url}/mtls` };
    stand.server.on(metadataPath, {
      body: { issuer: stand.server.url, token_endpoint: `${stand.server.url}/token`, mtls_endpoint_aliases: aliases },
    });
    stand.server.on('/mtls', good);
    expect((await stand.client({ authentication: mutualTls('caller') }).getToken()).accessToken).toBe('good');
    expect((await stand.client().getToken()).accessToken).toBe('token-1');
  });

  test('never send credentials unencrypted to another machine', async () => {
    const authentication = clientSecretBasic('a', 'b');
    expect(() => createTokenClient({ issuer: 'http://auth.example.com', authentication })).toThrow(TypeError);
    expect(() => createTokenClient({ issuer: 'nonsense', authentication })).toThrow(TypeError);
    stand.server.on(metadataPath, { body: { issuer: stand.server.url, token_endpoint: 'http://auth.example.com/t' } });
    await expect(stand.client().getToken()).rejects.toMatchObject({ code: 'discovery_failed' });
  });
});

describe('RFC 6749 §5.1 an invalid answer', () => {
  test.each<[string, ScriptedAnswer]>([
    ['text', { body: 'hello' }],
    ['an array', { body: [] }],
    ['no token', { body: tokenAnswer('x', { access_token: undefined }) }],
    ['a token that breaks headers', { body: tokenAnswer('a\r\nb') }],
    ['no token_type', { body: tokenAnswer('x', { token_type: undefined }) }],
    ['an unknown token_type', { body: tokenAnswer('x', { token_type: 'MAC' }) }],
    ['an odd lifetime', { body: tokenAnswer('x', { expires_in: 'soon' }) }],
    ['an odd scope', { body: tokenAnswer('x', { scope: ['a'] }) }],
    ['a bound token that nobody asked for', { body: tokenAnswer('x', { token_type: 'DPoP' }) }],
    ['an answer without end', { body: tokenAnswer('x', { padding: 'x'.repeat(2_000_000) }) }],
    ['a proxy that fails', { status: 502, body: '<html>' }],
    ['an error that is no text', { status: 400, body: { error: { code: 1 } } }],
  ])('%s is an error and no crash', async (_name, answer) => {
    stand.server.on('/token', answer);
    await expect(stand.client().getToken()).rejects.toMatchObject({ name: 'TokenError', code: 'invalid_response' });
  });

  test('its text is shortened to one line for logs', async () => {
    const error_description = `a\nb${'x'.repeat(5_000)}`;
    stand.server.on('/token', { status: 400, body: { error: 'invalid_request', error_description } });
    const error = await stand
      .client()
      .getToken()
      .catch((thrown) => thrown);
    expect(error.description).toMatch(/^a bx{997}$/);
  });

  test('RFC 9449 §5 a token that is not bound though it should be is refused', async () => {
    await expect(stand.client({ dpop: true }).getToken()).rejects.toMatchObject({ code: 'invalid_response' });
  });

  test('a redirect is not followed, so that the credentials go nowhere else', async () => {
    stand.server.on('/token', { status: 307, headers: { location: `${stand.other.url}/token` } });
    await expect(stand.client().getToken()).rejects.toMatchObject({ code: 'invalid_response', status: 307 });
    expect(stand.other.received).toEqual([]);
  });

  test('a lifetime as text is accepted, and so is an answer without one', async () => {
    stand.server.on(
      '/token',
      inTurn(
        { body: tokenAnswer('a', { expires_in: '60' }) },
        { body: tokenAnswer('b', { expires_in: undefined, token_type: 'bearer' }) },
      ),
    );
    const client = stand.client();
    expect(await client.getToken()).toMatchObject({ tokenType: 'Bearer', expiresAt: 1_800_000_060, scope: '' });
    expect(await client.getToken({ scope: 'x' })).toMatchObject({ expiresAt: 1_800_000_300, scope: 'x' });
  });
});

describe('RFC 9449 §8 a nonce', () => {
  const bound = tokenAnswer('bound', { token_type: 'DPoP' });

  test('that the server sends with an answer is used for the next request', async () => {
    stand.server.on('/token', { body: bound, headers: { 'dpop-nonce': 'n1' } });
    const client = stand.client({ dpop: true });
    await client.getToken();
    expect(stand.server.requests('/token')).toHaveLength(1);
    await client.getToken({ scope: 'other' });
    expect(proofsSent(stand.server.requests('/token')).map(({ nonce }) => nonce)).toEqual([undefined, 'n1']);
  });

  test('that the server demands again although it was sent is not sent endlessly', async () => {
    const answer = { status: 400, body: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': 'n1' } };
    stand.server.on('/token', answer);
    const client = stand.client({ dpop: true });
    await expect(client.getToken()).rejects.toMatchObject({ code: 'use_dpop_nonce' });
    await expect(client.getToken()).rejects.toMatchObject({ code: 'use_dpop_nonce' });
    expect(stand.server.requests('/token')).toHaveLength(3);
  });
});

test('RFC 7518 §3 a key of one kind does not sign for another', async () => {
  const algorithm = {
    name: 'RSA-PSS',
    hash: 'SHA-256',
    modulusLength: 2_048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const p384 = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign', 'verify']);
  for (const key of [privateKey, p384.privateKey, 'no PEM', { kty: 'EC' }]) {
    const authentication = privateKeyJwt({ clientId: 'caller', key, alg: 'ES256' });
    await expect(stand.client({ authentication }).getToken()).rejects.toThrow(TypeError);
  }
  expect(stand.server.requests('/token')).toEqual([]);
});

test('RFC 6749 §2.3.1 id and secret are form-encoded in Basic', async () => {
  await stand.client({ authentication: clientSecretBasic('a:b c', 'ü%+') }).getToken();
  const header = stand.server.requests('/token')[0]?.headers.authorization ?? '';
  expect(atob(header.replace('Basic ', ''))).toBe('a%3Ab+c:%C3%BC%25%2B');
});
