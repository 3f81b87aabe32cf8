/** Parts of schemas that several endpoints share. */
import { type TSchema, Type } from 'typebox';

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()]);
}

// What Python and Go generate from the OpenAPI document compiles these patterns too: they have no lookahead, no \p and no \u.
// Each matches one character, and none a control character or a lone surrogate.

const beyondBasicPlane = '[^\\x00-\uffff]';

export const printable = `(?:[ -~\u00a0-\ud7ff\ue000-\uffff]|${beyondBasicPlane})`;

/** The printable characters of which nobody sees anything: spaces, fillers and format characters. */
export const invisible =
  '[ \u00a0\u00ad\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufeff\uffa0]';

export const visible =
  '(?:[!-~\u00a1-\u00ac\u00ae-\u115e\u1161-\u167f\u1681-\u180d\u180f-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u27ff' +
  `\u2801-\u2fff\u3001-\u3163\u3165-\ud7ff\ue000-\ufefe\uff00-\uff9f\uffa1-\uffff]|${beyondBasicPlane})`;

export const visiblePattern = `^${invisible}*${visible}${printable}*$`;

/**
 * The title of a schema about things of another schema, such as a page of them. The OpenAPI document has every schema
 * with a title under that name, once.
 */
export function titleFrom({ title }: { readonly title?: string }, suffix: string): { readonly title?: string } {
  return title === undefined ? {} : { title: title + suffix };
}

/** Text for people: no control characters, no lone surrogates. */
export function printableText(maxLength: number, options: Type.TStringOptions = {}) {
  return Type.String({ ...options, maxLength, pattern: `^${printable}*$` });
}

/** Text for people that is not blank. */
export function visibleText(maxLength: number, options: Type.TStringOptions = {}) {
  return Type.String({ ...options, minLength: 1, maxLength, pattern: visiblePattern });
}

/**
 * A key that a caller chooses, and that is a segment of a path. `.` and `..` are none, because a URL with them as a segment
 * means another URL. RFC 3986 §5.2.4.
 */
export function keyText(maxLength: number) {
  return Type.String({ minLength: 1, maxLength, pattern: '^(\\.{0,2}[A-Za-z0-9_-]|\\.{3})[A-Za-z0-9_.-]*$' });
}

export const Name = visibleText(200);

export const Deleted = Type.Null({ description: 'Deleted' });

export const ErrorAnswer = Type.Object(
  {
    error: Type.String({ description: 'A code for programs.' }),
    detail: Type.String({ description: 'What is wrong, for people.' }),
  },
  { title: 'Error' },
);

const OAuthErrorAnswer = Type.Object(
  {
    error: Type.String({ description: 'A code of RFC 6749 §5.2.' }),
    error_description: Type.String({ description: 'What is wrong, for people.' }),
    detail: Type.String({ description: 'The same text.' }),
  },
  { title: 'OAuthError' },
);

const meanings = {
  400: 'The body or a header is malformed',
  401: 'The credentials or the token are missing or invalid',
  403: 'The token lacks the required scope, or may not assign what was requested',
  404: 'Not found',
  409: 'Conflicts with the current state; the detail says how',
  412: 'If-Match or If-None-Match does not hold: somebody else has changed it since it was read',
  413: 'The body is too large',
  415: 'The body has the wrong media type',
  422: 'A value is invalid; the detail says which and why',
  429: 'Too many failed authentications, or more tokens than the quota of the client; Retry-After says when to try again',
} as const;

export type Status = keyof typeof meanings;

/** Error answers of a management API. */
export function errorResponses(...statuses: readonly Status[]) {
  return Object.fromEntries(statuses.map((status) => [status, { ...ErrorAnswer, description: meanings[status] }]));
}

/** Error answers of an OAuth protocol endpoint. */
export function oauthErrorResponses(...statuses: readonly Status[]) {
  return Object.fromEntries(statuses.map((status) => [status, { ...OAuthErrorAnswer, description: meanings[status] }]));
}
