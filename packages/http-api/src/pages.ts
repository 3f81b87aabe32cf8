/** Lists are answered in pages. */
import { defaultPageSize, maxPageSize } from '@postern/protocol';
import { type Static, type TSchema, Type } from 'typebox';

export const PageQuery = Type.Object(
  {
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    size: Type.Integer({ minimum: 1, maximum: maxPageSize, default: defaultPageSize }),
  },
  { additionalProperties: false },
);

export function pageView<T extends TSchema>(item: T) {
  return Type.Object({
    items: Type.Array(item),
    total: Type.Integer(),
    page: Type.Integer(),
    size: Type.Integer(),
    pages: Type.Integer(),
  });
}

/** The answer for one page, from its items and the number of items on all pages. */
export function pageOf<T>(items: readonly T[], total: number, { page, size }: Static<typeof PageQuery>) {
  return { items: [...items], total, page, size, pages: Math.ceil(total / size) };
}
