import type { Attack } from '../attack.ts';
import { createDelegate, type Delegate, makeLimits, readClient, ways } from '../delegate.ts';
import type { Target } from '../target.ts';

/** Calls that change a client or take it over. */
const changes: readonly [name: string, method: string, path: string, body?: object][] = [
  ['a new secret', 'POST', '/secret', {}],
  ['its first secret ended', 'POST', '/secret', { overlap_seconds: 0 }],
  ['another name', 'PATCH', '', { name: 'mine' }],
  ['switched off', 'PATCH', '', { enabled: false }],
  ['another method', 'PATCH', '', { token_endpoint_auth_method: 'client_secret_post' }],
  ['other scopes', 'PUT', '/scope', { scopes: [] }],
  ['its actor', 'PATCH', '', { may_act: 'nobody' }],
  ['its tokens revoked', 'POST', '/revoke'],
  ['deleted', 'DELETE', ''],
];

export const attack: Attack = {
  name: 'a delegate takes over or stops a client that may do more',
  tries: 'For each limit: every change of a client that lies beyond it, its secrets included.',
  async run(target, findings) {
    for (const { name, own, within, beyond } of await makeLimits(target)) {
      const delegate = await createDelegate(target, own, ['token:revoke']);
      for (const way of ways) {
        for (const [change, method, path, body] of changes) {
          const more = beyond[0] as object;
          const status = await attempt(target, delegate, way, { ...more }, method, path, body);
          findings.check(
            `${name}: ${change} is refused ${way}`,
            status === 403,
            `${status} for ${JSON.stringify(more)}`,
          );
        }
      }
      const allowed = await attempt(target, delegate, 'alone', within, 'POST', '/secret', {});
      findings.check(`${name}: a client within it can be changed`, allowed === 200, `${allowed}`);
    }
    await takeReaderOfTokens(target, findings.check.bind(findings));
  },
};

async function attempt(
  target: Target,
  delegate: Delegate,
  way: (typeof ways)[number],
  metadata: object,
  method: string,
  path: string,
  body?: object,
): Promise<number> {
  const { clientId } = await target.createClient({ scopes: ['policy:read'], ...metadata });
  return (await delegate.call(way, method, `/api/v1/oauth/client/${clientId}${path}`, body)).status;
}

/** A client that may introspect and exchange the tokens of a resource may do more than its own metadata tells. */
async function takeReaderOfTokens(
  target: Target,
  check: (promise: string, isHeld: boolean, evidence: unknown) => void,
) {
  const reader = await target.createClient({ scopes: ['policy:read'] });
  await target.createResource({ introspection_clients: [reader.clientId] });
  const delegate = await createDelegate(target, {});
  const answer = await delegate.call('alone', 'POST', `/api/v1/oauth/client/${reader.clientId}/secret`, {});
  check('introspection rights: a new secret is refused', answer.status === 403, answer.text);
  check('introspection rights: the client is still there', (await readClient(target, reader.clientId)).enabled, reader);
}
