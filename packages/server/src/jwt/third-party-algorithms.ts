/** The signature algorithms of third parties, by `node:crypto`. RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2. */
import { constants, type KeyObject, verify } from 'node:crypto';

interface Algorithm {
  /** The only keys that it takes. */
  readonly kty: string;
  readonly crv: string | undefined;
  /** Null for Ed25519, which has its own. */
  readonly digest: string | null;
  readonly options: Readonly<Record<string, unknown>>;
}

const ecdsa = (crv: string, digest: string): Algorithm => ({
  kty: 'EC',
  crv,
  digest,
  options: { dsaEncoding: 'ieee-p1363' },
});
const rsaPss = (digest: string): Algorithm => ({
  kty: 'RSA',
  crv: undefined,
  digest,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
});
const ed25519: Algorithm = { kty: 'OKP', crv: 'Ed25519', digest: null, options: {} };

/** Asymmetric only: a public key must never serve as the secret of an HMAC. */
const algorithms: ReadonlyMap<string, Algorithm> = new Map([
  ['ES256', ecdsa('P-256', 'sha256')],
  ['ES384', ecdsa('P-384', 'sha384')],
  ['ES512', ecdsa('P-521', 'sha512')],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
  ['PS256', rsaPss('sha256')],
  ['PS384', rsaPss('sha384')],
  ['PS512', rsaPss('sha512')],
  ['RS256', { kty: 'RSA', crv: undefined, digest: 'sha256', options: { padding: constants.RSA_PKCS1_PADDING } }],
]);

/** The values of `alg` that are accepted. */
export const acceptedAlgorithms: readonly string[] = [...algorithms.keys()];

/** Whether the algorithm takes keys of that type and curve, so that no key is used in a way that it was not made for. */
export function takesKey(alg: string, { kty, crv }: Readonly<Record<string, unknown>>): boolean {
  const algorithm = algorithms.get(alg);
  return algorithm !== undefined && kty === algorithm.kty && (algorithm.crv === undefined || crv === algorithm.crv);
}

/** Whether the key made the signature. Does not check whether the algorithm takes the key. */
export function isSignedBy(alg: string, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = algorithms.get(alg);
  return algorithm !== undefined && verify(algorithm.digest, data, { key, ...algorithm.options }, signature);
}
