/** Remembers the token of each authorized request. */
import type { AccessToken } from '../access-token.ts';

const tokens = new WeakMap<object, AccessToken>();

export function rememberToken(request: object, token: AccessToken): void {
  tokens.set(request, token);
}

/** Returns the verified access token of an authorized request. Throws for any other request. */
export function accessTokenOf(request: object): AccessToken {
  const token = tokens.get(request);
  if (token === undefined) {
    throw new Error('This request was not authorized by a guard: protect its route.');
  }
  return token;
}
