/** Lists are answered in pages. */
import { defaultPageSize, maxPageSize } from '@postern/protocol/api-limits';
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

/** The answer for one page of a list that is in memory. */
export function slicePage<T, View>(all: readonly T[], query: Static<typeof PageQuery>, toView: (item: T) => View) {
  const first = (query.page - 1) * query.size;
  return pageOf(all.slice(first, first + query.size).map(toView), all.length, query);
}
