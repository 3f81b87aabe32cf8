/** Clients of the benchmark that sign what they send: assertions (RFC 7523 §2.2) and DPoP proofs (RFC 9449 §4.2). */
import { generateKeyPairSync, randomUUID, sign, type webcrypto } from 'node:crypto';
import type { NewClientBody } from '@postern/admin';
import { createClient, type RunningPostern, tokenPath } from './postern.ts';
import { formatRequest, tokenForm } from './token-request.ts';

/** How a client shows its key: to authenticate, or to have its token bound to it. */
export type KeyUse = 'private_key_jwt' | 'dpop';

/** A token endpoint, and what assertions and proofs must say about it. */
export interface TokenEndpoint {
  readonly port: number;
  readonly path: string;
  readonly issuer: string;
  /** As proofs must name it. */
  readonly url: string;
}

export interface KeyClient {
  readonly clientId: string;
  /** Empty for one that authenticates by its key. */
  readonly clientSecret: string;
  readonly publicJwk: webcrypto.JsonWebKey;
  /** The endpoint at which it was created. */
  readonly endpoint: TokenEndpoint;
  /** A request with a JWT that no other has. */
  nextRequest(endpoint: TokenEndpoint): Buffer;
}

/** Creates a client of that kind through the management API. */
export async function createKeyClient(postern: RunningPostern, use: KeyUse, scope: string): Promise<KeyClient> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicJwk = publicKey.export({ format: 'jwk' });
  const metadata: NewClientBody =
    use === 'dpop'
      ? { dpop_bound_access_tokens: true }
      : {
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [publicJwk] } as NonNullable<NewClientBody['jwks']>,
        };
  const client = await createClient(postern, scope, metadata);
  const issuer = await fetchIssuer(postern.url);
  const endpoint = { port: postern.port, path: tokenPath, issuer, url: issuer + tokenPath };

  const signJwt = (header: object, claims: object) => {
    const now = Math.floor(Date.now() / 1000);
    const input = [
      { alg: 'ES256', ...header },
      { jti: randomUUID(), iat: now, exp: now + 60, ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  };
  const { clientId } = client;
  const form = tokenForm(client, scope);
  const nextRequest: KeyClient['nextRequest'] =
    use === 'dpop'
      ? ({ port, path, url }) => {
          const proof = signJwt({ typ: 'dpop+jwt', jwk: publicJwk }, { htm: 'POST', htu: url });
          return formatRequest(port, path, form, { DPoP: proof });
        }
      : ({ port, path, issuer: aud }) => {
          const assertion = signJwt({ typ: 'JWT' }, { iss: clientId, sub: clientId, aud });
          return formatRequest(port, path, assertionForm(assertion, scope));
        };
  return { ...client, publicJwk, endpoint, nextRequest };
}

function assertionForm(assertion: string, scope: string): string {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    scope,
  }).toString();
}

async function fetchIssuer(url: string): Promise<string> {
  const answer = await fetch(`${url}/.well-known/oauth-authorization-server`);
  return ((await answer.json()) as { issuer: string }).issuer;
}
