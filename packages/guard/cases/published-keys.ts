/** The documents of the issuer: its metadata, and the keys that it publishes. RFC 8414 §3.3, RFC 7517 §4, RFC 8725 §3.4. */
import {
  audience,
  invalidToken,
  issuer,
  metadata,
  oneRequest,
  passes,
  publish,
  tokenOf,
  unavailable,
  type Variant,
} from './build.ts';
import type { GuardCase } from './guard-case.ts';
import { ecKey, hmac, keys, type TestKey } from './keys.ts';

const unknown = invalidToken('key_unknown');
const noKeys = unavailable('keys_unavailable');

type Row = readonly [name: string, title: string, variant: Variant];

/** A token of a key whose kid is its name, and the only published key. */
function keyed(name: keyof typeof keys, over: object = {}): Pick<Variant, 'token' | 'jwks'> {
  const key: TestKey = keys[name];
  return {
    token: tokenOf({ header: { alg: key.alg, kid: name }, key }),
    jwks: { keys: [publish(key, name, over)] },
  };
}

/** The key of the good token, published with other members, beside one that is good. */
const published = (over: object) => ({
  keys: [publish(keys.es256, 'es256', over), publish(keys.otherEs256, 'other')],
});

const { x = '', y = '' } = keys.es256.jwk;
const rsa = keys.rs256.jwk;

const algorithms: readonly Row[] = [
  ['es256', 'an EC key signs with ES256', { ...keyed('es256'), expect: passes() }],
  ['eddsa', 'an Ed25519 key signs with EdDSA', { ...keyed('eddsa'), expect: passes() }],
  ['rs256', 'an RSA key signs with RS256', { ...keyed('rs256'), expect: passes() }],
  ['ps256', 'an RSA key signs with PS256', { ...keyed('ps256'), expect: passes() }],
  ['ec-without-alg', 'the EC key has no alg', { ...keyed('es256', { alg: undefined }), expect: passes() }],
  ['ed-without-alg', 'the Ed25519 key has no alg', { ...keyed('eddsa', { alg: undefined }), expect: passes() }],
  [
    'rsa-without-alg',
    'the RSA key has no alg, so that nobody knows which padding it has',
    { ...keyed('rs256', { alg: undefined }), expect: unknown },
  ],
  [
    'rs256-for-ps256',
    'the key is for PS256, and the token has RS256',
    { ...keyed('rs256', { alg: 'PS256' }), expect: invalidToken('algorithm_not_allowed') },
  ],
  [
    'ps256-for-rs256',
    'the key is for RS256, and the token has PS256',
    { ...keyed('ps256', { alg: 'RS256' }), expect: invalidToken('algorithm_not_allowed') },
  ],
  [
    'rs256-signed-as-ps256',
    'the token has PS256, and a signature of RS256',
    {
      token: tokenOf({ header: { alg: 'PS256', kid: 'ps256' }, key: keys.rs256 }),
      jwks: { keys: [publish(keys.ps256, 'ps256')] },
      expect: invalidToken('signature_wrong'),
    },
  ],
  [
    'ps256-short',
    'the signature of PS256 has half of the length of its key',
    {
      token: tokenOf({ header: { alg: 'PS256', kid: 'ps256' }, sign: () => Buffer.alloc(128, 1) }),
      jwks: { keys: [publish(keys.ps256, 'ps256')] },
      expect: invalidToken('signature_wrong'),
    },
  ],
  [
    'rs256-hmac',
    'HMAC with the modulus of the RSA key as the secret',
    {
      ...keyed('rs256'),
      token: tokenOf({
        header: { alg: 'HS256', kid: 'rs256' },
        sign: hmac(Buffer.from(rsa['n'] as string, 'base64url')),
      }),
      expect: invalidToken('algorithm_not_allowed'),
    },
  ],
  [
    'eddsa-named-ed25519',
    'the token has Ed25519, the newer name, and the key EdDSA',
    {
      ...keyed('eddsa'),
      token: tokenOf({ header: { alg: 'Ed25519', kid: 'eddsa' }, key: keys.eddsa }),
      expect: invalidToken('algorithm_not_allowed'),
    },
  ],
  [
    'eddsa-zero-signature',
    'the signature of EdDSA is all zeros',
    {
      ...keyed('eddsa'),
      token: tokenOf({ header: { alg: 'EdDSA', kid: 'eddsa' }, sign: () => Buffer.alloc(64) }),
      expect: invalidToken('signature_wrong'),
    },
  ],
  [
    'rs256-empty-block',
    'the signature of RS256 is the number 1',
    {
      ...keyed('rs256'),
      token: tokenOf({
        header: { alg: 'RS256', kid: 'rs256' },
        sign: () => Buffer.concat([Buffer.alloc(255), Buffer.of(1)]),
      }),
      expect: invalidToken('signature_wrong'),
    },
  ],
  [
    'algorithm-accepted',
    'the guard accepts EdDSA only, and the token has it',
    { ...keyed('eddsa'), guard: { algorithms: ['EdDSA'] }, expect: passes() },
  ],
  [
    'algorithm-not-accepted',
    'the guard accepts EdDSA only, and the token has ES256',
    { guard: { algorithms: ['EdDSA'] }, expect: invalidToken('algorithm_not_allowed') },
  ],
];

