import type { Attack } from '../attack.ts';
import { createDelegate, makeLimits, readClient, ways } from '../delegate.ts';

export const attack: Attack = {
  name: 'a delegate creates or widens a client beyond its own limits',
  tries: 'For each limit of a delegate: a child without it, and a child that loses it by PATCH.',
  async run(target, findings) {
    for (const { name, own, within, beyond, isExceeded } of await makeLimits(target)) {
      const delegate = await createDelegate(target, own);
      const honest = await delegate.call('alone', 'POST', '/api/v1/oauth/client', {
        scopes: ['policy:read'],
        ...within,
      });
      findings.check(`${name}: a child within it can be created`, honest.status === 200, honest.text);
      for (const way of ways) {
        for (const more of beyond) {
          const body = { scopes: ['policy:read'], ...more };
          const created = await delegate.call(way, 'POST', '/api/v1/oauth/client', body);
          const id = created.body?.client_id;
          const child = id === undefined ? undefined : await readClient(target, id);
          const promise = `${name}: no child with ${JSON.stringify(more)} ${way}`;
          findings.check(promise, created.status < 500 && !(child && isExceeded(child)), created.text);
          await delegate.call(way, 'PATCH', `/api/v1/oauth/client/${honest.body?.client_id}`, more);
          findings.check(
            `${name}: no child is widened to ${JSON.stringify(more)} ${way}`,
            !isExceeded(await readClient(target, honest.body?.client_id)),
            more,
          );
        }
      }
    }
  },
};
