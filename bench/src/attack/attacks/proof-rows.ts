import { createHash } from 'node:crypto';
import type { Attack } from '../attack.ts';
import { measureUnderFlood, repeat } from '../bystanders.ts';
import { makeKey, makeProof } from '../signed.ts';

const path = '/api/v1/oauth/client';

export const attack: Attack = {
  name: 'proofs with a token that may not call fill the table of used proofs',
  tries:
    'Fresh DPoP proofs as fast as possible, with a token without the scope, and with the token of a deleted client.',
  isFlood: true,
  async run(target, findings) {
    const key = await makeKey();
    const proven = async (scopes: string[]) => {
      const who = await target.createClient({ scopes, dpop_bound_access_tokens: true });
      const { body } = await target.requestToken(who, {}, { headers: { dpop: await makeProof(target, key) } });
      return { ...who, token: body.access_token as string };
    };
    const call = async (token: string, proofKey = key) => {
      const ath = createHash('sha256').update(token).digest('base64url');
      const dpop = await makeProof(target, proofKey, { method: 'GET', path, ath });
      return target.call('GET', path, { headers: { authorization: `DPoP ${token}`, dpop }, from: '127.0.0.2' });
    };
    const scopeless = await proven(['policy:read']);
    const deleted = await proven(['client:read']);
    await target.asRoot('DELETE', `${path}/${deleted.clientId}`);
    const allowed = await proven(['client:read']);

    const before = await target.countRows('used_tokens');
    let sent = 0;
    await measureUnderFlood(target, findings, async (over) => {
      await repeat(over, 16, async (index) => {
        sent += 1;
        await call(index % 2 === 0 ? scopeless.token : deleted.token);
      });
    });
    const rows = (await target.countRows('used_tokens')) - before;
    findings.measured(`${sent} proofs`);
    findings.check('proofs of calls that are refused write no row', rows === 0, `${rows} rows for ${sent} proofs`);
    const { status, text } = await call(allowed.token);
    findings.check('whoever may call still can', status === 200, text);
    const stolen = await call(allowed.token, await makeKey());
    findings.check('a proof by another key is refused', stolen.status === 401, stolen.text);
  },
};
