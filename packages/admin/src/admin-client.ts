/** Sends operations to a server, and reads its answers. Knows nothing of tokens: `fetch` attaches them. RFC 6750 §2.1. */
import { batchTimeLimitSeconds, maxPageSize, maxWaitSeconds } from '@postern/protocol/api-limits';
import { AdminError } from './admin-error.ts';
import { type Change, type Operation, type Page, type Read, recordVersions } from './operation.ts';
import { operations } from './operations.ts';

export interface AdminClientOptions {
  /** Base URL of the server, such as `https://auth.example.com`, with or without a slash at the end. */
  readonly server: string;
  /** Sends each request with an access token, such as `fetch` of a token client of `@postern/client`; retries are its concern. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export interface SendOptions {
  /** Aborts the call, which then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

export interface AllOptions extends SendOptions {
  /** Is called after each page with how many items were read so far, of how many. */
  readonly onProgress?: ((read: number, total: number) => void) | undefined;
}

type Bound<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends (...args: infer Args) => Operation<infer Answer>
    ? (...args: Args) => Promise<Answer>
    : Bound<Table[Name]>;
};

/** `admin.clients.get(id)` is short for `admin.send(operations.clients.get(id))`. All calls throw `AdminError`. */
export interface AdminClient extends Bound<typeof operations> {
  send<Answer>(operation: Operation<Answer>, options?: SendOptions): Promise<Answer>;
  /** The same, but resolves to undefined if the server answers 404. */
  find<Answer>(operation: Operation<Answer>, options?: SendOptions): Promise<Answer | undefined>;
  /** Reads all pages of a list: every item that exists all the while, once. */
  all<Item>(list: Read<Page<Item>>, options?: AllOptions): Promise<Item[]>;
}

/** A call may take as long as the longest that the server allows, and then some time on the way. */
const timeoutMs = (Math.max(batchTimeLimitSeconds, maxWaitSeconds) + 15) * 1000;

/** Sends nothing yet. Each call times out after 45 s. */
export function createAdminClient({ server, fetch }: AdminClientOptions): AdminClient {
  const root = server.replace(/\/+$/, '');

  /** Sends a change again if no answer came: by its key, the server does not make it twice. */
  const send = async <Answer>(operation: Operation<Answer>, options: SendOptions = {}): Promise<Answer> => {
    if (operation.method === 'GET') {
      return sendOnce(operation, {}, options);
    }
    const headers = { ...preconditionHeaders(operation), 'idempotency-key': crypto.randomUUID() };
    try {
      return await sendOnce(operation, headers, options);
    } catch (error) {
      if (isWithoutAnswer(error)) {
        return sendOnce(operation, headers, options);
      }
      throw error;
    }
  };

  const sendOnce = async <Answer>(
    operation: Operation<Answer>,
    headers: Readonly<Record<string, string>>,
    { signal }: SendOptions,
  ): Promise<Answer> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const { method, path } = operation;
    const [query, body] = operation.method === 'GET' ? [operation.query, undefined] : [undefined, operation.body];
    const isJson = body !== undefined;
    try {
      const response = await fetch(root + path + toSearch(query), {
        method,
        headers: {
          accept: 'application/json',
          ...(isJson && { 'content-type': 'application/json' }),
          ...headers,
        },
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
        ...(isJson && { body: JSON.stringify(body) }),
      });
      const answer = await readAnswer<Answer>(response);
      recordVersions(answer, response.headers.get('etag'));
      return answer;
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause === timeout.reason) {
        throw new AdminError('timeout', `${root} did not answer in time.`, { cause });
      }
      // What `fetch` throws without an answer. Anything else is an `AdminError`, or comes from whoever attaches the token.
      throw cause instanceof TypeError
        ? new AdminError('unreachable', `${root} does not answer. Is it running, and is the network up?`, { cause })
        : cause;
    }
  };

  const bind = (table: object): object =>
    Object.fromEntries(
      Object.entries(table).map(([name, member]) => [
        name,
        typeof member === 'function'
          ? async (...args: unknown[]) => send(member(...args) as Operation<unknown>)
          : bind(member),
      ]),
    );

  return {
    ...(bind(operations) as Bound<typeof operations>),
    send,
    async find(operation, options) {
      try {
        return await send(operation, options);
      } catch (error) {
        if (error instanceof AdminError && error.status === 404) {
          return undefined;
        }
        throw error;
      }
    },
    async all<Item>(list: Read<Page<Item>>, { onProgress, ...options }: AllOptions = {}) {
      const items: Item[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const query = { ...list.query, cursor, size: maxPageSize };
        const answer: Page<Item> = await send({ ...list, query }, options);
        items.push(...answer.items);
        onProgress?.(items.length, answer.total);
        cursor = answer.next_cursor ?? null;
      }
      return items;
    },
  };
}

/** Whether the connection broke, as `fetch` says it itself, or whoever explains its errors. */
function isWithoutAnswer(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.cause instanceof TypeError);
}

function preconditionHeaders({ if_match, if_none_match }: Change<unknown>): Record<string, string> {
  return {
    ...(if_match !== undefined && { 'if-match': if_match }),
    ...(if_none_match !== undefined && { 'if-none-match': if_none_match }),
  };
}

function toSearch(query: Read<unknown>['query'] = {}): string {
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
  return search.size === 0 ? '' : `?${search}`;
}

async function readAnswer<Answer>(response: Response): Promise<Answer> {
  const { ok, status, headers } = response;
  if (status >= 300 && status < 400) {
    const location = headers.get('location') ?? 'another address';
    throw new AdminError('redirected', `The server redirects to ${location}.`, { status });
  }
  const text = await response.text();
  const answer = parseJson(text);
  if (ok && (answer !== undefined || text === '')) {
    return answer as Answer;
  }
  const { error, detail } = (answer ?? {}) as Record<string, unknown>;
  if (ok || typeof error !== 'string') {
    throw new AdminError('invalid_response', `The answer (status ${status}) is not from Postern.`, { status });
  }
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  throw new AdminError(error, typeof detail === 'string' ? detail : error, {
    status,
    answer: answer as Record<string, unknown>,
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
