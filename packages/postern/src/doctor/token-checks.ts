/** What the signed-in client sees: how long its tokens live, and how old the keys are. */
import type { SigningKey } from '@postern/server/admin-contract';
import type { Profile } from '../connection/profile.ts';
import { createServerApi, createServerTokenClient, withWords } from '../connection/server-api.ts';
import { type Finding, ok, warn } from './finding.ts';

const daySeconds = 86_400;

/** Seconds; Fidesops' tokens live 8 days, which few need. */
export const longTokenSeconds = daySeconds;

/** Days, some more than Postern's own schedule. */
const oldKeyDays = 120;

/** Throws `CommandError` where the credentials are refused. */
export async function checkTokens(connection: Profile, nowMs: number): Promise<Finding[]> {
  const { expiresAt } = await withWords(connection.server, () => createServerTokenClient(connection).getToken());
  const api = createServerApi(connection);
  const lifetime = checkLifetime(Math.round(expiresAt - nowMs / 1000));
  const scopes = await api.scopes();
  return scopes.has('key:read')
    ? [lifetime, checkKeyAge(await api.listAll<SigningKey>('/api/v1/oauth/key'), nowMs)]
    : [lifetime];
}

export function checkLifetime(seconds: number): Finding {
  const span =
    seconds >= 2 * daySeconds ? `${Math.round(seconds / daySeconds)} days` : `${Math.round(seconds / 60)} minutes`;
  return seconds > longTokenSeconds
    ? warn(
        'lifetime',
        `Tokens live ${span}: one that leaks is good for as long, where nobody notices.`,
        'Set OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES, such as 60; clients get new ones by themselves.',
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
    : ok('key age', `Keys have signed for ${days} days at the most.`);
}
