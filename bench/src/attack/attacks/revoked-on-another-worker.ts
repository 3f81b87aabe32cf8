import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';

/** How often each race is run, and how many calls race. */
const rounds = 10;
const calls = 10;

const races: readonly [
  name: string,
  end: (target: Target, who: { clientId: string; clientSecret: string }, token: string) => Promise<unknown>,
][] = [
  [
    'a revoked token',
    (target, who, token) =>
      target.form('/api/v1/oauth/revoke', { client_id: who.clientId, client_secret: who.clientSecret, token }),
  ],
  [
    'a token of a deleted client',
    (target, { clientId }) => target.asRoot('DELETE', `/api/v1/oauth/client/${clientId}`),
  ],
  [
    'a token of a disabled client',
    (target, { clientId }) => target.asRoot('PATCH', `/api/v1/oauth/client/${clientId}`, { enabled: false }),
  ],
  [
    'a token whose scopes were taken',
    (target, { clientId }) => target.asRoot('PUT', `/api/v1/oauth/client/${clientId}/scope`, { scopes: [] }),
  ],
  [
    'a token of a client whose tokens were revoked',
    (target, { clientId }) => target.asRoot('POST', `/api/v1/oauth/client/${clientId}/revoke`),
  ],
];

const scopes = [
  'client:create',
  'resource:create_or_update',
  'scope:create_or_update',
  'key:rotate',
  'batch:apply',
  'policy:create_or_update',
  'policy:read',
];

export const attack: Attack = {
  name: 'a revoked token changes something on another worker',
  tries: 'Changes on connections of their own, the moment after the revocation was answered.',
  async run(target, findings) {
    for (const [name, end] of races) {
      let done = 0;
      for (let round = 0; round < rounds; round += 1) {
        const who = await target.createClient({ scopes });
        const token = await target.token(who);
        // Every worker has the client in memory.
        await Promise.all(
          Array.from({ length: 2 * target.workers }, () => target.call('GET', '/api/v1/policy', { token })),
        );
        await end(target, who, token);
        const answers = await Promise.all(
          Array.from({ length: calls }, (_, index) => change(target, token, `race-${round}-${index}`, index)),
        );
        done += answers.filter(({ status }) => status < 300 && status > 0).length;
      }
      findings.check(`${name} changes nothing`, done === 0, `${done} of ${rounds * calls} changes were made`);
    }
  },
};

function change(target: Target, token: string, name: string, index: number) {
  const client = { method: 'POST', path: '/api/v1/oauth/client', body: { name } };
  const changes = [
    client,
    {
      method: 'PUT',
      path: '/api/v1/oauth/resource',
      body: { key: name, identifier: `https://${name}.example.com`, scopes: [] },
    },
    { method: 'PUT', path: '/api/v1/oauth/scope', body: [{ name: `${name}:read`, description: 'x' }] },
    { method: 'POST', path: '/api/v1/batch', body: { operations: [client] } },
    { method: 'PUT', path: '/api/v1/policy', body: [{ key: name.replaceAll('-', '_'), name }] },
  ];
  const { method, path, body } = changes[index % changes.length] as (typeof changes)[number];
  return target.call(method, path, { token, body });
}
