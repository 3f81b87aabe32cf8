import { Agent } from 'node:http';
import type { Attack } from '../attack.ts';
import { measureUnderFlood, repeat } from '../bystanders.ts';
import { untilMinuteHas } from '../target.ts';

/** More ids and networks than 100,000 exact counts would have room for. */
const failures = 40_000;

export const attack: Attack = {
  name: 'failures from many networks switch limits off',
  tries: '40,000 wrong secrets of as many ids from as many networks; then a quota and wrong secrets of one client.',
  isFlood: true,
  env: { POSTERN_TRUSTED_PROXIES: '127.0.0.2', POSTERN_REGISTRATION: 'initial_access_token' },
  async run(target, findings) {
    await untilMinuteHas(45);
    const agent = new Agent({ keepAlive: true });
    const fail = (index: number) =>
      target.form('/api/v1/oauth/token', `grant_type=client_credentials&client_id=id-${index}&client_secret=x`, {
        agent,
        from: '127.0.0.2',
        headers: { 'x-forwarded-for': `${10 + (index % 90)}.${(index >> 8) % 256}.${index % 256}.7` },
      });
    let sent = 0;
    await measureUnderFlood(target, findings, async (over) => {
      sent = await repeat(over, 32, fail);
    });
    await repeat(AbortSignal.timeout(15_000), 32, async () => {
      sent += 1;
      return sent <= failures ? fail(sent) : new Promise((resolve) => setTimeout(resolve, 50));
    });
    findings.measured(`${Math.min(sent, failures)} failures`);
    const limited = await target.createClient({ scopes: ['policy:read'], token_quota_per_minute: 5 });
    let got = 0;
    let refused = 0;
    for (let index = 0; index < 30; index += 1) {
      got += (await target.requestToken(limited)).status === 200 ? 1 : 0;
    }
    for (let index = 0; index < 200; index += 1) {
      refused +=
        (await target.requestToken({ ...limited, clientSecret: 'x'.repeat(43) }, {}, { from: '127.0.0.9' })).status ===
        429
          ? 1
          : 0;
    }
    findings.check('a quota still limits', got <= 5 * target.workers, `${got} tokens, quota 5`);
    findings.check('wrong secrets are still limited', refused > 0, `${refused} of 200`);
    agent.destroy();
  },
};
