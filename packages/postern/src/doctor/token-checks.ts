/** What the signed-in client can read: the lifetime of its tokens, and the age of the signing keys. */
import {
  type ClientDocument,
  type ListedClient,
  operations,
  type Page,
  type SigningKey,
  type Statistics,
} from '@postern/admin';
import { clientWarningDays } from '@postern/protocol/api-limits';
import type { ClientProfile, Profile } from '../connection/profile.ts';
import { createServerConnection, createServerTokenClient, explainFaults } from '../connection/server-connection.ts';
import { type Finding, ok, warn } from './finding.ts';

const daySeconds = 86_400;

/** Seconds. Tokens of Fidesops live 8 days, which few clients need. */
export const longTokenSeconds = daySeconds;

/** Days of which tokens are counted. */
const secretDays = 7;

/** Days; a little more than the schedule of Postern. */
const oldKeyDays = 120;

/** Throws `CommandError` or `AdminError` if the credentials or the token are rejected. */
export async function checkTokens(profile: Profile, nowMs: number): Promise<Finding[]> {
  const connection = createServerConnection(profile);
  const scopes = await connection.scopes();
  // The tokens of a session live for minutes.
  const lifetime = 'sessionSecret' in profile ? [] : [checkLifetime(await tokenSeconds(profile, nowMs))];
  return [
    ...lifetime,
    ...(scopes.has('key:read') ? [checkKeyAge(await connection.admin.all(operations.keys.list()), nowMs)] : []),
    ...(scopes.has('audit:read')
      ? [describeSecrets(await connection.admin.send(operations.statistics.get({ hours: secretDays * 24 })))]
      : []),
    ...(scopes.has('client:read')
      ? [checkExpiringClients(await connection.admin.clients.list({ ...expiringClients, size: mostNamed }), nowMs)]
      : []),
    ...(scopes.has('client_document:read')
      ? checkDocuments(await connection.admin.clientDocuments.list({ status: 'pending', size: mostNamed }))
      : []),
  ];
}

/** What share of the tokens was issued by a shared secret, and which client to move next. */
export function describeSecrets({ buckets, busiest_secret_clients: [next] }: Statistics): Finding {
  const sum = (name: 'issued' | 'issued_by_secret') => buckets.reduce((total, bucket) => total + bucket[name], 0);
  const [bySecret, all] = [sum('issued_by_secret'), sum('issued')];
  const text =
    bySecret === 0
      ? `No token of the last ${secretDays} days was issued by a shared secret.`
      : `${Math.round((bySecret / all) * 100)} % of the tokens of the last ${secretDays} days were issued by a shared secret.`;
  return ok(
    'secrets',
    next === undefined
      ? text
      : `${text} Move ${next.name ?? next.client_id} next, to a key or a token of its platform: docs/workload-identity.md`,
  );
}

const expiringClients = { enabled: 'true', expires_within_days: clientWarningDays } as const;

/** Clients that a finding names. */
const mostNamed = 5;

export function checkExpiringClients({ items, total }: Page<ListedClient>, nowMs: number): Finding {
  if (total === 0) {
    return ok('clients', `No enabled client has expired, or expires within ${clientWarningDays} days.`);
  }
  const named = items.map(({ client_id, name, expires_at, contact }) => {
    const ends = expires_at !== null && Date.parse(expires_at) <= nowMs ? 'expired' : 'expires';
    return `${name ?? client_id} ${ends} ${expires_at}${contact == null ? '' : ` (${contact})`}`;
  });
  const others = total > items.length ? `, and ${total - items.length} more` : '';
  return warn(
    'clients',
    `Enabled clients that have expired, or expire within ${clientWarningDays} days: ${named.join(', ')}${others}.`,
    'Set a later end, or delete them: postern client update CLIENT_ID --expires-at TIME',
  );
}

/** Most servers read no documents, so nothing is said unless a client waits. */
export function checkDocuments({ items, total }: Page<ClientDocument>): Finding[] {
  if (total === 0) {
    return [];
  }
  const others = total > items.length ? `, and ${total - items.length} more` : '';
  return [
    warn(
      'client documents',
      `Clients that wait for approval: ${items.map(({ client_id }) => client_id).join(', ')}${others}.`,
      'Approve or reject them: postern client-document show URL',
    ),
  ];
}

async function tokenSeconds(profile: ClientProfile, nowMs: number): Promise<number> {
  const { expiresAt } = await explainFaults(profile.server, () => createServerTokenClient(profile).getToken());
  return Math.round(expiresAt - nowMs / 1000);
}

export function checkLifetime(seconds: number): Finding {
  const span =
    seconds >= 2 * daySeconds ? `${Math.round(seconds / daySeconds)} days` : `${Math.round(seconds / 60)} minutes`;
  return seconds > longTokenSeconds
    ? warn(
        'lifetime',
        `Tokens live ${span}: a leaked token can be used for as long, if nobody notices.`,
        'Set OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES, such as 60; clients request new tokens themselves.',
      )
    : ok('lifetime', `Tokens live ${span}.`);
}

function checkKeyAge(keys: readonly SigningKey[], nowMs: number): Finding {
  const signing = keys.filter(({ status }) => status === 'signing').map(({ signs_from }) => Date.parse(signs_from));
  const days = Math.max(0, Math.floor((nowMs - Math.min(...signing, nowMs)) / 86_400_000));
  return days > oldKeyDays
    ? warn(
        'key age',
        `A key has signed for ${days} days.`,
        'Set POSTERN_KEY_ROTATION_DAYS, or rotate now: postern key rotate',
      )
    : ok('key age', `No key has signed for more than ${days} days.`);
}
