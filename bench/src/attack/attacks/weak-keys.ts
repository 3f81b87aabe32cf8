import { createHash, generateKeyPairSync, generatePrimeSync, type KeyObject, randomUUID } from 'node:crypto';
import type { JWK } from 'jose';
import type { Attack } from '../attack.ts';
import { makeKey, makeProof } from '../signed.ts';

const bytes = (value: bigint) =>
  Buffer.from(value.toString(16).padStart(Math.ceil(value.toString(16).length / 2) * 2, '0'), 'hex').toString(
    'base64url',
  );
const rsa = (n: bigint, e: bigint): JWK => ({ kty: 'RSA', n: bytes(n), e: bytes(e), alg: 'RS256' });
const number = (text: string | undefined) => BigInt(`0x${Buffer.from(text ?? '', 'base64url').toString('hex')}`);
const prime = (bits: number) => generatePrimeSync(bits, { bigint: true });
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' }) as JWK;
const generateModulus = () => number(jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey).n);

function weakKeys(): [name: string, jwk: JWK][] {
  const n = generateModulus();
  const ec = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
  return [
    ['RSA with the exponent 1', rsa(n, 1n)],
    ['RSA with the exponent 0', rsa(n, 0n)],
    ['RSA with the exponent 2', rsa(n, 2n)],
    ['RSA with the exponent 3', rsa(n, 3n)],
    ['RSA with an exponent longer than 256 bits', rsa(n, (1n << 256n) + 1n)],
    ['RSA with an even exponent', rsa(n, 65_538n)],
    ['RSA of 512 bits', rsa(prime(256) * prime(256), 65_537n)],
    ['RSA of 1024 bits', rsa(prime(512) * prime(512), 65_537n)],
    ['RSA of 2047 bits', rsa((n >> 2n) | 1n, 65_537n)],
    ['RSA of 8400 bits', rsa((1n << 8_399n) + 1n, 65_537n)],
    ['RSA of 16384 bits', rsa((1n << 16_383n) + 1n, 65_537n)],
    ['RSA with an even modulus', rsa(n - 1n, 65_537n)],
    ['a key for encryption', { ...ec, use: 'enc' }],
    ['a key whose operations are others', { ...ec, key_ops: ['encrypt'] }],
    ['a key that only signs', { ...ec, key_ops: ['sign'] }],
    ['a key of another algorithm', { ...ec, alg: 'RS256' }],
    ['a key of an HMAC', { kty: 'oct', k: 'AAAA' }],
    ['a private key', jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
    ['a point that is not on the curve', { ...ec, y: ec.x as string }],
    ['the curve secp256k1', jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
    ['a key for agreement', jwkOf(generateKeyPairSync('x25519').publicKey)],
    [
      'an Ed25519 point of small order',
      { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).fill(1, 0, 1).toString('base64url') },
    ],
    ['an Ed25519 point of zeros', { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url') }],
    [
      'an Ed25519 point of order 8',
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex').toString('base64url'),
      },
    ],
  ];
}

export const attack: Attack = {
  name: 'a weak or wrong key is accepted',
  tries:
    'Keys that anybody can sign with, that cost much, or that are for something else: of clients, issuers and proofs.',
  async run(target, findings) {
    const client = await target.createClient({ scopes: ['policy:read'] });
    const token = await target.rootToken();
    const key = await makeKey();
    for (const [name, jwk] of weakKeys()) {
      const created = await target.call('POST', '/api/v1/oauth/client', {
        token,
        body: { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } },
      });
      findings.check(`${name}: not of a client`, created.status >= 400 && created.status < 500, created.text);
      const certificateKey = await target.call('POST', '/api/v1/oauth/client', {
        token,
        body: { jwks: { keys: [jwk] }, token_endpoint_auth_method: 'self_signed_tls_client_auth' },
      });
      findings.check(
        `${name}: not for certificates`,
        certificateKey.status >= 400 && certificateKey.status < 500,
        certificateKey.text,
      );
      const id = `i-${randomUUID()}`;
      const rules = [{ client_id: client.clientId, claims: { sub: 'me' } }];
      const issuer = await target.call('PUT', '/api/v1/oauth/issuer', {
        token,
        body: { key: id, issuer: `https://${id}.example.com`, jwks: { keys: [jwk] }, rules },
      });
      findings.check(`${name}: not of an issuer`, issuer.status >= 400 && issuer.status < 500, issuer.text);
      const proof = await makeProof(target, key, { jwk });
      const forged = proof.replace(/[^.]*$/, 'AQ');
      for (const dpop of [proof, forged]) {
        const answer = await target.requestToken(client, {}, { headers: { dpop } });
        findings.check(`${name}: not of a proof`, answer.status === 400, answer.text);
      }
    }
    await forgeByExponentOne(target, findings);
  },
};

/** With the exponent 1 the signature is the padded digest itself, which anybody can write. */
const forgeByExponentOne: Attack['run'] = async (target, findings) => {
  const jwk = rsa(generateModulus(), 1n);
  const client = await target.createClient({ scopes: ['policy:read'] });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const input = `${part({ typ: 'dpop+jwt', alg: 'RS256', jwk })}.${part({ htm: 'POST', htu: `http://localhost:${target.port}/api/v1/oauth/token`, jti: randomUUID(), iat: now })}`;
  const digest = Buffer.concat([
    Buffer.from('3031300d060960864801650304020105000420', 'hex'),
    createHash('sha256').update(input).digest(),
  ]);
  const padded = Buffer.concat([
    Buffer.from([0, 1]),
    Buffer.alloc(256 - 3 - digest.length, 0xff),
    Buffer.from([0]),
    digest,
  ]);
  const answer = await target.requestToken(
    client,
    {},
    { headers: { dpop: `${input}.${padded.toString('base64url')}` } },
  );
  findings.check('nobody signs with the exponent 1', answer.status === 400, answer.text);
};
