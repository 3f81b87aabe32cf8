import { randomUUID } from 'node:crypto';
import type { Attack } from '../attack.ts';
import { createDelegate, ways } from '../delegate.ts';

export const attack: Attack = {
  name: 'a delegate lets a client that may do more act for an API',
  tries:
    'The introspection rights of an API, given to and taken from a client with a scope that the delegate may not assign.',
  async run(target, findings) {
    const delegate = await createDelegate(target, {}, [
      'resource:create_or_update',
      'resource:delete',
      'resource:read',
    ]);
    const other = await target.createClient({ scopes: ['policy:delete'] });
    for (const way of ways) {
      const key = `r-${randomUUID()}`;
      const resource = { key, identifier: `https://${key}.example.com`, scopes: ['policy:read'] };
      const put = (introspection_clients: string[]) =>
        delegate.call(way, 'PUT', '/api/v1/oauth/resource', { ...resource, introspection_clients });
      await target.asRoot('PUT', '/api/v1/oauth/resource', resource);
      const given = await put([other.clientId]);
      findings.check(`not given ${way}`, given.status === 403, given.text);
      await target.asRoot('PUT', '/api/v1/oauth/resource', { ...resource, introspection_clients: [other.clientId] });
      const taken = await put([]);
      findings.check(`not taken ${way}`, taken.status === 403, taken.text);
      const deleted = await delegate.call(way, 'DELETE', `/api/v1/oauth/resource/${key}`);
      findings.check(`not taken by deleting the resource ${way}`, deleted.status === 403, deleted.text);
    }
  },
};
