/** What a token is for: its audience, and the limits and algorithm that the resource sets. RFC 8707 §2. */
import type { SigningAlgorithm } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import { type Client, mayAskFor } from '../clients/client.ts';
import type { ResourceRegistry } from '../resources/resource-registry.ts';

export interface Target {
  readonly audience: string;
  /** The scopes of the client that the resource knows. */
  readonly scopes: ReadonlySet<string>;
  /** The lifetime of the client's tokens, or the one that the resource sets if it is shorter. */
  readonly ttlSeconds: number;
  /** Undefined: the default. */
  readonly signingAlg: SigningAlgorithm | undefined;
}

export interface TargetOptions {
  readonly issuer: string;
  readonly resources: ResourceRegistry;
  /** The lifetime of tokens of clients that set none. */
  readonly accessTokenTtlSeconds: number;
}

/**
 * The target that the parameter `resource` names: Postern's own APIs if it is the issuer, or missing. Throws
 * `invalid_target`, with the same text for a resource that does not exist and one that the client may not ask for.
 */
export function findTarget(parameter: string | undefined, client: Client, options: TargetOptions): Target {
  const resource = parameter === undefined ? undefined : withoutEmptyPath(parameter);
  const ttlSeconds = client.accessTokenTtlSeconds ?? options.accessTokenTtlSeconds;
  if (resource === undefined || resource === options.issuer) {
    return { audience: options.issuer, scopes: client.scopes, ttlSeconds, signingAlg: undefined };
  }
  const found = mayAskFor(client, resource) ? options.resources.findByIdentifier(resource) : undefined;
  if (found === undefined) {
    throw new OAuthError('invalid_target', 'The client may not ask for tokens for this resource.');
  }
  return {
    audience: found.identifier,
    scopes: client.scopes.intersection(new Set(found.scopes)),
    ttlSeconds: Math.min(ttlSeconds, found.accessTokenTtlSeconds ?? ttlSeconds),
    signingAlg: found.signingAlg ?? undefined,
  };
}

/**
 * `https://api.example.com/` and `https://api.example.com` are the same (RFC 3986 §6.2.3), and libraries that
 * parse URLs write the slash. Identifiers are registered without it.
 */
function withoutEmptyPath(uri: string): string {
  const url = URL.parse(uri);
  return url !== null && url.pathname === '/' && `${url.origin}/` === uri ? url.origin : uri;
}
