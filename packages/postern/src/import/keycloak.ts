/** Clients of Keycloak: of an export of its realm, of `kcadm.sh get clients` or its admin API, or of its tables. */
import {
  arrayOf,
  type Credential,
  type Json,
  keySetOf,
  objectOf,
  type SourceClient,
  textOf,
  textsOf,
} from './source-client.ts';

/** Client scopes that only say which claims a token has. */
const builtIn: ReadonlySet<string> = new Set(
  (
    'acr address basic email microprofile-jwt offline_access openid organization phone profile role_list roles' +
    ' saml_organization service_account web-origins'
  ).split(' '),
);

/** One object per client, in the shape of an export; `realm` is the name of its realm. */
export const keycloakQuery = `
  select jsonb_build_object(
    'realm', realm.name,
    'clientId', client.client_id, 'name', client.name, 'description', client.description,
    'enabled', client.enabled, 'publicClient', client.public_client, 'bearerOnly', client.bearer_only,
    'serviceAccountsEnabled', client.service_accounts_enabled, 'protocol', client.protocol,
    'clientAuthenticatorType', client.client_authenticator_type, 'secret', client.secret,
    'attributes', coalesce((select jsonb_object_agg(name, value) from client_attributes where client_id = client.id), '{}'),
    'defaultClientScopes', coalesce((
      select jsonb_agg(client_scope.name order by client_scope.name) from client_scope_client
      join client_scope on client_scope.id = client_scope_client.scope_id where client_scope_client.client_id = client.id
    ), '[]'),
    'protocolMappers', coalesce((
      select jsonb_agg(jsonb_build_object('protocolMapper', mapper.protocol_mapper_name, 'config', (
        select jsonb_object_agg(name, value) from protocol_mapper_config where protocol_mapper_id = mapper.id
      ))) from protocol_mapper as mapper where mapper.client_id = client.id or mapper.client_scope_id in (
        select scope_id from client_scope_client where client_scope_client.client_id = client.id
      )
    ), '[]'),
    'roles', coalesce((
      select jsonb_agg(coalesce(owner.client_id || ':', '') || role.name order by role.name) from user_entity
      join user_role_mapping on user_role_mapping.user_id = user_entity.id
      join keycloak_role as role on role.id = user_role_mapping.role_id
      left join client as owner on owner.id = role.client
      where user_entity.service_account_client_link = client.id and role.name not like 'default-roles-%'
    ), '[]')
  ) as client
  from client join realm on realm.id = client.realm_id order by realm.name, client.client_id`;

/** `value` is a realm, with its users if they were exported, or an array of clients. */
export function readKeycloakClients(value: unknown): SourceClient[] {
  const realm = objectOf(value);
  const scopes = new Map(arrayOf(realm['clientScopes']).map((scope) => [objectOf(scope)['name'], objectOf(scope)]));
  const users = arrayOf(realm['users']).map(objectOf);
  return arrayOf(Array.isArray(value) ? value : realm['clients']).flatMap((one) => {
    const client = objectOf(one);
    const user = users.find(({ serviceAccountClientId: id }) => id !== undefined && id === client['clientId']);
    return (
      readKeycloakClient({
        ...client,
        protocolMappers: [
          ...arrayOf(client['protocolMappers']),
          ...scopesOf(client).flatMap((name) => arrayOf(scopes.get(name)?.['protocolMappers'])),
        ],
        roles: user === undefined ? [] : rolesOf(user),
      }) ?? []
    );
  });
}

/** Undefined if the value is not a client. */
export function readKeycloakClient(value: unknown): SourceClient | undefined {
  const client = objectOf(value);
  const id = textOf(client['clientId']);
  const ttlSeconds = Number(objectOf(client['attributes'])['access.token.lifespan'] ?? 0);
  return id === null
    ? undefined
    : {
        id,
        name: textOf(client['name']),
        description: textOf(client['description']),
        scopes: scopesOf(client).filter((name) => !builtIn.has(name)),
        audiences: arrayOf(client['protocolMappers']).flatMap(audienceOf),
        roles: textsOf(client['roles']),
        enabled: client['enabled'] !== false,
        ttlSeconds: ttlSeconds >= 1 ? ttlSeconds : null,
        credential: readCredential(client),
        skip: reasonToSkip(client),
      };
}

function scopesOf(client: Json): readonly string[] {
  return [...textsOf(client['defaultClientScopes']), ...textsOf(client['optionalClientScopes'])];
}

function audienceOf(value: unknown): readonly string[] {
  const mapper = objectOf(value);
  const config = objectOf(mapper['config']);
  const audience = textOf(config['included.custom.audience']) ?? textOf(config['included.client.audience']);
  return mapper['protocolMapper'] === 'oidc-audience-mapper' && audience !== null ? [audience] : [];
}

/** Names of roles as they would be as scopes: with the client that they belong to, if any. */
function rolesOf(user: Json): readonly string[] {
  const ofClients = Object.entries(objectOf(user['clientRoles'])).flatMap(([client, roles]) =>
    textsOf(roles).map((role) => `${client}:${role}`),
  );
  return [...textsOf(user['realmRoles']).filter((role) => !role.startsWith('default-roles-')), ...ofClients];
}

function readCredential(client: Json): Credential {
  const attributes = objectOf(client['attributes']);
  switch (client['clientAuthenticatorType'] ?? 'client-secret') {
    case 'client-secret': {
      const secret = textOf(client['secret']);
      if (secret === null || /^\*+$/.test(secret) || secret.startsWith('${vault.')) {
        return { missing: secret === null ? 'the export has no secret of it' : 'the export hides its secret' };
      }
      return { client_secret: secret };
    }
    case 'client-jwt':
      return keySetOf(attributes['jwks.url'], attributes['jwks.string']);
    default:
      return { missing: `it authenticates by ${client['clientAuthenticatorType']}` };
  }
}

function reasonToSkip(client: Json): string | undefined {
  if ((client['protocol'] ?? 'openid-connect') !== 'openid-connect') {
    return `its protocol is ${client['protocol']}`;
  }
  if (client['publicClient'] === true || client['bearerOnly'] === true) {
    return client['publicClient'] === true ? 'it is public, and authenticates by nothing' : 'it only accepts tokens';
  }
  return client['serviceAccountsEnabled'] === true ? undefined : 'it has no service account: people sign in by it';
}
