/** Reads lists of clients from the HTTP APIs of other servers, page by page. */
import { CommandError } from '../command/command-error.ts';
import { reach } from '../connection/reach.ts';
import { arrayOf } from './source-client.ts';

export interface JsonApi {
  /** Base URL, without a slash at the end. */
  readonly url: string;
  /** Sent as a bearer token; undefined for an API that takes none. */
  readonly token: string | undefined;
}

const timeoutMs = 30_000;
export const pageSize = 100;

/** A server that reports more pages is not followed further. */
export const mostPages = 10_000;

/** Returns the elements of all pages. `pathOf` takes the number of a page, from 0, and its size. Throws `CommandError`. */
export async function readNumberedPages(
  api: JsonApi,
  pathOf: (page: number, size: number) => string,
): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let page = 0; page < mostPages; page += 1) {
    const { elements } = await readPage(api, pathOf(page, pageSize));
    all.push(...elements);
    if (elements.length < pageSize) {
      break;
    }
  }
  return all;
}

/** Returns the elements of all pages, each of which names the next one in a `Link` header. RFC 8288 §3. Throws `CommandError`. */
export async function readLinkedPages(api: JsonApi, path: string): Promise<unknown[]> {
  const all: unknown[] = [];
  let next: string | undefined = `${path}?page_size=${pageSize}`;
  for (let page = 0; next !== undefined && page < mostPages; page += 1) {
    const { elements, link } = await readPage(api, next);
    all.push(...elements);
    const token = /[?&]page_token=([^&>]+)[^,]*;\s*rel="?next"?/.exec(link)?.[1];
    next =
      token === undefined || elements.length === 0 ? undefined : `${path}?page_size=${pageSize}&page_token=${token}`;
  }
  return all;
}

async function readPage({ url, token }: JsonApi, path: string) {
  const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const { status, body, link } = await callApi(url, path, { ...(headers && { headers }) });
  if (status === 401 || status === 403) {
    throw new CommandError(`${url} does not let this token list clients (status ${status}).`, { exit: 'notAllowed' });
  }
  if (status !== 200 || !Array.isArray(body)) {
    throw new CommandError(`${url}${path} did not answer with a list (status ${status}). Is it the right --api?`);
  }
  return { elements: arrayOf(body), link };
}

export interface ApiAnswer {
  readonly status: number;
  /** Undefined if it is not JSON. */
  readonly body: unknown;
  /** RFC 8288 §3. */
  readonly link: string;
}

/** Follows no redirect. Throws `CommandError` if the server cannot be reached. */
export async function callApi(url: string, path: string, init: RequestInit): Promise<ApiAnswer> {
  return reach(url, async () => {
    const response = await fetch(url + path, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    const body: unknown = await response.json().catch(() => undefined);
    return { status: response.status, body, link: response.headers.get('link') ?? '' };
  });
}
