import type { Attack } from '../attack.ts';
import { assert, makeKey, makeProof } from '../signed.ts';
import { untilMinuteHas } from '../target.ts';

const quota = 5;
const parallel = 300;

export const attack: Attack = {
  name: 'many requests at once get more tokens than the quota',
  tries: '300 parallel requests of a client with a quota of 5: with DPoP proofs, with assertions, and with a secret.',
  async run(target, findings) {
    const key = await makeKey();
    const limited = { scopes: ['policy:read'], token_quota_per_minute: quota };
    const bySecret = await target.createClient(limited);
    const byKey = await target.createClient({
      ...limited,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.jwk] },
    });
    // The quota is per minute of the clock, so the requests must not lie in two.
    await untilMinuteHas(20);
    const proven = await makeMany(() => makeProof(target, key));
    await expectAtMost(
      'with proofs',
      proven.map((proof) => () => target.requestToken(bySecret, {}, { headers: { dpop: proof } })),
    );
    const asserted = await makeMany(() => assert(target, byKey.clientId, key));
    await expectAtMost(
      'with assertions',
      asserted.map((one) => () => target.form('/api/v1/oauth/token', { grant_type: 'client_credentials', ...one })),
    );
    const plain = await target.createClient(limited);
    await expectAtMost(
      'with a secret',
      Array.from({ length: parallel }, () => () => target.requestToken(plain)),
    );

    async function expectAtMost(how: string, requests: readonly (() => Promise<{ status: number }>)[]) {
      const answers = await Promise.all(requests.map((send) => send()));
      const issued = answers.filter(({ status }) => status === 200).length;
      // A process learns of the tokens of others a tenth of a second later.
      findings.check(`${how}: at most the quota`, issued <= quota * target.workers, `${issued} tokens, quota ${quota}`);
      const limited = answers.filter(({ status }) => status === 429).length;
      findings.check(
        `${how}: the others are told that the quota is used up`,
        limited === parallel - issued,
        `${limited}`,
      );
    }
  },
};

function makeMany<T>(make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: parallel }, make));
}
