/** Fetches one JSON document from the authorization server, with limits of time and size. RFC 9110 §15. */

/** Sends a request: the global `fetch`, or one that adds headers to it. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface DocumentBounds {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
  /** What to POST, as JSON. Undefined: GET. */
  readonly send?: object;
}

export interface FetchedDocument {
  readonly headers: Headers;
  /** The text that was parsed. */
  readonly text: string;
  readonly body: unknown;
}

/** Thrown for an answer without the status 200. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
  readonly status: number;
  /** Seconds that the server asks to wait; undefined if it does not. RFC 9110 §10.2.3. */
  readonly retryAfterSeconds: number | undefined;

  constructor(url: string, { status, headers }: Response) {
    super(`${url} answered ${status}`);
    this.status = status;
    const retryAfter = headers.get('retry-after') ?? '';
    this.retryAfterSeconds = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  }
}

/**
 * Follows no redirect, since only the requested server is trusted. Rejects for any status but 200, for a body that is not
 * JSON or larger than `maxBytes`, and after `timeoutMs`.
 */
export async function fetchDocument(url: string, fetch: Fetch, bounds: DocumentBounds): Promise<FetchedDocument> {
  const timeout = AbortSignal.timeout(bounds.timeoutMs);
  const signal = bounds.signal === undefined ? timeout : AbortSignal.any([timeout, bounds.signal]);
  const { send } = bounds;
  const headers = { accept: 'application/json', ...(send !== undefined && { 'content-type': 'application/json' }) };
  const sent = send !== undefined && { method: 'POST', body: JSON.stringify(send) };
  const response = await fetch(url, { redirect: 'manual', headers, signal, ...sent });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new UnexpectedAnswer(url, response);
  }
  const text = await readText(response, bounds.maxBytes);
  if (text === undefined) {
    throw new Error(`${url} answered with more than ${bounds.maxBytes} bytes`);
  }
  try {
    return { headers: response.headers, text, body: JSON.parse(text) };
  } catch (cause) {
    throw new Error(`${url} did not answer with JSON`, { cause });
  }
}

async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      // Leaving the loop cancels the stream.
      return undefined;
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
