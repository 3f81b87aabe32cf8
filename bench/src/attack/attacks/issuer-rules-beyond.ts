import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import type { Attack } from '../attack.ts';
import { createDelegate, makeLimits, ways } from '../delegate.ts';

export const attack: Attack = {
  name: 'a delegate lets its own issuer stand in for a client that may do more',
  tries: 'For each limit: a rule of a trusted issuer, whose key the delegate holds, for a client beyond the limit.',
  async run(target, findings) {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwks = { keys: [await exportJWK(publicKey)] };
    for (const { name, own, beyond } of await makeLimits(target)) {
      const delegate = await createDelegate(target, own, ['issuer:create_or_update', 'issuer:delete', 'issuer:read']);
      const victim = await target.createClient({ scopes: ['policy:read'], ...beyond[0] });
      const issuerOf = (clientId: string, key = `i-${randomUUID()}`) => ({
        key,
        issuer: `https://${key}.example.com`,
        jwks,
        rules: [{ client_id: clientId, claims: { sub: 'me' } }],
      });
      for (const way of ways) {
        const answer = await delegate.call(way, 'PUT', '/api/v1/oauth/issuer', issuerOf(victim.clientId));
        findings.check(`${name}: no rule for a client beyond it ${way}`, answer.status === 403, answer.text);
        const own = issuerOf(victim.clientId);
        await target.asRoot('PUT', '/api/v1/oauth/issuer', own);
        const taken = await delegate.call(way, 'PUT', '/api/v1/oauth/issuer', { ...own, rules: [] });
        findings.check(`${name}: no rule of others removed ${way}`, taken.status === 403, taken.text);
        const { publicKey: another } = await generateKeyPair('ES256', { extractable: true });
        for (const change of [
          { jwks: { keys: [await exportJWK(another)] } },
          { audience: 'https://mine.example.com' },
          { single_use: false, max_age_seconds: 86_400 },
        ]) {
          const changed = await delegate.call(way, 'PUT', '/api/v1/oauth/issuer', { ...own, ...change });
          findings.check(
            `${name}: ${Object.keys(change)[0]} of others not replaced ${way}`,
            changed.status === 403,
            changed.text,
          );
        }
        const gone = await delegate.call(way, 'DELETE', `/api/v1/oauth/issuer/${own.key}`);
        findings.check(`${name}: no issuer of others deleted ${way}`, gone.status === 403, gone.text);
      }
    }
  },
};
