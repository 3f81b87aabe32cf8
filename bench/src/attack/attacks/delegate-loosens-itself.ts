import type { Attack } from '../attack.ts';
import { createDelegate, makeLimits, readClient, ways } from '../delegate.ts';

export const attack: Attack = {
  name: 'a delegate takes off the limits that others set on it',
  tries: 'For each limit: PATCH of itself, alone and in a batch; then deleting itself and creating its id again.',
  async run(target, findings) {
    for (const { name, own, beyond, isExceeded } of await makeLimits(target)) {
      for (const way of ways) {
        for (const more of beyond.filter((one) => Object.keys(one).length > 0)) {
          const delegate = await createDelegate(target, own);
          const answer = await delegate.call(way, 'PATCH', `/api/v1/oauth/client/${delegate.id}`, more);
          const after = await readClient(target, delegate.id);
          findings.check(`${name}: not taken off by PATCH ${way}`, !isExceeded(after), { more, answer: answer.text });
        }
      }
      const delegate = await createDelegate(target, own, ['client:choose_id']);
      const operations = [
        { method: 'DELETE', path: `/api/v1/oauth/client/${delegate.id}` },
        { method: 'POST', path: '/api/v1/oauth/client', body: { client_id: delegate.id, ...beyond[0] } },
      ];
      await target.call('POST', '/api/v1/batch', { token: delegate.token, body: { operations } });
      const after = await target.call('GET', `/api/v1/oauth/client/${delegate.id}`, {
        token: await target.rootToken(),
      });
      findings.check(
        `${name}: not taken off by a new client of its id`,
        !(after.status === 200 && isExceeded(after.body)),
        after.text,
      );
    }
  },
};