const members: readonly Row[] = [
  ['beside-others', 'the key is one of two', { jwks: published({}), expect: passes() }],
  ['use-missing', 'the key has no use', { jwks: published({ use: undefined }), expect: passes() }],
  ['use-enc', 'the key is for encryption', { jwks: published({ use: 'enc' }), expect: unknown }],
  ['use-list', 'use is a list', { jwks: published({ use: ['sig'] }), expect: unknown }],
  ['key-ops-verify', 'key_ops is verify', { jwks: published({ key_ops: ['verify'] }), expect: passes() }],
  ['key-ops-sign', 'key_ops has sign too', { jwks: published({ key_ops: ['sign', 'verify'] }), expect: unknown }],
  ['key-ops-empty', 'key_ops is empty', { jwks: published({ key_ops: [] }), expect: unknown }],
  ['key-ops-text', 'key_ops is a text', { jwks: published({ key_ops: 'verify' }), expect: unknown }],
  ['alg-other-curve', 'alg is that of another curve', { jwks: published({ alg: 'ES384' }), expect: unknown }],
  ['alg-other-kind', 'alg is that of another kind of key', { jwks: published({ alg: 'RS256' }), expect: unknown }],
  ['alg-hs256', 'alg is HS256', { jwks: published({ alg: 'HS256' }), expect: unknown }],
  ['alg-none', 'alg is none', { jwks: published({ alg: 'none' }), expect: unknown }],
  ['alg-null', 'alg is null', { jwks: published({ alg: null }), expect: unknown }],
  ['alg-encryption', 'alg is for encryption', { jwks: published({ alg: 'ECDH-ES' }), expect: unknown }],
  ['kid-number', 'kid is a number', { jwks: published({ kid: 1 }), expect: unknown }],
  ['kid-missing', 'the key has no kid', { jwks: published({ kid: undefined }), expect: unknown }],
  ['kid-upper-case', 'kid is in upper case', { jwks: published({ kid: 'ES256' }), expect: unknown }],
  [
    'member-unknown',
    'the key has a member that nobody knows',
    { jwks: published({ color: 'blue' }), expect: passes() },
  ],
  [
    'certificate',
    'the key has a certificate, which is not used',
    { jwks: published({ x5c: ['MIIB'] }), expect: passes() },
  ],
  ['private', 'the key has its private member', { jwks: published(keys.es256.privateJwk), expect: unknown }],
  ['private-null', 'the private member is null', { jwks: published({ d: null }), expect: unknown }],
  ['secret-member', 'the key has a member k', { jwks: published({ k: 'c2VjcmV0' }), expect: unknown }],
  ['kty-missing', 'there is no kty', { jwks: published({ kty: undefined }), expect: unknown }],
  ['kty-lower-case', 'kty is in lower case', { jwks: published({ kty: 'ec' }), expect: unknown }],
  ['kty-other', 'kty is RSA', { jwks: published({ kty: 'RSA' }), expect: unknown }],
  [
    'kty-oct',
    'the key is a secret, and the token has an HMAC of it',
    {
      jwks: { keys: [{ kty: 'oct', kid: 'es256', alg: 'HS256', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA' }] },
      token: tokenOf({ header: { alg: 'HS256' }, sign: hmac('secret-secret-secret-secret-secret') }),
      expect: unknown,
    },
  ],
  ['curve-missing', 'there is no crv', { jwks: published({ crv: undefined }), expect: unknown }],
  ['curve-other', 'crv is P-384', { jwks: published({ crv: 'P-384' }), expect: unknown }],
  ['curve-secp256k1', 'crv is secp256k1', { jwks: published({ crv: 'secp256k1' }), expect: unknown }],
  ['coordinate-missing', 'there is no y', { jwks: published({ y: undefined }), expect: unknown }],
  ['coordinate-empty', 'y is empty', { jwks: published({ y: '' }), expect: unknown }],
  ['coordinate-short', 'a coordinate has a byte less', { jwks: published({ x: x.slice(0, -2) }), expect: unknown }],
  [
    'coordinate-long',
    'a coordinate begins with a zero byte too many',
    {
      jwks: published({ x: Buffer.concat([Buffer.of(0), Buffer.from(x, 'base64url')]).toString('base64url') }),
      expect: unknown,
    },
  ],
  ['coordinate-padding', 'a coordinate has padding', { jwks: published({ x: `${x}=` }), expect: unknown }],
  ['coordinate-number', 'a coordinate is a number', { jwks: published({ x: 1 }), expect: unknown }],
  ['off-curve', 'the point is not on its curve', { jwks: published({ x: y, y: x }), expect: unknown }],
  ['zero', 'the point is zero', { jwks: published({ x: 'A'.repeat(43), y: 'A'.repeat(43) }), expect: unknown }],
];

const rsaMember = (over: object): Variant => ({ ...keyed('rs256', over), expect: unknown });

/** Only the size counts: a token of such a key could not be signed here. */
function modulusOf(bytes: number): string {
  return Buffer.concat([Buffer.of(0x80), Buffer.alloc(bytes - 2, 0x5a), Buffer.of(1)]).toString('base64url');
}

const edMember = (point: string | Buffer): Variant => ({
  ...keyed('eddsa', { x: typeof point === 'string' ? point : point.toString('base64url') }),
  expect: unknown,
});

const weak: readonly Row[] = [
  ['rsa-1024', 'the RSA key has 1,024 bits', { ...keyed('weakRs256'), expect: unknown }],
  ['rsa-4104', 'the RSA key has 4,104 bits, which costs too much', rsaMember({ n: modulusOf(513) })],
  ['rsa-exponent-1', 'the exponent is 1', rsaMember({ e: 'AQ' })],
  ['rsa-exponent-3', 'the exponent is 3', rsaMember({ e: 'Aw' })],
  ['rsa-exponent-even', 'the exponent is 65,538', rsaMember({ e: 'AQAC' })],
  ['rsa-exponent-large', 'the exponent has 33 bits', rsaMember({ e: 'AQAAAAE' })],
  ['rsa-exponent-zero-byte', 'the exponent begins with a zero byte', rsaMember({ e: 'AAEAAQ' })],
  [
    'rsa-modulus-zero-byte',
    'the modulus begins with a zero byte',
    rsaMember({ n: Buffer.concat([Buffer.of(0), Buffer.from(rsa['n'] as string, 'base64url')]).toString('base64url') }),
  ],
  [
    'rsa-modulus-even',
    'the modulus is even',
    rsaMember({
      n: Buffer.concat([Buffer.from(rsa['n'] as string, 'base64url').subarray(0, 255), Buffer.of(0xf0)]).toString(
        'base64url',
      ),
    }),
  ],
  ['rsa-modulus-missing', 'there is no modulus', rsaMember({ n: undefined })],
  ['ed-short', 'the point has 31 bytes', edMember(Buffer.alloc(31, 7))],
  [
    'ed-identity',
    'the point is the neutral one, under which forgeries are easy',
    edMember(Buffer.concat([Buffer.of(1), Buffer.alloc(31)])),
  ],
  [
    'ed-order-eight',
    'the point has order 8',
    edMember(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')),
  ],
  ['ed-zero', 'the point is zero', edMember(Buffer.alloc(32))],
  [
    'ed-large',
    'the coordinate is larger than the field',
    edMember(Buffer.concat([Buffer.alloc(31, 0xff), Buffer.of(0x7f)])),
  ],
  ['ed-curve-other', 'the curve is X25519', { ...keyed('eddsa', { crv: 'X25519' }), expect: unknown }],
  ['ed-448', 'the curve is Ed448', { ...keyed('eddsa', { crv: 'Ed448' }), expect: unknown }],
];

const good = publish(keys.es256, 'es256');
const another = publish(keys.otherEs256, 'es256');
const many = (count: number) => ({
  keys: [...Array.from({ length: count - 1 }, (_, i) => publish(keys.otherEs256, `other-${i}`)), good],
});

const sets: readonly Row[] = [
  ['none', 'the set is empty', { jwks: { keys: [] }, expect: unknown }],
  [
    'no-object',
    'a member of the set is null, and one a text',
    { jwks: { keys: [null, 'key', good] }, expect: passes() },
  ],
  [
    'unusable-beside',
    'a key that cannot be read is beside the good one',
    { jwks: { keys: [{ kty: 'EC', kid: 'x' }, good] }, expect: passes() },
  ],
  [
    'same-kid-last',
    'two keys have the same kid, and the last one signed',
    { jwks: { keys: [another, good] }, expect: passes() },
  ],
  [
    'same-kid-first',
    'two keys have the same kid, and the first one signed',
    { jwks: { keys: [good, another] }, expect: invalidToken('signature_wrong') },
  ],
  ['hundred', 'the set has 100 keys', { jwks: many(100), expect: passes() }],
  ['too-many', 'the set has 101 keys', { jwks: many(101), expect: noKeys }],
  ['list', 'the document is a list of keys', { jwks: [good], expect: noKeys }],
  ['keys-missing', 'the document has no keys', { jwks: {}, expect: noKeys }],
  ['keys-object', 'keys is an object', { jwks: { keys: { es256: good } }, expect: noKeys }],
  ['unreachable', 'the keys cannot be fetched', { jwks: null, expect: noKeys }],
  [
    'other-issuer',
    'the metadata are of another issuer',
    { metadata: { ...metadata, issuer: 'https://other.example.com' }, expect: noKeys },
  ],
  [
    'issuer-slash',
    'the issuer in the metadata has a slash at its end',
    { metadata: { ...metadata, issuer: `${issuer}/` }, expect: noKeys },
  ],
  ['issuer-missing', 'the metadata have no issuer', { metadata: { jwks_uri: metadata.jwks_uri }, expect: noKeys }],
  ['jwks-uri-missing', 'the metadata have no jwks_uri', { metadata: { issuer }, expect: noKeys }],
  [
    'jwks-uri-http',
    'jwks_uri is http',
    { metadata: { issuer, jwks_uri: 'http://auth.example.com/jwks' }, expect: noKeys },
  ],
  ['jwks-uri-file', 'jwks_uri is a file', { metadata: { issuer, jwks_uri: 'file:///etc/jwks.json' }, expect: noKeys }],
  ['jwks-uri-number', 'jwks_uri is a number', { metadata: { issuer, jwks_uri: 1 }, expect: noKeys }],
  [
    'jwks-uri-http-allowed',
    'jwks_uri is http, and the guard was told that the network encrypts',
    {
      guard: { allow_http: true },
      metadata: { issuer, jwks_uri: 'http://auth.example.com/jwks' },
      expect: passes(),
    },
  ],
  [
    'issuer-http-allowed',
    'the issuer is http, and the guard was told that the network encrypts',
    {
      guard: { issuer: 'http://auth.example.com', allow_http: true },
      metadata: { issuer: 'http://auth.example.com', jwks_uri: 'http://auth.example.com/jwks' },
      token: tokenOf({ payload: { iss: 'http://auth.example.com' } }),
      expect: passes(),
    },
  ],
  ['metadata-list', 'the metadata are a list', { metadata: [metadata], expect: noKeys }],
  ['metadata-unreachable', 'the metadata cannot be fetched', { metadata: null, expect: noKeys }],
  [
    'unreachable-malformed-token',
    'the keys cannot be fetched, but no key is needed to refuse what is no token',
    { jwks: null, token: 'x', expect: invalidToken('token_malformed') },
  ],
  [
    'path-in-issuer',
    'the issuer has a path, and its metadata are where RFC 8414 says',
    {
      guard: { issuer: `${issuer}/tenant` },
      metadata: { issuer: `${issuer}/tenant`, jwks_uri: `${issuer}/tenant/jwks` },
      token: tokenOf({ payload: { iss: `${issuer}/tenant` } }),
      expect: passes(),
    },
  ],
  [
    'audience-urn',
    'the audience is no URL, so that the URL of the API is given',
    {
      guard: { audience: 'urn:example:orders', base_url: audience },
      token: tokenOf({ payload: { aud: 'urn:example:orders' } }),
      expect: passes(),
    },
  ],
  [
    'port-in-audience',
    'the audience has a path and a port',
    {
      guard: { audience: 'https://api.example.com:8443/orders' },
      token: tokenOf({ payload: { aud: 'https://api.example.com:8443/orders' } }),
      expect: passes(),
    },
  ],
];

const foreign = ecKey('another issuer');

export const keyCases: readonly GuardCase[] = [
  ...[...algorithms, ...members, ...weak, ...sets].map(([name, title, variant]) =>
    oneRequest(`keys/${name}`, title, variant),
  ),
  oneRequest('keys/other-issuer-same-kid', 'another issuer has a key with the same kid, which signed', {
    token: tokenOf({ key: foreign }),
    expect: invalidToken('signature_wrong'),
  }),
];
