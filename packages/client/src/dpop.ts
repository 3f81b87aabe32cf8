/** Proofs of the key that tokens are bound to, and the nonces that servers want in them. RFC 9449 §4, §8 and §9. */
import { encodeBase64Url } from '@postern/protocol';
import { algorithmOf, type Jwk, type KeyPair, randomId, type SigningKey, signJwt } from './signing-key.ts';

export interface Dpop {
  /** A proof for one request. `accessToken`: the one that goes with it; undefined at the token endpoint. */
  prove(method: string, url: string, accessToken?: string): Promise<Proof>;
  /** Keeps the nonce of an answer for the next proof to the same origin. Says whether it is another than that of `sent`. */
  learnNonce(url: string, headers: Headers, sent: Proof): boolean;
}

export interface Proof {
  /** The value of the header. */
  readonly header: string;
  readonly nonce: string | undefined;
}

/** Origins whose nonces are kept. */
const mostOrigins = 100;

/** Without `keyPair`: a new one for ES256, whose private key cannot leave the process. `now`: in milliseconds since 1970. */
export function createDpop(keyPair: KeyPair | undefined, now: () => number): Dpop {
  const nonces = new Map<string, string>();
  let prepared: Promise<{ key: SigningKey; jwk: Jwk }> | undefined;
  return {
    async prove(method, url, accessToken) {
      prepared ??= prepare(keyPair);
      const { key, jwk } = await prepared;
      const { origin, pathname } = new URL(url);
      const nonce = nonces.get(origin);
      const header = await signJwt(
        { typ: 'dpop+jwt', jwk },
        {
          jti: randomId(),
          htm: method,
          htu: origin + pathname,
          iat: Math.floor(now() / 1000),
          ...(accessToken !== undefined && { ath: await hashOf(accessToken) }),
          ...(nonce !== undefined && { nonce }),
        },
        key,
      );
      return { header, nonce };
    },
    learnNonce(url, headers, sent) {
      const { origin } = new URL(url);
      const nonce = headers.get('dpop-nonce');
      if (nonce === null) {
        return false;
      }
      nonces.delete(origin);
      nonces.set(origin, nonce);
      if (nonces.size > mostOrigins) {
        nonces.delete(nonces.keys().next().value as string);
      }
      return nonce !== sent.nonce;
    },
  };
}

async function prepare(given: KeyPair | undefined): Promise<{ key: SigningKey; jwk: Jwk }> {
  const { privateKey, publicKey } = given ?? (await generateKeyPair());
  const { kty, crv, x, y, n, e } = (await crypto.subtle.exportKey('jwk', publicKey)) as Jwk;
  return { key: { alg: algorithmOf(privateKey), key: privateKey }, jwk: { kty, crv, x, y, n, e } };
}

async function generateKeyPair(): Promise<KeyPair> {
  return (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
    'verify',
  ])) as KeyPair;
}

async function hashOf(accessToken: string): Promise<string> {
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(accessToken))));
}
