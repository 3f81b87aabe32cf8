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
}

export type Operation<Answer> = Read<Answer> | Change<Answer>;

/** One page of a list. `page` counts from 1; `pages` is 0 for an empty list. */
export interface Page<Item> {
  items: Item[];
  total: number;
  page: number;
  size: number;
  pages: number;
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
