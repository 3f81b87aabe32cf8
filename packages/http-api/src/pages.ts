/**
 * Lists are answered in pages. By number, a list that changes meanwhile may have an item twice or not at all; by cursor,
 * the next page begins after the last item of the one before, whatever was created or deleted.
 */
import { OAuthError } from '@postern/protocol';
import { defaultPageSize, maxPageSize } from '@postern/protocol/api-limits';
import { type Static, type TSchema, Type } from 'typebox';
import { nullable, titleFrom } from './schemas.ts';

export const PageQuery = Type.Object(
  {
    page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    size: Type.Integer({ minimum: 1, maximum: maxPageSize, default: defaultPageSize }),
    cursor: Type.Optional(
      Type.String({
        maxLength: 4_000,
        description:
          'Instead of page: the next_cursor of the page before, or empty for the first page. Then every item that exists ' +
          'all the while is listed once, whatever is created or deleted meanwhile.',
      }),
    ),
  },
  { additionalProperties: false },
);

type PageQuery = Static<typeof PageQuery>;

/** Where an item stands in the order of its list: the values that it is sorted by, the last of them its id. */
export type Place = readonly string[];

/** What to read of a list that is sorted by place. */
export interface Slice {
  /** Read what comes after it; undefined: from the start. */
  readonly after: Place | undefined;
  readonly offset: number;
  readonly limit: number;
}

export function pageView<T extends TSchema>(item: T) {
  return Type.Object(
    {
      items: Type.Array(item),
      total: Type.Integer(),
      page: Type.Optional(Type.Integer()),
      size: Type.Optional(Type.Integer()),
      pages: Type.Optional(Type.Integer()),
      next_cursor: Type.Optional(
        nullable(
          Type.String({ description: 'With cursor, instead of page, size and pages. null: this is the last page.' }),
        ),
      ),
      etags: Type.Optional(
        Type.Array(nullable(Type.String()), { description: 'With cursor: the ETag of each item, if it has one.' }),
      ),
    },
    titleFrom(item, 'Page'),
  );
}

/**
 * Returns what to read for the answer; by cursor, one item more, which tells whether there is a next page. `length` is
 * the number of values of a place. Throws `invalid_parameter` for a cursor that no such list has given.
 */
export function sliceOf({ page, size, cursor }: PageQuery, length: number): Slice {
  return cursor === undefined
    ? { after: undefined, offset: (page - 1) * size, limit: size }
    : { after: parseCursor(cursor, length), offset: 0, limit: size + 1 };
}

/** The answer for one page, from what `sliceOf` says and the number of items on all pages. */
export function pageOf<T, View>(
  read: readonly T[],
  total: number,
  { page, size, cursor }: PageQuery,
  toView: (item: T) => View,
  placeOf: (item: T, index: number) => Place,
) {
  if (cursor === undefined) {
    return { items: read.map(toView), total, page, size, pages: Math.ceil(total / size) };
  }
  const items = read.slice(0, size);
  const last = items.at(-1);
  const isLastPage = last === undefined || read.length <= size;
  return {
    items: items.map(toView),
    total,
    next_cursor: isLastPage ? null : formatCursor(placeOf(last, items.length - 1)),
  };
}

/** By list, the same items sorted by place, so that a list that stays as it is is sorted once for all of its pages. */
const sortedLists = new WeakMap<readonly unknown[], readonly unknown[]>();

/** The answer for one page of a list that is in memory, and that nobody changes in place. By cursor, it is sorted by place. */
export function slicePage<T, View>(
  all: readonly T[],
  query: PageQuery,
  toView: (item: T) => View,
  placeOf: (item: T) => Place,
) {
  if (query.cursor === undefined) {
    const { offset, limit } = sliceOf(query, 0);
    return pageOf(all.slice(offset, offset + limit), all.length, query, toView, placeOf);
  }
  const known = sortedLists.get(all) as readonly T[] | undefined;
  const sorted = known ?? all.toSorted((one, other) => comparePlaces(placeOf(one), placeOf(other)));
  sortedLists.set(all, sorted);
  const [first] = sorted;
  const { after, limit } = sliceOf(query, first === undefined ? 0 : placeOf(first).length);
  const start = after === undefined ? 0 : countUpTo(sorted, (item) => comparePlaces(placeOf(item), after) <= 0);
  return pageOf(sorted.slice(start, start + limit), all.length, query, toView, placeOf);
}

/** How many items of a sorted list come before the first for which `isBefore` is false. */
function countUpTo<T>(sorted: readonly T[], isBefore: (item: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(sorted[middle] as T)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function comparePlaces(one: Place, other: Place): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at === -1 ? 0 : (one[at] as string) < (other[at] as string) ? -1 : 1;
}

function formatCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** Whatever a caller has made of a cursor, it is only a place to begin at. */
function parseCursor(text: string, length: number): Place | undefined {
  if (text === '') {
    return undefined;
  }
  const place = parseJson(Buffer.from(text, 'base64url').toString());
  const isPlace = (value: unknown) => typeof value === 'string' && !value.includes('\0');
  if (!Array.isArray(place) || (length > 0 && place.length !== length) || !place.every(isPlace)) {
    throw new OAuthError('invalid_parameter', 'cursor: must be the next_cursor of a page of this list, or empty.');
  }
  return place;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
