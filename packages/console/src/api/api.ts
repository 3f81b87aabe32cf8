/** Calls to the server's HTTP API with the token of the session. Nothing here knows more than any other caller. */
import { serverRoot } from './address.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Api {
  /** `path` is what follows `/api/v1/`. Throws `ApiError`. */
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  /** Undefined where the answer has no body. Throws `ApiError`. */
  send<T>(method: Exclude<Method, 'GET'>, path: string, body?: unknown): Promise<T>;
}

/** A refusal by the server, or, with status 0, no answer at all. The message is for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** `onRefused` is called where the server does not accept the token any more. */
export function createApi(token: string, onRefused: () => void): Api {
  const call = async <T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
    }
    try {
      return await request<T>(`${serverRoot}api/v1/${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal !== undefined && { signal }),
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        onRefused();
      }
      throw error;
    }
  };
  return {
    get: (path, signal) => call('GET', path, undefined, signal),
    send: (method, path, body) => call(method, path, body),
  };
}

/** The JSON of an answer; undefined where it has no body. Throws `ApiError`, and what `fetch` throws when aborted. */
export async function request<T>(url: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if (init.signal?.aborted === true) {
      throw error;
    }
    throw new ApiError(0, 'unreachable', 'The server does not answer. Is it running, and is the network up?');
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) {
    return body as T;
  }
  const { error, error_description, detail } = (body ?? {}) as Record<string, unknown>;
  throw new ApiError(
    response.status,
    typeof error === 'string' ? error : 'error',
    text(detail) ?? text(error_description) ?? `The server answered with status ${response.status}.`,
  );
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `path?a=1&b=2`, without the members that are undefined or empty. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  return search === '' ? path : `${path}?${search}`;
}
