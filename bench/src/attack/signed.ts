/** Keys of an attacker, and what it signs: DPoP proofs (RFC 9449 §4.2) and assertions (RFC 7523 §3). */
import { randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Target } from './target.ts';

export interface AttackerKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly alg: string;
}

export async function makeKey(alg = 'ES256', options: { modulusLength?: number } = {}): Promise<AttackerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...options });
  return { privateKey, jwk: await exportJWK(publicKey), alg };
}

/** A proof for a call of the server; `jwk` replaces the public key in its header. */
export function makeProof(
  { port }: Target,
  { privateKey, jwk: own, alg }: AttackerKey,
  {
    method = 'POST',
    path = '/api/v1/oauth/token',
    ath,
    jwk = own,
  }: Partial<Record<'method' | 'path' | 'ath', string>> & { jwk?: JWK } = {},
): Promise<string> {
  // The server's issuer: the name that it has if it is told none.
  return new SignJWT({ htm: method, htu: `http://localhost:${port}${path}`, jti: randomUUID(), ...(ath && { ath }) })
    .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk })
    .setIssuedAt()
    .sign(privateKey);
}

/** The parameters that authenticate a client by its key; `claims` replace what it says. */
export async function assert(
  { port }: Target,
  clientId: string,
  { privateKey, alg }: AttackerKey,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, string>> {
  const text = await new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: `http://localhost:${port}`,
    jti: randomUUID(),
    ...claims,
  })
    .setProtectedHeader({ alg })
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey);
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: text,
  };
}
