/** What a token is for: its audience, and the limits and algorithm that the resource sets. RFC 8707 §2, RFC 8693 §2.1. */
import type { AccessTokenTyp, SigningAlgorithm } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import { type Client, mayAskFor } from '../clients/client.ts';
import type { Resource } from '../resources/resource.ts';
import type { ResourceRegistry } from '../resources/resource-registry.ts';
import { builtInScopeNames } from '../scopes/default-scopes.ts';

export interface Target {
  readonly audience: string;
  /** The scopes of the client that the resource knows. */
  readonly scopes: ReadonlySet<string>;
  /** Those that the token has if the request names none. */
  readonly defaultScopes: ReadonlySet<string>;
  /** The lifetime of the client's tokens, or the one that the resource sets if it is shorter. */
  readonly ttlSeconds: number;
  /** Undefined: the default. */
  readonly signingAlg: SigningAlgorithm | undefined;
  readonly typ: AccessTokenTyp;
}

export interface TargetOptions {
  readonly issuer: string;
  readonly resources: ResourceRegistry;
  /** The lifetime of tokens of clients that set none. */
  readonly accessTokenTtlSeconds: number;
}

/** How a request says what its token is for. */
export interface TargetRequest {
  /** The identifier of a resource. */
  readonly resource: string | undefined;
  /** The key or the identifier of a resource. */
  readonly audience: string | undefined;
  /** The identifier of the resource if the request names none; undefined: Postern's own APIs. */
  readonly otherwise: string | undefined;
}

/**
 * The target that a request names: Postern's own APIs if it is the issuer. Throws `invalid_target` if the request names
 * two, and with the same text for a resource that does not exist and one that the client may not ask for.
 */
export function findTarget(request: TargetRequest, client: Client, options: TargetOptions): Target {
  const { issuer, resources } = options;
  const [named = withoutEmptyPath(request.otherwise ?? issuer), ...others] = identifiersIn(request, resources);
  const [found] = [named, ...others].map((identifier) => findResource(identifier, client, options));
  if (others.some((other) => other !== named)) {
    throw new OAuthError(
      'invalid_target',
      'The parameters resource and audience name two different resources; a token is for one.',
    );
  }
  const ttlSeconds = client.accessTokenTtlSeconds ?? options.accessTokenTtlSeconds;
  if (found === undefined) {
    return {
      audience: issuer,
      scopes: client.scopes,
      defaultScopes: client.isRoot ? builtInScopeNames : client.scopes,
      ttlSeconds,
      signingAlg: undefined,
      typ: 'at+jwt',
    };
  }
  const scopes = client.scopes.intersection(found.scopes);
  return {
    audience: found.identifier,
    scopes,
    defaultScopes: scopes,
    ttlSeconds: Math.min(ttlSeconds, found.accessTokenTtlSeconds ?? ttlSeconds),
    signingAlg: found.signingAlg ?? undefined,
    typ: found.accessTokenTyp,
  };
}

function identifiersIn({ resource, audience }: TargetRequest, resources: ResourceRegistry): string[] {
  const byAudience = audience === undefined ? undefined : (resources.findByKey(audience)?.identifier ?? audience);
  return [resource, byAudience].filter((named) => named !== undefined).map(withoutEmptyPath);
}

/** Undefined for the issuer, which needs no registration. Throws `invalid_target`. */
function findResource(identifier: string, client: Client, { issuer, resources }: TargetOptions): Resource | undefined {
  if (identifier === issuer) {
    return undefined;
  }
  const found = mayAskFor(client, identifier) ? resources.findByIdentifier(identifier) : undefined;
  if (found === undefined) {
    throw new OAuthError('invalid_target', 'The client may not ask for tokens for this resource.');
  }
  return found;
}

/**
 * `https://api.example.com/` and `https://api.example.com` are the same (RFC 3986 §6.2.3), and libraries that
 * parse URLs write the slash. Identifiers are registered without it.
 */
export function withoutEmptyPath(uri: string): string {
  const url = uri.endsWith('/') ? URL.parse(uri) : null;
  return url !== null && url.pathname === '/' && `${url.origin}/` === uri ? url.origin : uri;
}
