/** A client of another server, as far as it can move here. */

export interface SourceClient {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly scopes: readonly string[];
  /** Identifiers of the APIs that its tokens are for. */
  readonly audiences: readonly string[];
  /** Which scopes it has at each of them. Without it: all, at each. */
  readonly audienceScopes?: ReadonlyMap<string, readonly string[]>;
  /** Named sets of scopes, which Postern does not have. */
  readonly roles: readonly string[];
  readonly enabled: boolean;
  /** The lifetime of its tokens; null: the default. */
  readonly ttlSeconds: number | null;
  readonly credential: Credential;
  /** Why it cannot move; undefined: it can. */
  readonly skip: string | undefined;
}

/** How it authenticates, with what the other server keeps of that. */
export type Credential =
  | { readonly client_secret: string }
  | { readonly client_secret_digest: string }
  | { readonly token_endpoint_auth_method: 'private_key_jwt'; readonly jwks_uri: string }
  | { readonly token_endpoint_auth_method: 'private_key_jwt'; readonly jwks: object }
  /** Nothing that could move. */
  | { readonly missing: string };

/** Parses what a server has, of unknown shape. */
export type Json = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Null also for an empty text. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function textsOf(value: unknown): readonly string[] {
  return arrayOf(value).filter((one) => typeof one === 'string' && one !== '') as string[];
}

/** Names with spaces between. RFC 6749 §3.3. */
export function namesOf(value: unknown): readonly string[] {
  return (
    textOf(value)
      ?.split(/\s+/)
      .filter((name) => name !== '') ?? []
  );
}

export function keySetOf(jwksUri: unknown, jwks: unknown): Credential {
  const uri = textOf(jwksUri);
  const set = objectOf(typeof jwks === 'string' && jwks !== '' ? JSON.parse(jwks) : jwks);
  if (uri !== null) {
    return { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: uri };
  }
  return arrayOf(set['keys']).length > 0
    ? { token_endpoint_auth_method: 'private_key_jwt', jwks: set }
    : { missing: 'its keys are not there' };
}
