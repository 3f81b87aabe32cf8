/** Documents of a server that everybody may read. */
import { reach } from './reach.ts';

export interface PublicDocument {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where the answer is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** The clock of the server, in milliseconds since 1970, to the second; ours where it does not say. */
  readonly dateMs: number;
}

/** Milliseconds. */
const timeoutMs = 15_000;

/** Follows no redirect. Throws `CommandError` where the server cannot be reached. */
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
