/** Applications of Auth0, with the APIs that they may call: answers of its Management API. */
import { arrayOf, type Credential, type Json, objectOf, type SourceClient, textOf, textsOf } from './source-client.ts';

/** `values` are applications and client grants in any order: arrays, or answers that have them as members. */
export function readAuth0Clients(values: readonly unknown[]): SourceClient[] {
  const all = values.flatMap(elementsOf).map(objectOf);
  const grants = all.filter(({ audience }) => typeof audience === 'string');
  return all
    .filter(({ client_id, audience }) => typeof client_id === 'string' && audience === undefined)
    .map((client) =>
      readAuth0Client(
        client,
        grants.filter(({ client_id }) => client_id === client['client_id']),
      ),
    );
}

function elementsOf(value: unknown): readonly unknown[] {
  const { clients, client_grants: grants } = objectOf(value);
  return Array.isArray(value) ? value : [...arrayOf(clients), ...arrayOf(grants)];
}

function readAuth0Client(client: Json, allGrants: readonly Json[]): SourceClient {
  // What Auth0 lets its own API do means nothing elsewhere.
  const grants = allGrants.filter(({ audience }) => !/\/\/[^/]+\.auth0\.com\/api\/v2\/$/.test(String(audience)));
  return {
    id: String(client['client_id']),
    name: textOf(client['name']),
    description: textOf(client['description']),
    scopes: [...new Set(grants.flatMap(({ scope }) => textsOf(scope)))],
    audiences: grants.map(({ audience }) => String(audience)),
    audienceScopes: new Map(grants.map(({ audience, scope }) => [String(audience), textsOf(scope)])),
    roles: [],
    enabled: true,
    ttlSeconds: null,
    credential: readCredential(client),
    skip: reasonToSkip(client),
  };
}

function readCredential(client: Json): Credential {
  const secret = textOf(client['client_secret']);
  if (Object.keys(objectOf(client['client_authentication_methods'])).length > 0) {
    return { missing: 'it authenticates by a key, which Auth0 does not tell' };
  }
  return secret === null
    ? { missing: 'the answer has no secret: the token needs read:client_keys' }
    : { client_secret: secret };
}

function reasonToSkip(client: Json): string | undefined {
  if (client['global'] === true) {
    return 'Auth0 created it for itself';
  }
  if (client['token_endpoint_auth_method'] === 'none') {
    return 'it is public, and authenticates by nothing';
  }
  const grants = textsOf(client['grant_types']);
  return grants.includes('client_credentials')
    ? undefined
    : `its grant types are ${grants.join(', ') || 'none'}, and not client_credentials`;
}
