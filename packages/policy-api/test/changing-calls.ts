/** A call of each route of the server and of this API that changes something and that a scope guards. */
import type { Partner } from '@postern/testing/partner';
import type { TestServer } from '@postern/testing/test-server';

export interface Call {
  readonly path: string;
  readonly body?: unknown;
}

/**
 * Returns the calls by method and URL of their routes. Each creates what it changes, with a token of root. The server reads the
 * documents of the partner.
 */
export function createCalls(
  server: () => Pick<TestServer, 'call' | 'createClient' | 'now' | 'postForm' | 'token' | 'url'>,
  root: () => string,
  partner: () => Partner,
) {
  /** Makes names unique. */
  let count = 0;

  async function asRoot(method: string, path: string, body?: unknown) {
    const answer = await server().call(method, `/api/v1${path}`, { token: root(), body });
    if (answer.status >= 300 || (answer.body.failed?.length ?? 0) > 0) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  const key = () => {
    count += 1;
    return `thing_${count}`;
  };
  const client = async () => (await server().createClient({ name: key() })).clientId;
  const scope = async () => {
    const [{ name }] = await asRoot('PUT', '/oauth/scope', { name: `${key()}:read`, description: 'x' });
    return name;
  };
  const created = async (path: string, body: object) => {
    const element = { key: key(), ...body };
    await asRoot('PUT', path, element);
    return element.key;
  };
  const put = async (path: string, body: object) => {
    const element = { key: key(), name: key(), ...body };
    await asRoot('PUT', path, [element]);
    return element.key;
  };
  const storage = { type: 'local' };
  const policy = () => put('/policy', {});
  /** The signing key that waits, which is created if there is none. */
  const nextKey = async () => {
    const { items } = await asRoot('GET', '/oauth/key');
    // That of events is in use from its first moment on.
    const waiting = items.find(
      ({ status, alg }: { status: string; alg: string }) => status === 'next' && alg !== 'RS256',
    );
    return (waiting ?? (await asRoot('POST', '/oauth/key/rotate', {}))).kid;
  };
  const rule = async () => {
    const storage_destination_key = await put('/storage/config', storage);
    const path = `/policy/${await policy()}/rule`;
    return `${path}/${await put(path, { action_type: 'access', storage_destination_key })}`;
  };
  const bulk = (body: object) => [{ key: key(), name: key(), ...body }];
  const resource = () => ({ identifier: `https://${key().replace('_', '-')}.example.com`, scopes: [] });
  const issuer = () => ({ issuer: `https://${key().replace('_', '-')}.example.com`, rules: [] });
  const detailsType = () => ({ type: `type${key()}`, schema: { type: 'object' } });
  const initialToken = () => asRoot('POST', '/oauth/initial-access-token', { scopes: ['policy:read'], max_uses: 9 });

  /** A client that waits for approval. */
  const waitingClient = async () => {
    const clientId = partner().publish();
    await partner().ask(server(), clientId);
    return clientId;
  };

  const calls: Readonly<Record<string, () => Promise<Call>>> = {
    'POST /api/v1/oauth/client': async () => ({ path: '/oauth/client', body: {} }),
    'PUT /api/v1/oauth/client/:client_id': async () => ({
      path: `/oauth/client/${await client()}`,
      body: { name: 'a' },
    }),
    'PATCH /api/v1/oauth/client/:client_id': async () => ({
      path: `/oauth/client/${await client()}`,
      body: { name: 'a' },
    }),
    'DELETE /api/v1/oauth/client/:client_id': async () => ({ path: `/oauth/client/${await client()}` }),
    'PUT /api/v1/oauth/client/:client_id/scope': async () => ({
      path: `/oauth/client/${await client()}/scope`,
      body: ['policy:read'],
    }),
    'POST /api/v1/oauth/client/:client_id/revoke': async () => ({ path: `/oauth/client/${await client()}/revoke` }),
    'POST /api/v1/oauth/client/:client_id/secret': async () => ({
      path: `/oauth/client/${await client()}/secret`,
      body: {},
    }),
    'DELETE /api/v1/oauth/client/:client_id/secret/:secret_id': async () => {
      const path = `/oauth/client/${await client()}/secret`;
      return { path: `${path}/${(await asRoot('GET', path)).items[0].secret_id}` };
    },
    'PUT /api/v1/oauth/scope': async () => ({ path: '/oauth/scope', body: [{ name: `${key()}:x`, description: 'x' }] }),
    'DELETE /api/v1/oauth/scope/:name': async () => ({ path: `/oauth/scope/${await scope()}` }),
    'PUT /api/v1/oauth/resource': async () => ({ path: '/oauth/resource', body: { key: key(), ...resource() } }),
    'DELETE /api/v1/oauth/resource/:resource_key': async () => ({
      path: `/oauth/resource/${await created('/oauth/resource', resource())}`,
    }),
    'PUT /api/v1/oauth/issuer': async () => ({ path: '/oauth/issuer', body: { key: key(), ...issuer() } }),
    'DELETE /api/v1/oauth/issuer/:issuer_key': async () => ({
      path: `/oauth/issuer/${await created('/oauth/issuer', issuer())}`,
    }),
    'PUT /api/v1/oauth/authorization-details-type': async () => ({
      path: '/oauth/authorization-details-type',
      body: detailsType(),
    }),
    'DELETE /api/v1/oauth/authorization-details-type/:type': async () => {
      const { type } = await asRoot('PUT', '/oauth/authorization-details-type', detailsType());
      return { path: `/oauth/authorization-details-type/${type}` };
    },
    'PUT /api/v1/oauth/role': async () => ({ path: '/oauth/role', body: { name: 'stopped', scopes: [] } }),
    'DELETE /api/v1/oauth/role/:name': async () => {
      const { name } = await asRoot('PUT', '/oauth/role', { name: key(), scopes: [] });
      return { path: `/oauth/role/${name}` };
    },
    'DELETE /api/v1/oauth/stream/:id': async () => ({
      path: `/oauth/stream/${(await asRoot('POST', '/ssf/stream', {})).stream_id}`,
    }),
    'PUT /api/v1/oauth/client-policy': async () => ({ path: '/oauth/client-policy', body: { name: 'stopped' } }),
    'DELETE /api/v1/oauth/client-policy/:name': async () => {
      const { name } = await asRoot('PUT', '/oauth/client-policy', { name: key() });
      return { path: `/oauth/client-policy/${name}` };
    },
    'POST /api/v1/oauth/client-document/:client_id/reject': async () => ({
      path: `/oauth/client-document/${encodeURIComponent(await waitingClient())}/reject`,
    }),
    'POST /api/v1/oauth/initial-access-token': async () => ({
      path: '/oauth/initial-access-token',
      body: { scopes: [] },
    }),
    'DELETE /api/v1/oauth/initial-access-token/:id': async () => ({
      path: `/oauth/initial-access-token/${(await initialToken()).id}`,
    }),
    'POST /api/v1/oauth/key/rotate': async () => {
      await asRoot('DELETE', `/oauth/key/${await nextKey()}`);
      return { path: '/oauth/key/rotate', body: {} };
    },
    'DELETE /api/v1/oauth/key/:kid': async () => ({ path: `/oauth/key/${await nextKey()}` }),
    'POST /api/v1/oauth/key/:kid/revoke': async () => ({ path: `/oauth/key/${await nextKey()}/revoke`, body: {} }),
    'POST /api/v1/oauth/revoke_one': async () => {
      const token = await server().token(await server().createClient({ name: key() }));
      return { path: '/oauth/revoke_one', body: { token } };
    },
    'POST /api/v1/oauth/revoke_all': async () => ({ path: '/oauth/revoke_all' }),
    'POST /api/v1/batch': async () => {
      const operation = { method: 'PUT', path: '/api/v1/oauth/scope', body: { name: `${key()}:x`, description: 'x' } };
      return { path: '/batch', body: { operations: [operation] } };
    },
    'PUT /api/v1/policy': async () => ({ path: '/policy', body: bulk({}) }),
    'PATCH /api/v1/policy': async () => ({ path: '/policy', body: bulk({}) }),
    'DELETE /api/v1/policy/:policy_key': async () => ({ path: `/policy/${await policy()}` }),
    'PUT /api/v1/policy/:policy_key/rule': async () => ({
      path: `/policy/${await policy()}/rule`,
      body: bulk({ action_type: 'access', storage_destination_key: await put('/storage/config', storage) }),
    }),
    'PATCH /api/v1/policy/:policy_key/rule': async () => ({
      path: `/policy/${await policy()}/rule`,
      body: bulk({ action_type: 'access', storage_destination_key: await put('/storage/config', storage) }),
    }),
    'DELETE /api/v1/policy/:policy_key/rule/:rule_key': async () => ({ path: await rule() }),
    'PUT /api/v1/policy/:policy_key/rule/:rule_key/target': async () => ({
      path: `${await rule()}/target`,
      body: bulk({ data_category: 'user.contact.email' }),
    }),
    'PATCH /api/v1/policy/:policy_key/rule/:rule_key/target': async () => ({
      path: `${await rule()}/target`,
      body: bulk({ data_category: 'user.contact.email' }),
    }),
    'DELETE /api/v1/policy/:policy_key/rule/:rule_key/target/:target_key': async () => {
      const path = `${await rule()}/target`;
      return { path: `${path}/${await put(path, { data_category: 'user.contact.email' })}` };
    },
    'PUT /api/v1/storage/config': async () => ({ path: '/storage/config', body: bulk(storage) }),
    'PATCH /api/v1/storage/config': async () => ({ path: '/storage/config', body: bulk(storage) }),
    'DELETE /api/v1/storage/config/:config_key': async () => ({
      path: `/storage/config/${await put('/storage/config', storage)}`,
    }),
  };

  return { calls, asRoot, initialToken, waitingClient, key };
}
