/** The members of a client as options, for `create` and `update`. RFC 7591 §2. */
import type { ClientBody } from '@postern/admin';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { collect, parseDuration } from '../command/option-values.ts';
import { readJson } from '../input/json-input.ts';

export interface ClientOptions {
  readonly name?: string;
  readonly description?: string;
  readonly scope?: string[];
  readonly grantableScope?: string[];
  readonly ttl?: number;
  readonly resource?: string[];
  readonly grantType?: string[];
  readonly authMethod?: string;
  readonly jwksFile?: string;
  readonly jwksUri?: string;
  readonly mayAct?: string;
  readonly detailsType?: string[];
  readonly dpopBound?: boolean;
  readonly certificateBound?: boolean;
  readonly securityProfile?: string;
  readonly from?: string;
}

export function withClientOptions(command: Command): Command {
  return command
    .optionsGroup('Client:')
    .option('--name <name>', 'display name')
    .option('--description <text>', 'what it is for')
    .option('--scope <scope>', 'scope that it has; repeatable', collect)
    .option('--grantable-scope <scope>', 'scope that it may assign to other clients; repeatable', collect)
    .option('--ttl <time>', 'lifetime of its tokens, in seconds or as 15m, 24h, 7d', parseDuration)
    .option('--resource <identifier>', 'registered resource that it may request tokens for; repeatable', collect)
    .option('--grant-type <type>', 'grant type that it may use; repeatable', collect)
    .option('--auth-method <method>', 'how it authenticates: private_key_jwt, tls_client_auth, none, …')
    .option('--jwks-file <file>', 'its public keys: a JSON Web Key Set')
    .option('--jwks-uri <url>', 'https URL of its public keys')
    .option('--may-act <id>', 'client that may act for it by token exchange')
    .option('--details-type <type>', 'type of authorization details that it may request; repeatable', collect)
    .option('--dpop-bound', 'all of its tokens are bound to a DPoP key')
    .option('--certificate-bound', 'all of its tokens are bound to its TLS certificate')
    .option('--security-profile <profile>', 'security profile that it must comply with: fapi2')
    .option('--from <file>', 'JSON object with any members of a client, - for standard input; options override it')
    .optionsGroup('Options:');
}

/** Merges the file with the options, which override it. Has only the members that were given. Throws `CommandError`. */
export async function readClientBody(options: ClientOptions): Promise<ClientBody> {
  const body = options.from === undefined ? {} : await readJson<ClientBody>(options.from);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw usageError(`${options.from} is not a JSON object.`);
  }
  const named = {
    name: options.name,
    description: options.description,
    scopes: options.scope,
    grantable_scopes: options.grantableScope,
    access_token_ttl_seconds: options.ttl,
    resources: options.resource,
    grant_types: options.grantType,
    token_endpoint_auth_method: options.authMethod,
    jwks: options.jwksFile === undefined ? undefined : await readJson(options.jwksFile),
    jwks_uri: options.jwksUri,
    may_act: options.mayAct,
    authorization_details_types: options.detailsType,
    dpop_bound_access_tokens: options.dpopBound,
    tls_client_certificate_bound_access_tokens: options.certificateBound,
    security_profile: options.securityProfile,
  };
  // The server knows the valid values, and reports invalid ones; the command only passes them on.
  return {
    ...body,
    ...(Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as ClientBody),
  };
}
