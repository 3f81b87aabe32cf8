/** What a token is asked for: which audience it will have, and what that audience wants. RFC 8707 §2. */
import type { SigningAlgorithm } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import { type Client, mayAskFor } from '../clients/client.ts';
import type { ResourceRegistry } from '../resources/resource-registry.ts';

export interface Target {
  readonly audience: string;
  /** The scopes of the client that mean something there. */
  readonly scopes: ReadonlySet<string>;
  /** A token lives as long as the client's tokens do, and no longer than the resource says. */
  readonly ttlSeconds: number;
  /** Undefined: the default. */
  readonly signingAlg: SigningAlgorithm | undefined;
}

export interface TargetOptions {
  readonly issuer: string;
  readonly resources: ResourceRegistry;
  /** Lifetime of tokens of clients that have none of their own. */
  readonly accessTokenTtlSeconds: number;
}

/**
 * The target that `asked`, the resource parameter, names: without one, or by the issuer, Postern's own APIs. Throws `invalid_target` with
 * one text for a resource that does not exist and one that the client may not ask for.
 */
export function findTarget(asked: string | undefined, client: Client, options: TargetOptions): Target {
  const resource = asked === undefined ? undefined : withoutEmptyPath(asked);
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
 * `https://api.example.com/` and `https://api.example.com` are one and the same (RFC 3986 §6.2.3), and libraries that
 * parse URLs write the slash. Identifiers are registered without it.
 */
function withoutEmptyPath(uri: string): string {
  const url = URL.parse(uri);
  return url !== null && url.pathname === '/' && `${url.origin}/` === uri ? url.origin : uri;
}
