/** Parts of schemas that several endpoints share. */
import { defaultPageSize, maxPageSize } from '@postern/protocol';
import { type TSchema, Type } from 'typebox';

export const ErrorAnswer = Type.Object({
  error: Type.String({ description: 'A code for programs.' }),
  detail: Type.String({ description: 'What is wrong, for people.' }),
});

const OAuthErrorAnswer = Type.Object({
  error: Type.String({ description: 'A code of RFC 6749 §5.2.' }),
  error_description: Type.String({ description: 'What is wrong, for people.' }),
  detail: Type.String({ description: 'The same text.' }),
});

const meanings = {
  400: 'The request cannot be read',
  401: 'The credentials or the token are missing or not valid',
  403: 'The token lacks the scope, or may not hand out what was asked for',
  404: 'There is no such thing',
  409: 'It clashes with something that exists',
  413: 'The body is too large',
  415: 'The body is not of the right type',
  422: 'A value is wrong; the detail says which and why',
  429: 'Too many failed authentications, or more tokens than the quota of the client; Retry-After says when to try again',
} as const;

type Status = keyof typeof meanings;

/** Error answers of a management API. */
export function errorResponses(...statuses: readonly Status[]) {
  return Object.fromEntries(statuses.map((status) => [status, { ...ErrorAnswer, description: meanings[status] }]));
}

/** Error answers of an OAuth protocol endpoint. */
export function oauthErrorResponses(...statuses: readonly Status[]) {
  return Object.fromEntries(statuses.map((status) => [status, { ...OAuthErrorAnswer, description: meanings[status] }]));
}

/** Pattern of text for people: no control characters, no halves of surrogate pairs. */
export const printable = '^[^\\p{Cc}\\p{Cs}]*$';

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()]);
}

/** One page of a list, as every list answers. */
export function pageView<T extends TSchema>(item: T) {
  return Type.Object({
    items: Type.Array(item),
    total: Type.Integer(),
    page: Type.Integer(),
    size: Type.Integer(),
    pages: Type.Integer(),
  });
}

export function pageOf<T>(items: readonly T[], total: number, { page, size }: { page: number; size: number }) {
  return { items: [...items], total, page, size, pages: Math.ceil(total / size) };
}

export const PageQuery = Type.Object(
  {
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    size: Type.Integer({ minimum: 1, maximum: maxPageSize, default: defaultPageSize }),
  },
  { additionalProperties: false },
);
