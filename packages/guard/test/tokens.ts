/** Genuine access tokens of an issuer that tests make up, and what it takes to verify them. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** Seconds since 1970 at which the tokens are looked at. */
export const now = 1_800_000_000;

export const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** What `verifyAccessToken` needs to know of the issuer and the API. */
export const verification = {
  issuer: 'https://auth.example.com',
  audience: 'https://api.example.com',
  algorithms: ['ES256'],
  clockSkewSeconds: 0,
  findKey: (kid: string) => (kid === 'one' ? { kid, alg: 'ES256' as const, publicKey: key.publicKey } : undefined),
} as const;

export const goodHeader = { typ: 'at+jwt', alg: 'ES256', kid: 'one' };
export const goodClaims = {
  iss: 'https://auth.example.com',
  sub: 'client',
  client_id: 'client',
  aud: 'https://api.example.com',
  iat: now - 60,
  exp: now + 60,
  jti: 'a7f1',
  scope: 'policy:read rule:read',
  gen: 3,
};

export const base64url = (text: string | Buffer) => Buffer.from(text).toString('base64url');

export const es256 = (signingInput: string, privateKey: KeyObject) =>
  sign('sha256', Buffer.from(signingInput), { key: privateKey, dsaEncoding: 'ieee-p1363' });

/** A token of these members, genuinely signed. A member that is undefined is left out; a string is taken as JSON. */
export function tokenOf(header: object, claims: object | string, privateKey: KeyObject = key.privateKey): string {
  const payload = typeof claims === 'string' ? claims : JSON.stringify(claims);
  const signingInput = `${base64url(JSON.stringify(header))}.${base64url(payload)}`;
  return `${signingInput}.${base64url(es256(signingInput, privateKey))}`;
}
