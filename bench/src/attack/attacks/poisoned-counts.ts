import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import { assert, makeKey } from '../signed.ts';
import { type Target, untilMinuteHas } from '../target.ts';

/** Ids that no client has, as they are sent in a form. */
const impossible = [
  '%00',
  'a%00b',
  '%ED%A0%80',
  '%F0%9F%98%80',
  '%C3%A9',
  '%E2%80%AE',
  '%0A',
  'a'.repeat(5_000),
  '%27%3B--',
];

export const attack: Attack = {
  name: 'impossible ids poison the counts that limits share',
  tries: 'Assertions whose iss is a lone surrogate and ids with NUL, then tokens of a client with a quota.',
  async run(target, findings) {
    await untilMinuteHas(40);
    const key = await makeKey();
    const client = await target.createClient({ scopes: ['policy:read'], token_quota_per_minute: 100 });
    const limited = await target.createClient({ scopes: ['policy:read'], token_quota_per_minute: 20 });
    let issued = 5;
    // In the same tenth of a second as the tokens, so that they are counted together.
    await Promise.all([
      ...Array.from({ length: issued }, () => target.requestToken(client)),
      target.requestToken({ ...client, clientSecret: wrong }),
      ...Array.from({ length: 10 }, () => poison(target, key)),
    ]);
    // Each failure lets the counts be written once more.
    for (let round = 0; round < 20; round += 1) {
      await target.form('/api/v1/oauth/token', 'grant_type=client_credentials&client_id=nobody&client_secret=x');
      await sleep(150);
    }
    const failed = await target.requestToken({ ...client, clientSecret: wrong });
    findings.check('one failure counts once', failed.status === 401, failed.text);
    for (; issued < 100 && (await target.requestToken(client)).status === 200; issued += 1) {}
    findings.check('a client gets all the tokens of its quota', issued === 100, `refused after ${issued} of 100`);
    let got = 0;
    for (let sent = 0; sent < 60; sent += 1) {
      got += (await target.requestToken(limited)).status === 200 ? 1 : 0;
      await sleep(sent % 10 === 0 ? 250 : 0);
    }
    findings.check(
      'processes still share the counts of quotas',
      got <= 20 + 11 * (target.workers - 1),
      `${got} tokens, quota 20`,
    );
  },
};

/** As long as a real one. */
const wrong = 'x'.repeat(43);

async function poison(target: Target, key: Awaited<ReturnType<typeof makeKey>>): Promise<void> {
  for (const id of ['\ud800', 'a\udfff', '\u0000', 'x\u0000y', '__proto__']) {
    const assertion = await assert(target, id, key);
    await target.form('/api/v1/oauth/token', { grant_type: 'client_credentials', ...assertion });
    await target.form('/api/v1/oauth/introspect', { token: 'x', ...assertion });
    await target.form('/api/v1/oauth/revoke', { token: 'x', ...assertion });
  }
  for (const id of impossible) {
    await target.form('/api/v1/oauth/token', `grant_type=client_credentials&client_id=${id}&client_secret=x`);
    const basic = Buffer.from(`${id}:x`).toString('base64');
    await target.form('/api/v1/oauth/token', 'grant_type=client_credentials', {
      headers: { authorization: `Basic ${basic}` },
    });
    await target.call('GET', `/api/v1/oauth/register/${id.slice(0, 150)}`, { token: 'x' });
  }
}
