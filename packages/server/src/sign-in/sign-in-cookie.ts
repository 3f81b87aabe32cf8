/**
 * What a sign-in keeps in the browser until the person comes back from the provider, encrypted in a cookie: so nobody else's sign-in
 * can end in this browser. RFC 6749 §10.12.
 */
import { parseCookie, stringifySetCookie } from 'cookie';
import type { MasterKey } from '../keys/master-key.ts';
import { cookieOf } from '../sessions/session-cookie.ts';
import type { Checks } from './provider.ts';

export interface PendingSignIn {
  readonly checks: Checks;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly target: SignInTarget;
}

/** Where a sign-in leads: to a page of the console, or to a command that waits on this machine. */
export type SignInTarget =
  | { readonly kind: 'browser'; readonly page: string }
  | {
      readonly kind: 'command';
      readonly redirectUri: string;
      readonly challenge: string;
      /** Of the command, which gets it back. */
      readonly state: string;
    };

const label = 'sign-in';

/** Seconds within which a person signs in at the provider. */
export const longestSignInSeconds = 600;

export interface SignInCookie {
  /** The value of `Set-Cookie`; without a sign-in, one that deletes it. */
  write(pending: PendingSignIn | undefined): string;
  /** Undefined if there is none, or not one that this server wrote. */
  read(header: string | undefined): PendingSignIn | undefined;
}

/** The browser sends it when it comes back from the provider, unlike that of a session. */
export function createSignInCookie(issuer: string, masterKey: Pick<MasterKey, 'seal' | 'open'>): SignInCookie {
  const { name, attributes } = cookieOf(issuer, 'sign-in');
  return {
    write: (pending) =>
      stringifySetCookie({
        ...attributes,
        name,
        value: pending === undefined ? '' : masterKey.seal(Buffer.from(JSON.stringify(pending)), label),
        sameSite: 'lax',
        maxAge: pending === undefined ? 0 : longestSignInSeconds,
      }),
    read(header) {
      const value = header === undefined ? undefined : parseCookie(header)[name];
      if (value === undefined) {
        return undefined;
      }
      try {
        return JSON.parse(masterKey.open(value, label).toString());
      } catch {
        return undefined;
      }
    },
  };
}
