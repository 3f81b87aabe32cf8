/** The cookie that holds the secret of a session, and the requests that may come with it. RFC 6265 §4.1.2 and §8.2. */
import { createHash } from 'node:crypto';
import { OAuthError } from '@postern/protocol';
import { parseCookie, stringifySetCookie } from 'cookie';

/** A page must set this header, which no form can, and no page of another origin without being asked about it first. */
export const pageHeader = 'postern-session';

export interface SessionCookie {
  /** The value of `Set-Cookie` that stores the secret until the browser closes; without a secret, one that deletes it. */
  write(secret: string | undefined): string;
  /** The secret in the value of a `Cookie` header. */
  read(header: string | undefined): string | undefined;
}

/**
 * The cookie of one server: its name has a digest of the issuer, since ports and paths of a host share cookies. Scripts cannot
 * read it, and a browser sends it with requests of this server's own pages only.
 */
export function createSessionCookie(issuer: string): SessionCookie {
  const { name, attributes } = cookieOf(issuer, 'session');
  return {
    write: (secret) =>
      stringifySetCookie({
        ...attributes,
        name,
        value: secret ?? '',
        sameSite: 'strict',
        ...(secret === undefined && { maxAge: 0 }),
      }),
    read: (header) => (header === undefined ? undefined : parseCookie(header)[name]),
  };
}

/** The name of a cookie of the server, and what all of its cookies have in common. With https, no other host can set it. */
export function cookieOf(issuer: string, purpose: string) {
  const isSecure = issuer.startsWith('https:');
  const server = createHash('sha256').update(issuer).digest('hex').slice(0, 8);
  return {
    name: `${isSecure ? '__Host-' : ''}postern-${purpose}-${server}`,
    attributes: { path: '/', httpOnly: true, secure: isSecure } as const,
  };
}

/** What a request says about the page that sends it. */
export interface PageRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The host and port that the request is for. */
  readonly host: string;
}

/**
 * Throws `access_denied` unless the request is from a page of this server, or from a program: whatever page is open in the browser
 * of somebody who is signed in can make it send requests (cross-site request forgery).
 */
export function requireOwnPage({ headers, host }: PageRequest, issuer: string): void {
  const { origin, 'sec-fetch-site': site } = headers;
  const isOwnOrigin =
    origin === undefined || (typeof origin === 'string' && [host, new URL(issuer).host].includes(hostOf(origin)));
  if (headers[pageHeader] === undefined || !isOwnOrigin || (site !== undefined && site !== 'same-origin')) {
    throw new OAuthError(
      'access_denied',
      `Requests about a session must come from a page of this server, with the header ${pageHeader}.`,
      { reason: 'request_cross_site' },
    );
  }
}

function hostOf(origin: string): string {
  return URL.parse(origin)?.host ?? '';
}
