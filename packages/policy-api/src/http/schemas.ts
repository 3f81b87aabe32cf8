/** Parts of schemas that the endpoints of this package share. */
import { defaultPageSize, maxPageSize } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { keyPattern, longestKey } from '../key.ts';

export const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const Key = Type.String({ maxLength: longestKey, pattern: keyPattern });

/** No control characters, no halves of surrogate pairs. */
export const Text = (maxLength: number, options: Type.TStringOptions = {}) =>
  Type.String({ ...options, maxLength, pattern: '^[^\\p{Cc}\\p{Cs}]*$' });

export const Name = Text(200, { minLength: 1 });

export const PageQuery = Type.Object(
  {
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    size: Type.Integer({ minimum: 1, maximum: maxPageSize, default: defaultPageSize }),
  },
  { additionalProperties: false },
);

export const PageOf = <T extends Type.TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    total: Type.Integer(),
    page: Type.Integer(),
    size: Type.Integer(),
    pages: Type.Integer(),
  });

/** A list's answer, from the items of the page that was asked for and the number of items on all pages. */
export function toPage<T>(items: T[], total: number, { page, size }: Static<typeof PageQuery>) {
  return { items, total, page, size, pages: Math.ceil(total / size) };
}

export const Deleted = Type.Null({ description: 'Deleted' });

const ErrorAnswer = Type.Object({
  error: Type.String({ description: 'A code for programs.' }),
  detail: Type.String({ description: 'What is wrong, for people.' }),
});

const meanings = {
  400: 'The body is not valid JSON',
  401: 'The token is missing or not valid',
  403: 'The token lacks the scope',
  404: 'There is no such thing',
  409: 'It is still in use',
  413: 'The body is too large',
  415: 'The body is not application/json',
  422: 'A value is wrong; the detail says which and why',
} as const;

export function errorResponses(...statuses: readonly (keyof typeof meanings)[]) {
  return Object.fromEntries(statuses.map((status) => [status, { ...ErrorAnswer, description: meanings[status] }]));
}
