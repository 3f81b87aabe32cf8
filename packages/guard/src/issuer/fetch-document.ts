/** One JSON document from the authorization server, within bounds of time and size. RFC 9110 §15. */

/** What sends a request: the global `fetch`, or one that adds to it. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface DocumentBounds {
  readonly timeoutMs: number;
  readonly mostBytes: number;
  /** Ends the request early. */
  readonly signal?: AbortSignal;
}

export interface FetchedDocument {
  readonly headers: Headers;
  readonly body: unknown;
}

/** An answer that is no document. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
  readonly status: number;
  /** Seconds that the server asks to wait; undefined where it does not. RFC 9110 §10.2.3. */
  readonly retryAfterSeconds: number | undefined;

  constructor(url: string, { status, headers }: Response) {
    super(`${url} answered ${status}`);
    this.status = status;
    const retryAfter = headers.get('retry-after') ?? '';
    this.retryAfterSeconds = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  }
}

/**
 * Follows no redirect: whose word counts is who was asked. Rejects for any status but 200, for what is no JSON or more
 * than `mostBytes`, and after `timeoutMs`.
 */
export async function fetchDocument(url: string, fetch: Fetch, bounds: DocumentBounds): Promise<FetchedDocument> {
  const timeout = AbortSignal.timeout(bounds.timeoutMs);
  const signal = bounds.signal === undefined ? timeout : AbortSignal.any([timeout, bounds.signal]);
  const response = await fetch(url, { redirect: 'manual', headers: { accept: 'application/json' }, signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new UnexpectedAnswer(url, response);
  }
  const text = await readText(response, bounds.mostBytes);
  if (text === undefined) {
    throw new Error(`${url} answered with more than ${bounds.mostBytes} bytes`);
  }
  try {
    return { headers: response.headers, body: JSON.parse(text) };
  } catch (cause) {
    throw new Error(`${url} did not answer with JSON`, { cause });
  }
}

async function readText(response: Response, mostBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > mostBytes) {
      // Leaving the loop cancels the stream.
      return undefined;
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
