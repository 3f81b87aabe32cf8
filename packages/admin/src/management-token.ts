/** Which token to request for the management API: one for that API, short enough for proxies. RFC 8707 §2, RFC 6749 §3.3. */
import { managementScopes } from './operations.ts';

/** Proxies such as nginx take 8 KB for the line of a header by default, and a token has the name of each of its scopes. */
const longestToken = 6_000;

export interface ManagementTokenRequest {
  readonly resource?: string;
  readonly scope?: string;
}

/** As token clients return it, such as those of `@postern/client`. */
export interface IssuedManagementToken {
  readonly accessToken: string;
  readonly scope: string;
}

/**
 * Returns how to request a token for the management API, and all scopes that it could have. Requests the token that the client
 * gets by default, and only if that does not fit: the issuer as the resource, if the client has a `default_resource`; and if
 * the token is too long for a header, the scopes that the management API requires. A client that is not root assigns only the
 * scopes of its token and its `grantable_scopes`, so that a shorter token is not requested without need.
 */
export async function findManagementTokenRequest(
  getToken: (request: ManagementTokenRequest) => Promise<IssuedManagementToken>,
): Promise<{ readonly request: ManagementTokenRequest; readonly scopes: ReadonlySet<string> }> {
  const first = await getToken({});
  const issuer = findIssuerOfOther(first.accessToken);
  const resource = issuer === undefined ? {} : { resource: issuer };
  const { accessToken, scope } = issuer === undefined ? first : await getToken(resource);
  const scopes = new Set(scope.split(' ').filter((name) => name !== ''));
  const needed = scopes.intersection(new Set(managementScopes));
  return {
    request: { ...resource, ...(accessToken.length > longestToken && { scope: [...needed].join(' ') }) },
    scopes,
  };
}

/** The issuer of a token that is for another API than that of its issuer. The token came from its issuer, and is not verified. */
function findIssuerOfOther(token: string): string | undefined {
  const { iss, aud } = readClaims(token);
  return typeof iss === 'string' && aud !== undefined && aud !== iss ? iss : undefined;
}

function readClaims(token: string): { readonly iss?: unknown; readonly aud?: unknown } {
  try {
    const text = atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'));
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
