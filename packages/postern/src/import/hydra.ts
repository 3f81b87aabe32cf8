/** Clients of Ory Hydra: rows of its table, or answers of its API, which have no digests of secrets. */
import {
  arrayOf,
  type Credential,
  type Json,
  keySetOf,
  namesOf,
  objectOf,
  type SourceClient,
  textOf,
  textsOf,
} from './source-client.ts';

/** The columns of the table differ between versions, so each row is read as one object. */
export const hydraQuery = 'select to_jsonb(hydra_client) as client from hydra_client order by created_at, id';

/** The scopes of people, which no machine has a use for. */
const peoples: ReadonlySet<string> = new Set([
  'openid',
  'offline',
  'offline_access',
  'profile',
  'email',
  'address',
  'phone',
]);

export function readHydraClients(values: unknown): SourceClient[] {
  return arrayOf(values).flatMap((value) => readHydraClient(value) ?? []);
}

/** Undefined if the value is not a client. In the API the id is `client_id`, in the table `id`. */
export function readHydraClient(value: unknown): SourceClient | undefined {
  const row = objectOf(value);
  const id = textOf(row['client_id']) ?? textOf(row['id']);
  return id === null
    ? undefined
    : {
        id,
        name: textOf(row['client_name']),
        description: null,
        scopes: namesOf(row['scope']).filter((name) => !peoples.has(name)),
        audiences: readList(row['audience']),
        roles: [],
        enabled: true,
        ttlSeconds: readLifespan(row['client_credentials_grant_access_token_lifespan']),
        credential: readCredential(row),
        skip: reasonToSkip(row),
      };
}

function readCredential(row: Json): Credential {
  const method = textOf(row['token_endpoint_auth_method']);
  if (method === 'private_key_jwt') {
    return keySetOf(row['jwks_uri'], row['jwks']);
  }
  const secret = textOf(row['client_secret']);
  if (secret === null) {
    return { missing: 'the API of Hydra does not tell its digest' };
  }
  const expiresAt = Number(row['client_secret_expires_at'] ?? 0);
  if (expiresAt > 0 && expiresAt < Date.now() / 1000) {
    return { missing: 'its secret has expired' };
  }
  return secret.startsWith('$') ? { client_secret_digest: secret } : { client_secret: secret };
}

function reasonToSkip(row: Json): string | undefined {
  const grants = readList(row['grant_types']);
  if (!grants.includes('client_credentials')) {
    return `its grant types are ${grants.join(', ') || 'none'}, and not client_credentials`;
  }
  return row['token_endpoint_auth_method'] === 'none' ? 'it is public, and authenticates by nothing' : undefined;
}

/** An array in the API and in later versions of the table, names with `|` between in earlier ones. */
function readList(value: unknown): readonly string[] {
  return typeof value === 'string' ? value.split('|').filter((name) => name !== '') : textsOf(value);
}

const unitSeconds: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1 };

/** Text such as `1h0m0s` in the API, nanoseconds in the table. */
function readLifespan(value: unknown): number | null {
  const seconds =
    typeof value === 'string'
      ? [...value.matchAll(/(\d+)([hms])/g)].reduce(
          (sum, [, n, unit = '']) => sum + Number(n) * (unitSeconds[unit] ?? 0),
          0,
        )
      : Math.floor(Number(value ?? 0) / 1e9);
  return seconds >= 1 ? seconds : null;
}
