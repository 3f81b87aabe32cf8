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
