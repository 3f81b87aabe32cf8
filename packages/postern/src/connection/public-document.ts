/** Public documents of a server. */
import { reach } from './reach.ts';

export interface PublicDocument {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined if the answer is not a JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** The clock of the server, in milliseconds since 1970, to the second; ours if there is no Date header. */
  readonly dateMs: number;
}

/** Milliseconds. */
const timeoutMs = 15_000;

/** Does not follow redirects. Throws `CommandError` if the server cannot be reached. */
export async function getPublic(
  server: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<PublicDocument> {
  return reach(server, async () => {
    const response = await fetch(server + path, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const dateMs = Date.parse(response.headers.get('date') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: parseObject(text),
      dateMs: Number.isNaN(dateMs) ? Date.now() : dateMs,
    };
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
