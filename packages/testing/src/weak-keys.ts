/** Public keys that nobody should accept, as JWKs, each with what is wrong. RFC 7518 §6, FIPS 186-5 §5.1. */
import { generateKeyPairSync } from 'node:crypto';

type Jwk = Record<string, unknown>;

const jwkOf = (key: { export(options: { format: 'jwk' }): object }) => key.export({ format: 'jwk' }) as Jwk;
const rsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey);
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p256 = jwkOf(ec.publicKey);
const ed25519 = jwkOf(generateKeyPairSync('ed25519').publicKey);

const encode = (bytes: Iterable<number>) => Buffer.from([...bytes]).toString('base64url');
const modulus = (bits: number) => {
  const bytes = Buffer.alloc(bits / 8, 0x5b);
  bytes[0] = 0x80;
  return bytes.toString('base64url');
};
const hex = (text: string) => ({ ...ed25519, x: Buffer.from(text, 'hex').toString('base64url') });

/** Good ones, from which the others are made. */
export const goodKeys: Readonly<Record<string, Jwk>> = {
  RS256: rsa,
  'P-256': p256,
  'P-384': jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
  'P-521': jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey),
  Ed25519: ed25519,
  'with use, key_ops and alg': { ...p256, use: 'sig', key_ops: ['verify'], alg: 'ES256', kid: 'a', ext: true },
};

export const weakKeys: Readonly<Record<string, unknown>> = {
  'no key': null,
  text: 'AQAB',
  'an empty object': {},
  'RSA of 512 bits': { ...rsa, n: modulus(512) },
  'RSA of 1024 bits': { ...rsa, n: modulus(1_024) },
  'RSA of 2040 bits': { ...rsa, n: modulus(2_040) },
  'RSA of 4104 bits': { ...rsa, n: modulus(4_104) },
  'RSA of 8192 bits': { ...rsa, n: modulus(8_192) },
  'RSA of 1024 bits that zeros fill up': {
    ...rsa,
    n: encode([...Buffer.alloc(128), ...Buffer.from(modulus(1_024), 'base64url')]),
  },
  'RSA with an even modulus': { ...rsa, n: encode([...Buffer.alloc(255, 0xff), 0xfe]) },
  'RSA with the exponent 1': { ...rsa, e: encode([1]) },
  'RSA with the exponent 3': { ...rsa, e: encode([3]) },
  'RSA with the exponent 17': { ...rsa, e: encode([17]) },
  'RSA with an even exponent': { ...rsa, e: encode([1, 0, 2]) },
  'RSA with the exponent 0': { ...rsa, e: encode([0]) },
  'RSA with a huge exponent': { ...rsa, e: encode(Buffer.alloc(33, 0xff)) },
  'RSA with zeros before its exponent': { ...rsa, e: encode([0, 1, 0, 1]) },
  'RSA with padded base64': { ...rsa, e: 'AQAB=' },
  'RSA with standard base64': { ...rsa, n: encode([...Buffer.alloc(255, 0xff), 0xff]).replaceAll('_', '/') },
  'RSA without a modulus': { kty: 'RSA', e: 'AQAB' },
  'EC off its curve': { ...p256, y: p256['x'] },
  'EC at zero': { ...p256, x: encode(Buffer.alloc(32)), y: encode(Buffer.alloc(32)) },
  'EC with a short coordinate': { ...p256, x: encode(Buffer.alloc(31, 1)) },
  'EC with a coordinate that zeros fill up': {
    ...p256,
    x: encode([0, ...Buffer.from(String(p256['x']), 'base64url')]),
  },
  'EC with padded base64': { ...p256, x: `${p256['x']}=` },
  'EC on secp256k1': jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
  'EC on another curve than it says': { ...p256, crv: 'P-384' },
  'EC without a curve': { ...p256, crv: undefined },
  'OKP at 0': hex('00'.repeat(32)),
  'OKP at 0 with its sign': hex(`${'00'.repeat(31)}80`),
  'OKP at 1': hex(`01${'00'.repeat(31)}`),
  'OKP at -1': hex(`ec${'ff'.repeat(30)}7f`),
  'OKP of order 8': hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  'OKP of order 8 with its sign': hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'),
  'OKP of the other order 8': hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
  'OKP at 1 written as p + 1': hex(`ee${'ff'.repeat(30)}7f`),
  'OKP of 31 bytes': { ...ed25519, x: encode(Buffer.alloc(31, 9)) },
  'OKP for key agreement': jwkOf(generateKeyPairSync('x25519').publicKey),
  'OKP on Ed448': jwkOf(generateKeyPairSync('ed448').publicKey),
  'a symmetric key': { kty: 'oct', k: 'c2VjcmV0' },
  'a private key': jwkOf(ec.privateKey),
  'a public key with a symmetric member': { ...p256, k: 'c2VjcmV0' },
  'a key for encryption': { ...rsa, use: 'enc' },
  'a key for another use': { ...p256, use: ['sig'] },
  'a key for signing only': { ...p256, key_ops: ['sign'] },
  'a key for encryption by its key_ops': { ...rsa, key_ops: ['encrypt'] },
  'a key for everything': { ...p256, key_ops: ['verify', 'deriveKey'] },
  'a key with an alg of another kty': { ...p256, alg: 'RS256' },
  'a key with an alg of another curve': { ...p256, alg: 'ES384' },
  'a key with an alg of encryption': { ...rsa, alg: 'RSA-OAEP' },
  'a key with a symmetric alg': { ...rsa, alg: 'HS256' },
};
