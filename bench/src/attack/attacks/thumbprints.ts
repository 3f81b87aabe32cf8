import { calculateJwkThumbprint } from 'jose';
import type { Attack } from '../attack.ts';
import { makeKey, makeProof } from '../signed.ts';

/** Members that a thumbprint leaves out. RFC 7638 §3.2. */
const more = [
  { kid: 'x' },
  { alg: 'ES256', use: 'sig' },
  { key_ops: ['verify'], ext: true },
  { e: 'AQAB', n: 'AQAB' },
  { 'x5t#S256': 'x' },
  { a: { b: 1 } },
];

export const attack: Attack = {
  name: 'another form of a key has another thumbprint',
  tries: 'Proofs whose jwk has additional members, for which tokens would be bound to a key that nobody else computes.',
  async run(target, findings) {
    for (const alg of ['ES256', 'Ed25519', 'RS256']) {
      const key = await makeKey(alg);
      const thumbprint = await calculateJwkThumbprint(key.jwk);
      const client = await target.createClient({ scopes: ['policy:read'] });
      for (const members of [{}, ...more]) {
        const dpop = await makeProof(target, key, { jwk: { ...(members as object), ...key.jwk } });
        const { status, body, text } = await target.requestToken(client, {}, { headers: { dpop } });
        const claims =
          status === 200 ? JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString()) : undefined;
        const isSame = status === 400 || claims?.cnf?.jkt === thumbprint;
        findings.check(`${alg} with ${JSON.stringify(members)}: the same thumbprint`, isSame, claims?.cnf ?? text);
      }
    }
  },
};
