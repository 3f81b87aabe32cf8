/** The request that a proof is for. RFC 9449 §4.3. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { now, tokenOf } from '../fixtures/tokens.ts';
import { verifyDpopProof } from './dpop-proof.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) };

const verify = (htu: string, url: string) =>
  verifyDpopProof(tokenOf(header, { jti: 'a', htm: 'GET', htu, iat: now }, privateKey), {
    method: 'GET',
    url,
    nowSeconds: now,
  });

test('§4.3 the URLs of proof and request are normalized and compared', async () => {
  expect((await verify('HTTPS://API.example.com:443/a%20b?c', 'https://api.example.com/a b')).jti).toBe('a');
});

test('§4.3 a proof whose htu is not a URL matches no request', async () => {
  await expect(verify('https://api.example.com:x/', 'https://api.example.com:y/')).rejects.toThrow(
    'is for another request',
  );
});

test('§4.3 a key that signed a good proof before makes no other proof good', async () => {
  const claims = { jti: 'a', htm: 'GET', htu: 'https://api.example.com/', iat: now };
  const check = (proof: string, takeTurn?: <T>(step: () => T) => Promise<T>) =>
    verifyDpopProof(proof, {
      method: 'GET',
      url: 'https://api.example.com/',
      nowSeconds: now,
      ...(takeTurn && { takeTurn }),
    });
  const good = tokenOf(header, claims, privateKey);
  const first = await check(good);
  expect(await check(tokenOf(header, claims, privateKey), async (step) => step())).toEqual(first);
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [head = '', payload = '', signature = ''] = good.split('.');
  for (const [proof, fault] of [
    [tokenOf(header, claims, stranger.privateKey), 'has a signature that does not match'],
    [`${head}.${payload}.AA`, 'has a signature that does not match'],
    [`${head}..${signature}`, 'is not a single signed JWT'],
    [head, 'is not a single signed JWT'],
    [tokenOf(header, { ...claims, htm: 'POST' }, privateKey), 'is for another request'],
    [tokenOf(header, { ...claims, iat: now - 61 }, privateKey), 'is too old'],
    [tokenOf(header, { ...claims, jti: '' }, privateKey), 'must have a jti'],
    [tokenOf({ ...header, crit: ['x'] }, claims, privateKey), 'no critical extensions'],
    [tokenOf({ ...header, typ: 'JWT' }, claims, privateKey), 'must have typ dpop'],
    [tokenOf({ ...header, jwk: { ...header.jwk, use: 'enc' } }, claims, privateKey), 'must have a public key'],
    [tokenOf({ ...header, jwk: { ...header.jwk, d: header.jwk.x } }, claims, privateKey), 'has private members'],
    [tokenOf({ ...header, alg: 'RS256' }, claims, privateKey), 'does not fit its alg'],
    [tokenOf({ ...header, alg: 'none' }, claims, privateKey), 'must be signed with one of'],
  ] as const) {
    await expect(check(proof)).rejects.toThrow(fault);
  }
  await expect(check(tokenOf(header, claims, stranger.privateKey), async (step) => step())).rejects.toThrow(
    'signature',
  );
});
