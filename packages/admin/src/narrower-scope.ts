/** Keeps access tokens within what proxies take: a token has the name of each of its scopes. RFC 6749 §3.3. */
import { managementScopes } from './operations.ts';

/** Proxies such as nginx take 8 KB for the line of a header by default. */
const longestToken = 6_000;

/**
 * Returns the scope to request instead of all that the client has, if a token with all of them is too long for a header: those
 * that the management API requires. Undefined: the token is short enough. A client that is not root assigns only the scopes
 * of its token and its `grantable_scopes`, so that a shorter token is not requested without need.
 */
export function findNarrowerScope(issued: {
  readonly accessToken: string;
  readonly scope: string;
}): string | undefined {
  if (issued.accessToken.length <= longestToken) {
    return undefined;
  }
  const needed = new Set(managementScopes);
  return issued.scope
    .split(' ')
    .filter((name) => needed.has(name))
    .join(' ');
}
