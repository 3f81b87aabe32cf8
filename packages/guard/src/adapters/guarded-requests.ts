/** Remembers which request passed with which token. */
import type { AccessToken } from '../access-token.ts';

const tokens = new WeakMap<object, AccessToken>();

export function rememberToken(request: object, token: AccessToken): void {
  tokens.set(request, token);
}

/** The verified access token of a request that a guard let pass. Throws for any other. */
export function accessTokenOf(request: object): AccessToken {
  const token = tokens.get(request);
  if (token === undefined) {
    throw new Error('No guard let this request pass: put one in front of its handler.');
  }
  return token;
}
