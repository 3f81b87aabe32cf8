/** Keys that sign the client's own JWTs, by Web Crypto. RFC 7515 §5.1, RFC 7518 §3, RFC 8037 §3.1. */
import { encodeBase64Url } from '@postern/protocol';
import { fromBase64 } from './base64url.ts';

export type JwsAlgorithm = 'ES256' | 'EdDSA' | 'Ed25519' | 'RS256' | 'PS256';

/** A JSON Web Key. RFC 7517 §4. */
export type Jwk = Readonly<Record<string, unknown>>;

export interface KeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export interface SigningKey {
  readonly alg: JwsAlgorithm;
  readonly key: CryptoKey;
}

/** What Web Crypto calls an algorithm: to take in a key, and to sign with it. */
const parameters = {
  ES256: { import: { name: 'ECDSA', namedCurve: 'P-256' }, sign: { name: 'ECDSA', hash: 'SHA-256' } },
  EdDSA: { import: { name: 'Ed25519' }, sign: { name: 'Ed25519' } },
  Ed25519: { import: { name: 'Ed25519' }, sign: { name: 'Ed25519' } },
  RS256: { import: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, sign: { name: 'RSASSA-PKCS1-v1_5' } },
  PS256: { import: { name: 'RSA-PSS', hash: 'SHA-256' }, sign: { name: 'RSA-PSS', saltLength: 32 } },
} as const satisfies Record<JwsAlgorithm, object>;

/**
 * A private key, ready to sign. `key` is a `CryptoKey`, a JWK or a PEM text (PKCS #8). Without `alg`: the JWK's own, or what
 * fits the kind of key; RS256 for an RSA key and ES256 for a PEM text. Throws `TypeError` for a key that does not fit.
 */
export async function importSigningKey(key: CryptoKey | Jwk | string, alg?: JwsAlgorithm): Promise<SigningKey> {
  try {
    if (typeof key === 'string') {
      const der = fromBase64(key.replaceAll(/-----(BEGIN|END) PRIVATE KEY-----/g, ''));
      return await imported('pkcs8', der, alg ?? 'ES256');
    }
    if (!isCryptoKey(key)) {
      return await imported('jwk', key, alg ?? algorithmOfJwk(key));
    }
  } catch (cause) {
    throw new TypeError('The private key must be a CryptoKey, a private JWK or PKCS #8 in PEM, and fit its alg.', {
      cause,
    });
  }
  const fitting = algorithmOf(key);
  if (alg !== undefined && parameters[alg].sign.name !== key.algorithm.name) {
    throw new TypeError(`The private key is for ${fitting} and cannot sign ${alg}.`);
  }
  return { alg: alg ?? fitting, key };
}

/** Returns the algorithm of a `CryptoKey`. Throws `TypeError` if it is not supported. */
export function algorithmOf({ algorithm }: CryptoKey): JwsAlgorithm {
  const { name, namedCurve = 'P-256', hash } = algorithm as KeyAlgorithmDetails;
  const alg = (['ES256', 'EdDSA', 'RS256', 'PS256'] as const).find((known) => parameters[known].sign.name === name);
  if (alg === undefined || namedCurve !== 'P-256' || (hash ?? sha256).name !== sha256.name) {
    throw new TypeError('The key must be for ECDSA with P-256, Ed25519, RSASSA-PKCS1-v1_5 or RSA-PSS with SHA-256.');
  }
  return alg;
}

interface KeyAlgorithmDetails {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: { readonly name: string };
}

const sha256 = { name: 'SHA-256' };

/** A compact JWS over `claims`. `header` needs no `alg`. */
export async function signJwt(header: object, claims: object, { alg, key }: SigningKey): Promise<string> {
  const input = `${encodeJson({ alg, ...header })}.${encodeJson(claims)}`;
  const signature = await crypto.subtle.sign(parameters[alg].sign, key, new TextEncoder().encode(input));
  return `${input}.${encodeBase64Url(new Uint8Array(signature))}`;
}

/** A `jti` of 128 random bits. */
export function randomId(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(16)));
}

async function imported(format: 'pkcs8' | 'jwk', data: unknown, alg: JwsAlgorithm): Promise<SigningKey> {
  const key = await crypto.subtle.importKey(format as 'jwk', data as Jwk, parameters[alg].import, false, ['sign']);
  return { alg, key };
}

function algorithmOfJwk({ alg, kty }: Jwk): JwsAlgorithm {
  if (typeof alg === 'string' && alg in parameters) {
    return alg as JwsAlgorithm;
  }
  return kty === 'RSA' ? 'RS256' : kty === 'OKP' ? 'EdDSA' : 'ES256';
}

function isCryptoKey(key: CryptoKey | Jwk): key is CryptoKey {
  return key instanceof CryptoKey;
}

function encodeJson(value: object): string {
  return encodeBase64Url(new TextEncoder().encode(JSON.stringify(value)));
}
