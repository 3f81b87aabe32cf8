/** One call of the management API as a value: what an admin client sends, and what a batch consists of. */
import { AdminError } from './admin-error.ts';

declare const answerType: unique symbol;

interface Call<Answer> {
  /** From the root of the server, with every id encoded. RFC 3986 §3.3. */
  readonly path: string;
  /** Never set: it tells the compiler what the server answers. */
  readonly [answerType]?: Answer;
}

/** Members that are undefined are not sent. */
export type Query = Readonly<Record<string, string | number | undefined>>;

export interface Read<Answer> extends Call<Answer> {
  readonly method: 'GET';
  readonly query?: Query;
}

export interface Change<Answer> extends Call<Answer> {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  /** The change is made only to this version. RFC 9110 §13.1.1. */
  readonly if_match?: string;
  /** `*`: the change is made only if it creates the thing. RFC 9110 §13.1.2. */
  readonly if_none_match?: string;
}

export type Operation<Answer> = Read<Answer> | Change<Answer>;

/** One page of a list: by number, or after the cursor of the page before. `page` counts from 1. */
export interface Page<Item> {
  items: Item[];
  total: number;
  page?: number;
  size?: number;
  /** 0 for an empty list. */
  pages?: number;
  /** Null for the last page. */
  next_cursor?: string | null;
  /** The ETag of each item. */
  etags?: (string | null)[];
}

/** The answer to a bulk write: what was written, in the order of the elements, and what was rejected, as it was sent. */
export interface BulkAnswer<View> {
  succeeded: View[];
  failed: { message: string; data: unknown }[];
}

export function read<Answer>(path: string, query?: object): Read<Answer> {
  return { method: 'GET', path, ...(query !== undefined && { query: query as Query }) };
}

export function change<Answer>(method: Change<Answer>['method'], path: string, body?: unknown): Change<Answer> {
  return { method, path, ...(body !== undefined && { body }) };
}

/** By what was read, the ETag that it had. */
const versions = new WeakMap<object, string>();

/** Remembers the ETag of an answer, and those of the items if it is a page. */
export function recordVersions(answer: unknown, etag: string | null): void {
  const { items = [], etags = [] } = (answer ?? {}) as Partial<Page<object>>;
  for (const [thing, version] of [[answer, etag], ...items.map((item, at) => [item, etags[at] ?? etag])] as const) {
    if (typeof thing === 'object' && thing !== null && typeof version === 'string') {
      versions.set(thing, version);
    }
  }
}

/**
 * Returns the operation for what was read and nobody has changed since; without it, for what does not exist. The server
 * refuses it otherwise, with the code `precondition_failed`. `read` is the object that a call has answered, or an item of
 * its list, and no copy.
 */
export function ifUnchanged<Answer>(operation: Change<Answer>, read: object | undefined): Change<Answer> {
  if (read === undefined) {
    return { ...operation, if_none_match: '*' };
  }
  const version = versions.get(read);
  return version === undefined ? operation : { ...operation, if_match: version };
}

/** Encodes each id as one segment of the path. Throws `AdminError` for an id that would address another resource. */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
  const wrong = ids.find((id) => id === '' || id === '.' || id === '..');
  if (wrong !== undefined) {
    throw new AdminError('invalid_id', `"${wrong}" is not an id.`);
  }
  return String.raw({ raw: parts }, ...ids.map(encodeURIComponent));
}

/** Returns what a bulk write has written. Throws `AdminError` if it rejected an element; `what` names it in the message. */
export function requireWritten<View>({ succeeded, failed: [fault] }: BulkAnswer<View>, what = ''): View[] {
  if (fault !== undefined) {
    throw new AdminError('rejected', `${what === '' ? '' : `Cannot save ${what}: `}${fault.message}`);
  }
  return succeeded;
}
