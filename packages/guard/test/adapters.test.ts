/** A guarded API over HTTP, the same on each framework. RFC 6750 §3, RFC 9449 §7, RFC 8705 §3, RFC 9728 §3. */
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { createAuthority, createIdentity, createServerIdentity, tlsFetch } from '@postern/testing/certificates';
import { createClock } from '@postern/testing/clock';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { now, tokenOf } from '../fixtures/tokens.ts';
import { type ApiGuard, createApiGuard } from '../src/index.ts';
import { certificateThumbprint, jwkThumbprint } from '../src/node.ts';
import { type ApiOptions, frameworks, type StartApi } from './frameworks.ts';
import { startIssuer, type TestIssuer } from './issuer.ts';

const audience = 'https://api.example.com';
const metadataUrl = `${audience}/.well-known/oauth-protected-resource`;

let issuer: TestIssuer;
let guard: ApiGuard;

beforeAll(async () => {
  issuer = await startIssuer();
  guard = createApiGuard({ issuer: issuer.url, audience, now: createClock(now * 1000).now });
});
afterAll(() => issuer.close());

describe.each(frameworks)('%s', (_, start) => {
  test('RFC 6750 §3.1 a call without a token gets a challenge without an error', async () => {
    await withApi(start, {}, async (url) => {
      const answer = await fetch(`${url}/v1/policy`);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe(`Bearer realm="Postern", resource_metadata="${metadataUrl}"`);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    });
  });

  test('RFC 6750 §3.1 an invalid token is invalid_token, without the reason', async () => {
    await withApi(start, {}, async (url) => {
      for (const token of ['x', issuer.token({ exp: 1 }), tokenOf({}, {}), 'A'.repeat(12_000)]) {
        const answer = await fetch(`${url}/v1/policy`, { headers: { authorization: `Bearer ${token}` } });
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toMatch(
          /^Bearer realm="Postern", error="invalid_token", error_description="[^"]+", resource_metadata="/,
        );
        expect(await answer.text()).not.toMatch(/expired_|signature|malformed/);
      }
    });
  });

  test('a valid token is accepted, in any case of its scheme, and the handler receives it', async () => {
    await withApi(start, {}, async (url) => {
      for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer ']) {
        const answer = await fetch(`${url}/v1/policy?a=b`, {
          headers: { authorization: `${scheme} ${issuer.token()}` },
        });
        expect([answer.status, await answer.json()]).toEqual([200, { jti: 'a7f1' }]);
      }
    });
  });

  test('RFC 6750 §3.1 a token without the scope is insufficient_scope, which names the required scopes', async () => {
    await withApi(start, {}, async (url) => {
      const answer = await fetch(`${url}/v1/both`, { headers: { authorization: `Bearer ${issuer.token()}` } });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('www-authenticate')).toMatch(
        /error="insufficient_scope", .*scope="policy:read rule:delete"/,
      );
    });
  });

  test('two tokens are rejected, in two headers or in one', async () => {
    await withApi(start, {}, async (url) => {
      const bearer = `Bearer ${issuer.token()}`;
      for (const authorization of [
        [bearer, bearer],
        [bearer, 'Basic YTpi'],
        ['Bearer x', bearer],
      ]) {
        expect(await statusOf(`${url}/v1/policy`, { authorization })).toBe(401);
        expect(await statusOf(`${url}/v1/policy`, { authorization: authorization.join(', ') })).toBe(401);
      }
    });
  });

  test('a token of megabytes is rejected, and the API continues', async () => {
    await withApi(start, {}, async (url) => {
      const status = await statusOf(`${url}/v1/policy`, { authorization: `Bearer ${'A'.repeat(4_000_000)}` }).catch(
        // The server may close the connection before it has received the whole header.
        (error: NodeJS.ErrnoException) => error.code,
      );
      expect([431, 'ECONNRESET', 'EPIPE']).toContain(status);
      expect(await statusOf(`${url}/v1/policy`, { authorization: `Bearer ${issuer.token()}` })).toBe(200);
    });
  });

  test('RFC 9728 §3.1 the metadata of the API is public', async () => {
    await withApi(start, {}, async (url) => {
      const answer = await fetch(url + new URL(metadataUrl).pathname);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ resource: audience, authorization_servers: [issuer.url] });
      expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
      expect((await fetch(url + new URL(metadataUrl).pathname, { method: 'HEAD' })).status).toBe(200);
    });
  });

  test('RFC 9449 §7.1 a bound token is accepted with a proof for this URL, once', async () => {
    await withApi(start, {}, async (url) => {
      const key = createProofKey();
      const token = issuer.token({ cnf: { jkt: key.jkt } });
      const call = (scheme: string, dpop?: string) =>
        fetch(`${url}/v1/policy?a=b`, { headers: { authorization: `${scheme} ${token}`, ...(dpop && { dpop }) } });
      const proof = key.prove(`${audience}/v1/policy`, token);
      expect((await call('DPoP', proof)).status).toBe(200);
      const replayed = await call('DPoP', proof);
      expect(replayed.status).toBe(401);
      expect(replayed.headers.get('www-authenticate')).toMatch(/^DPoP .*error="invalid_dpop_proof"/);
      expect((await call('Bearer', key.prove(`${audience}/v1/policy`, token))).status).toBe(401);
      expect((await call('DPoP')).status).toBe(401);
      // A caller can send any Host header, so only the baseUrl of the API is used.
      expect((await call('DPoP', key.prove(`${url}/v1/policy`, token))).status).toBe(401);
      expect((await call('DPoP', createProofKey().prove(`${audience}/v1/policy`, token))).status).toBe(401);
    });
  });

  test('RFC 8705 §3 a bound token is accepted on a connection with its certificate', async () => {
    const authority = await createAuthority('API under test');
    const { cert, key } = await createServerIdentity(authority);
    const client = await createIdentity({ subject: [{ CN: ['client'] }] });
    const other = await createIdentity({ subject: [{ CN: ['other'] }] });
    const tls = { cert, key, requestCert: true, rejectUnauthorized: false };
    await withApi(start, { tls }, async (url) => {
      const headers = bound(certificateThumbprint(client.x509.raw));
      const statuses = [tlsFetch(authority, client), tlsFetch(authority, other), tlsFetch(authority)].map(
        async (send) => (await send(`${url}/v1/policy`, { headers })).status,
      );
      expect(await Promise.all(statuses)).toEqual([200, 401, 401]);
    });
  });

  test('RFC 9440 §2.2 or with the header of a trusted proxy, but of no other caller', async () => {
    const client = await createIdentity({ subject: [{ CN: ['client'] }] });
    const headers = {
      ...bound(certificateThumbprint(client.x509.raw)),
      'client-cert': `:${client.x509.raw.toString('base64')}:`,
    };
    const statusWith = (proxies?: ApiOptions['proxies'], over: object = {}) =>
      withApi(
        start,
        proxies === undefined ? {} : { proxies },
        async (url) => (await fetch(`${url}/v1/policy`, { headers: { ...headers, ...over } })).status,
      );
    const certificateHeader = 'client-cert';
    expect(await statusWith({ addresses: ['127.0.0.0/8'], certificateHeader })).toBe(200);
    expect(await statusWith({ addresses: ['127.0.0.0/8'], certificateHeader }, { 'client-cert': '' })).toBe(401);
    expect(await statusWith({ addresses: ['127.0.0.0/8'], certificateHeader }, { 'client-cert': ':AA:' })).toBe(400);
    expect(await statusWith({ addresses: ['10.0.0.0/8'], certificateHeader })).toBe(401);
    expect(await statusWith()).toBe(401);
  });

  test('503 with Retry-After if the keys cannot be fetched', async () => {
    const deaf = createApiGuard({ issuer: 'http://127.0.0.1:1', audience });
    const api = await start(deaf);
    const answer = await fetch(`${api.url}/v1/policy`, { headers: { authorization: `Bearer ${issuer.token()}` } });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.text()).not.toMatch(/127\.0\.0\.1|ECONN/);
    await api.close();
  });
});

async function withApi<T>(start: StartApi, options: ApiOptions, work: (url: string) => Promise<T>): Promise<T> {
  const api = await start(guard, options);
  try {
    return await work(api.url);
  } finally {
    await api.close();
  }
}

function bound(thumbprint: string): Record<string, string> {
  return { authorization: `Bearer ${issuer.token({ cnf: { 'x5t#S256': thumbprint } })}` };
}

/** The status of a call with headers that `fetch` would not send. */
function statusOf(url: string, headers: Record<string, string | string[]>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

function createProofKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, unknown>;
  return {
    jkt: jwkThumbprint(jwk),
    prove: (htu: string, accessToken: string) =>
      tokenOf(
        { typ: 'dpop+jwt', alg: 'ES256', jwk },
        {
          jti: randomUUID(),
          htm: 'GET',
          htu,
          iat: now,
          ath: createHash('sha256').update(accessToken).digest('base64url'),
        },
        privateKey,
      ),
  };
}
