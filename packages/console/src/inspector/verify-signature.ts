/** The signature of a token against the published keys, by the browser's own cryptography. RFC 7515 §5.2. */
import type { PublishedKey } from '../api/metadata.ts';
import type { ReadToken } from '../session/access-token.ts';
import type { Evidence } from './inspect.ts';

type Algorithm = AlgorithmIdentifier | RsaHashedImportParams | EcKeyImportParams;
type SignatureAlgorithm = AlgorithmIdentifier | RsaPssParams | EcdsaParams;

const algorithms: Readonly<Record<string, { readonly key: Algorithm; readonly signature: SignatureAlgorithm }>> = {
  ES256: { key: { name: 'ECDSA', namedCurve: 'P-256' }, signature: { name: 'ECDSA', hash: 'SHA-256' } },
  RS256: { key: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, signature: 'RSASSA-PKCS1-v1_5' },
  PS256: { key: { name: 'RSA-PSS', hash: 'SHA-256' }, signature: { name: 'RSA-PSS', saltLength: 32 } },
  EdDSA: { key: 'Ed25519', signature: 'Ed25519' },
};

/** Undefined where the browser cannot tell. */
export async function verifySignature(token: ReadToken, keys: readonly PublishedKey[]): Promise<Evidence['signature']> {
  const jwk = keys.find(({ kid }) => kid === token.header['kid']);
  if (jwk === undefined) {
    return 'unknown_key';
  }
  const alg = token.header['alg'];
  const algorithm = typeof alg === 'string' && Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined;
  if (jwk.alg !== alg) {
    return 'bad';
  }
  if (algorithm === undefined || !window.isSecureContext) {
    return undefined;
  }
  try {
    const { kty, crv, x, y, n, e } = jwk;
    const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y, n, e }, algorithm.key, false, ['verify']);
    const signed = new TextEncoder().encode(token.signed);
    return (await crypto.subtle.verify(algorithm.signature, key, token.signature, signed)) ? 'good' : 'bad';
  } catch {
    return undefined;
  }
}
