import type { Attack } from '../attack.ts';
import { createDelegate, makeLimits, readClient, ways } from '../delegate.ts';

export const attack: Attack = {
  name: 'a delegate registers a client beyond its limits',
  tries: 'For each limit: an initial access token, a client registered with it, and its registration updated.',
  env: { POSTERN_REGISTRATION: 'initial_access_token' },
  async run(target, findings) {
    for (const { name, own, within, beyond, isExceeded } of await makeLimits(target)) {
      const delegate = await createDelegate(target, own, ['initial_access_token:create']);
      for (const way of ways) {
        for (const more of beyond) {
          const resources =
            (more as { resources?: string[] }).resources ?? (within as { resources?: string[] }).resources ?? [];
          const created = await delegate.call(way, 'POST', '/api/v1/oauth/initial-access-token', {
            scopes: ['policy:read'],
            resources,
          });
          const token = created.body?.initial_access_token;
          const promise = `${name}: none with ${JSON.stringify(more)} registers ${way}`;
          if (token === undefined) {
            findings.check(promise, created.status === 403, created.text);
            continue;
          }
          const registered = await target.register(token, more);
          const id = registered.body?.client_id;
          findings.check(promise, id === undefined || !isExceeded(await readClient(target, id)), registered.text);
          if (id !== undefined) {
            await target.call('PUT', `/api/v1/oauth/register/${id}`, {
              token: registered.body.registration_access_token,
              body: { client_id: id, client_name: 'x', ...more },
            });
            findings.check(
              `${name}: an update by registration does not take it off ${way}`,
              !isExceeded(await readClient(target, id)),
              more,
            );
          }
        }
      }
    }
    await staysWithinCreator(target, findings);
  },
};

/** An initial access token gives no more than its creator has at the time when it is used. */
const staysWithinCreator: Attack['run'] = async (target, findings) => {
  const resource = await target.createResource();
  const delegate = await createDelegate(target, { resources: [resource] }, ['initial_access_token:create']);
  const created = await delegate.call('alone', 'POST', '/api/v1/oauth/initial-access-token', {
    scopes: ['policy:read'],
    resources: [resource],
  });
  await target.asRoot('PATCH', `/api/v1/oauth/client/${delegate.id}`, { resources: [], token_quota_per_minute: 1 });
  const registered = await target.register(created.body?.initial_access_token);
  const id = registered.body?.client_id;
  const client = id === undefined ? undefined : await readClient(target, id);
  findings.check('no resource that the creator has lost', !client?.resources?.includes(resource), registered.text);
  findings.check(
    'no quota above what the creator has now',
    client === undefined || client.token_quota_per_minute === 1,
    registered.text,
  );
};
