/**
 * Judges the public keys of others: of clients, DPoP proofs, trusted issuers, certificates and authorization servers.
 * RFC 7517 §4, RFC 7518 §6.2 and §6.3, RFC 8037 §2; key sizes of NIST SP 800-131A and FIPS 186-5 §5.1; RFC 8725 §3.4.
 */
import { decodeBase64UrlString } from '@postern/protocol';

/** The required members of a JWK, which identify the key. RFC 7638 §3.2. */
export type PublicJwk = Readonly<Record<string, string>>;

/** Why a key is not used; a predicate such as "has fewer than 2,048 bits" that repeats nothing of the key. */
export class PublicKeyFault extends Error {
  override readonly name = 'PublicKeyFault';
}

/** A key below is weak, a key above costs more to verify with than a caller may make us spend. */
const leastRsaBits = 2_048;
const mostRsaBits = 4_096;

/** FIPS 186-5 §5.1: e is greater than 2^16. With 1, everything is a valid signature; with 3, some forgeries are easy. */
const leastExponent = 65_537n;
const mostExponent = 0xff_ff_ff_ffn;

/** Bytes of a coordinate. */
const coordinateBytes: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };

const algorithmsOf: Readonly<Record<string, readonly string[]>> = {
  RSA: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ['EdDSA', 'Ed25519'],
};

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/**
 * Returns the required members of a JWK. Throws `PublicKeyFault` unless it is a public key for signatures, of a kind and size
 * that is neither weak nor expensive, in the one form that its kind has.
 *
 * Does not check whose key it is, its `kid`, or its certificates; nor, before it is imported, whether it is on its curve.
 */
export function parsePublicJwk(jwk: unknown): PublicJwk {
  if (typeof jwk !== 'object' || jwk === null) {
    throw new PublicKeyFault('is not a JWK');
  }
  const given = jwk as Readonly<Record<string, unknown>>;
  if (privateMembers.some((member) => given[member] !== undefined)) {
    throw new PublicKeyFault('has private members: send the public key only');
  }
  requirePurpose(given);
  const members = requireMembers(given);
  if (given['alg'] !== undefined && !algorithmsOf[members['crv'] ?? 'RSA']?.some((alg) => alg === given['alg'])) {
    throw new PublicKeyFault('has an alg for signatures that its kty does not have');
  }
  return members;
}

/** RFC 7517 §4.2 and §4.3. */
function requirePurpose({ use, key_ops }: Readonly<Record<string, unknown>>): void {
  if (use !== undefined && use !== 'sig') {
    throw new PublicKeyFault('has a use other than sig');
  }
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.length === 1 && key_ops[0] === 'verify')) {
    throw new PublicKeyFault('has key_ops other than verify');
  }
}

function requireMembers(jwk: Readonly<Record<string, unknown>>): PublicJwk {
  const { kty, crv } = jwk;
  switch (kty) {
    case 'RSA': {
      const [n, e] = [requireBytes(jwk, 'n'), requireBytes(jwk, 'e')];
      requireRsa(n.bytes, e.bytes);
      return { e: e.text, kty, n: n.text };
    }
    case 'EC': {
      const length = coordinateBytes[String(crv)];
      const [x, y] = [requireBytes(jwk, 'x'), requireBytes(jwk, 'y')];
      if (length === undefined) {
        throw new PublicKeyFault('has a curve other than P-256, P-384 and P-521');
      }
      if (x.bytes.length !== length || y.bytes.length !== length) {
        throw new PublicKeyFault('has a coordinate of another length than its curve');
      }
      return { crv: String(crv), kty, x: x.text, y: y.text };
    }
    case 'OKP': {
      const x = requireBytes(jwk, 'x');
      if (crv !== 'Ed25519') {
        throw new PublicKeyFault('has a curve other than Ed25519');
      }
      requireEd25519(x.bytes);
      return { crv, kty, x: x.text };
    }
    default:
      throw new PublicKeyFault('has a kty other than RSA, EC and OKP');
  }
}

/** RFC 7515 §2: base64url without padding, in its one form. */
function requireBytes(jwk: Readonly<Record<string, unknown>>, member: string): { text: string; bytes: Uint8Array } {
  const text = jwk[member];
  const bytes = typeof text === 'string' && text.length <= 2_000 ? decodeBase64UrlString(text) : undefined;
  if (bytes === undefined) {
    throw new PublicKeyFault(`must have ${member} in base64url`);
  }
  return { text: text as string, bytes };
}

function requireRsa(n: Uint8Array, e: Uint8Array): void {
  if (n[0] === 0 || e[0] === 0) {
    throw new PublicKeyFault('has a number that begins with zero bytes');
  }
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < leastRsaBits || bits > mostRsaBits) {
    throw new PublicKeyFault(`must have ${leastRsaBits} to ${mostRsaBits} bits`);
  }
  if (((n.at(-1) ?? 0) & 1) === 0) {
    throw new PublicKeyFault('has an even modulus');
  }
  const exponent = toBigInt(e);
  if (exponent < leastExponent || exponent > mostExponent || (exponent & 1n) === 0n) {
    throw new PublicKeyFault('must have an odd exponent from 65537 to 4294967295');
  }
}

const fieldPrime = 2n ** 255n - 19n;

/** y of the points of order 8; see "Taming the many EdDSAs", table 5. The other low orders have 0, 1 and -1. */
const orderEight = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const lowOrders = new Set([0n, 1n, fieldPrime - 1n, orderEight, fieldPrime - orderEight]);

/** RFC 8032 §5.1.3. Under a key of low order, one signature is valid for many messages. */
function requireEd25519(x: Uint8Array): void {
  if (x.length !== 32) {
    throw new PublicKeyFault('must have an x of 32 bytes');
  }
  const y = toBigInt(x.toReversed()) & (2n ** 255n - 1n);
  if (y >= fieldPrime || lowOrders.has(y)) {
    throw new PublicKeyFault('is a point of low order, or no point');
  }
}

/** The first byte is the highest. */
export function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`);
}
