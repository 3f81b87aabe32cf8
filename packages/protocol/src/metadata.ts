/** What Postern and its guards publish about themselves. RFC 8414 §2, RFC 9728 §2, OpenID Connect Discovery §3. */
export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly string[];
  readonly dpop_signing_alg_values_supported: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly resource_name?: string;
  readonly resource_documentation?: string;
}

/** Returns metadata without its empty lists, unless the member is required. RFC 8414 §3.2, RFC 9728 §3.2. */
export function omitEmptyLists<T extends object>(metadata: T, required: readonly (keyof T & string)[] = []): T {
  const isKept = ([name, value]: [string, unknown]) =>
    !Array.isArray(value) || value.length > 0 || required.some((one) => one === name);
  return Object.fromEntries(Object.entries(metadata).filter(isKept)) as T;
}
