/** The members of a client as options, for `create` and `update`. RFC 7591 §2. */
import type { ClientBody } from '@postern/admin';
import type { Command } from 'commander';
import { collect, countFrom, parseDuration } from '../command/option-values.ts';
import { findClientId } from '../connection/find-id.ts';
import type { ServerConnection } from '../connection/server-connection.ts';
import { readJson } from '../input/json-input.ts';
import { type MemberTable, readMembers, withMembers } from '../input/member-options.ts';

const members: MemberTable = {
  name: ['--name <name>', 'display name'],
  description: ['--description <text>', 'what it is for'],
  scopes: ['--scope <scope>', 'scope that it has; repeatable', collect],
  grantable_scopes: ['--grantable-scope <scope>', 'scope that it may assign to other clients; repeatable', collect],
  access_token_ttl_seconds: ['--ttl <time>', 'lifetime of its tokens, in seconds or as 15m, 24h, 7d', parseDuration],
  expires_at: ['--expires-at <time>', 'when it expires, as 2030-01-31T12:00:00Z; its tokens expire before'],
  contact: ['--contact <contact>', 'who answers for it: an e-mail address or an https URL'],
  resources: ['--resource <identifier>', 'registered resource that it may request tokens for; repeatable', collect],
  default_resource: [
    '--default-resource <identifier>',
    'the one of them that a token is for if the request names none; for a new client with one resource: that one',
  ],
  grant_types: ['--grant-type <type>', 'grant type that it may use; repeatable', collect],
  token_endpoint_auth_method: [
    '--auth-method <method>',
    'how it authenticates: private_key_jwt, tls_client_auth, spiffe_jwt, none, …',
  ],
  jwks: ['--jwks-file <file>', 'its public keys: a JSON Web Key Set'],
  jwks_uri: ['--jwks-uri <url>', 'https URL of its public keys'],
  client_id_metadata_document: [
    '--metadata-document',
    'private_key_jwt: its public keys are in the metadata document at its id, an https URL',
  ],
  spiffe_id: ['--spiffe-id <id>', 'spiffe_jwt, spiffe_x509: its SPIFFE ID; with /* at its end: all below it'],
  spiffe_bundle_endpoint: ['--spiffe-bundle-endpoint <url>', 'https URL of the SPIFFE bundle that verifies its SVIDs'],
  spiffe_bundle: ['--spiffe-bundle-file <file>', 'the SPIFFE bundle that verifies its SVIDs: JSON'],
  spiffe_jwt_reuse_allowed: [
    '--spiffe-jwt-reuse',
    'spiffe_jwt: a JWT-SVID may be used until it expires, as SPIRE agents need',
  ],
  may_act: ['--may-act <client>', 'client, by id or name, that may act for it by token exchange'],
  authorization_details_types: [
    '--details-type <type>',
    'type of authorization details that it may request; repeatable',
    collect,
  ],
  dpop_bound_access_tokens: ['--dpop-bound', 'all of its tokens are bound to a DPoP key'],
  tls_client_certificate_bound_access_tokens: [
    '--certificate-bound',
    'all of its tokens are bound to its TLS certificate',
  ],
  tls_client_auth_subject_dn: [
    '--tls-subject <dn>',
    'tls_client_auth: subject of its certificate, such as "CN=billing,O=Example"',
  ],
  tls_client_auth_san_dns: ['--tls-san-dns <name>', 'tls_client_auth: DNS name in its certificate'],
  tls_client_auth_san_uri: ['--tls-san-uri <uri>', 'tls_client_auth: URI in its certificate'],
  tls_client_auth_san_ip: ['--tls-san-ip <address>', 'tls_client_auth: IP address in its certificate'],
  tls_client_auth_san_email: ['--tls-san-email <address>', 'tls_client_auth: e-mail address in its certificate'],
  token_endpoint_audience_allowed: [
    '--token-endpoint-audience',
    'private_key_jwt: its assertions may name the token endpoint as their audience',
  ],
  fixed_claims: ['--fixed-claims-file <file>', 'claims that each of its tokens has: a JSON object'],
  allowed_networks: [
    '--allowed-network <cidr>',
    'network from which it may authenticate, such as 203.0.113.7/32; repeatable',
    collect,
  ],
  token_quota_per_minute: ['--token-quota <number>', 'most tokens that it may get per minute', countFrom(1)],
  token_quota_per_day: ['--token-quota-per-day <number>', 'most tokens that it may get per day, in UTC', countFrom(1)],
  token_quota_per_month: [
    '--token-quota-per-month <number>',
    'most tokens that it may get per month of the calendar, in UTC',
    countFrom(1),
  ],
  security_profile: ['--security-profile <profile>', 'security profile that it must comply with: fapi2'],
};

export function withClientOptions(command: Command): Command {
  return withMembers(command.optionsGroup('Client:'), members, 'client').optionsGroup('Options:');
}

/**
 * Returns the members that were given. The server knows the valid values, and reports invalid ones; the command only passes them
 * on. Throws `CommandError`.
 */
export async function readClientBody(command: Command): Promise<ClientBody> {
  const body = await readMembers(command, members);
  const files = command.opts<{ jwksFile?: string; spiffeBundleFile?: string; fixedClaimsFile?: string }>();
  const { jwksFile, spiffeBundleFile, fixedClaimsFile } = files;
  return {
    ...body,
    ...(jwksFile !== undefined && { jwks: await readJson(jwksFile) }),
    ...(spiffeBundleFile !== undefined && { spiffe_bundle: await readJson(spiffeBundleFile) }),
    ...(fixedClaimsFile !== undefined && { fixed_claims: await readJson(fixedClaimsFile) }),
  };
}

/** Replaces names of other clients in the members by their ids. */
export async function withClientIds<Body extends ClientBody>(
  command: Command,
  connection: ServerConnection,
  body: Body,
): Promise<Body> {
  const { may_act: actor } = body;
  return typeof actor === 'string' ? { ...body, may_act: await findClientId(command, connection, actor) } : body;
}
