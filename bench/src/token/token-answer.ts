/** Reads the answers of token endpoints, and checks that what was measured are tokens. RFC 6749 §5.1, RFC 9068 §2. */
import { createPublicKey, verify, type webcrypto } from 'node:crypto';
import { BenchError } from '../bench-error.ts';

export interface TokenAnswer {
  /** Header and claims as they were signed. */
  readonly signingInput: string;
  readonly signature: Buffer;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The members of the answer beside the token. */
  readonly members: Readonly<Record<string, unknown>>;
}

export interface Expectation {
  readonly clientId: string;
  /** Space-separated. */
  readonly scope: string;
  readonly publicJwk: webcrypto.JsonWebKey;
}

/** Throws where `body` is not the JSON of a token answer with a JWT. */
export function readTokenAnswer(body: string): TokenAnswer {
  const { access_token: token, ...members } = JSON.parse(body) as { access_token: string };
  const [header = '', payload = '', signature = ''] = token.split('.');
  return {
    signingInput: `${header}.${payload}`,
    signature: Buffer.from(signature, 'base64url'),
    claims: JSON.parse(Buffer.from(payload, 'base64url').toString()),
    members,
  };
}

/** Throws `BenchError` unless every body answers with a token for this client and scope that its key signed by ES256. */
export function checkTokens(
  name: string,
  bodies: readonly string[],
  { clientId, scope, publicJwk }: Expectation,
): void {
  const key = createPublicKey({ key: publicJwk, format: 'jwk' });
  for (const body of bodies) {
    const { signingInput, signature, claims } = readTokenAnswer(body);
    const signed = verify('sha256', Buffer.from(signingInput), { key, dsaEncoding: 'ieee-p1363' }, signature);
    const expired = !(typeof claims['exp'] === 'number' && claims['exp'] > Date.now() / 1000);
    if (!signed || expired || claims['client_id'] !== clientId || claims['scope'] !== scope) {
      throw new BenchError(`${name} issued a token that is not good:\n${body}`);
    }
  }
}
