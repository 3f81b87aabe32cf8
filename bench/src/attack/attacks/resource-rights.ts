import { randomUUID } from 'node:crypto';
import type { Attack } from '../attack.ts';
import { asDelegate, createDelegate } from '../delegate.ts';

export const attack: Attack = {
  name: 'a delegate makes itself the reader of the tokens of an API',
  tries: 'Introspection rights on a resource of others, and weaker rules for that resource, by PUT of the resource.',
  async run(target, findings) {
    const key = `r-${randomUUID()}`;
    const resource = {
      key,
      identifier: `https://${key}.example.com`,
      scopes: ['policy:read'],
      access_token_ttl_seconds: 60,
    };
    await target.asRoot('PUT', '/api/v1/oauth/resource', resource);
    const delegate = await createDelegate(target, {}, [
      'resource:create_or_update',
      'resource:delete',
      'resource:read',
    ]);
    const stranger = await target.createClient({ scopes: ['policy:delete'] });
    for (const more of [
      { introspection_clients: [delegate.id] },
      { introspection_clients: [stranger.clientId] },
      { access_token_ttl_seconds: 31_536_000 },
    ]) {
      await asDelegate(target, delegate, 'alone', 'PUT', '/api/v1/oauth/resource', { ...resource, ...more });
      const { body } = await target.asRoot('GET', `/api/v1/oauth/resource/${key}`);
      const isSame = (body.introspection_clients ?? []).length === 0 && body.access_token_ttl_seconds === 60;
      findings.check(`a delegate cannot set ${Object.keys(more)[0]}`, isSame, body);
      await target.asRoot('PUT', '/api/v1/oauth/resource', resource);
    }
  },
};
