/** The cache that a platform keeps between requests, which may lose anything at any time: that of service workers. RFC 9111 §4. */

/** What is used of a `Cache`: `caches.default` of Cloudflare, or what `caches.open` returns. */
export interface DocumentCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<unknown>;
}

export type OpenCache = () => Promise<DocumentCache>;

interface StoredDocument {
  /** When it was up to date, in milliseconds since 1970. */
  readonly at: number;
  readonly body: unknown;
}

/** Seconds for which the cache should keep a document. */
const maxAgeSeconds = 3_600;

/** A document in the cache, and how old it is. Nothing that the cache does is an error: without it, the document is fetched. */
export interface KeptCopy {
  /** Resolves to undefined if there is none, or if its age is unknown since it is from the future. */
  read(): Promise<{ readonly body: unknown; readonly ageMs: number } | undefined>;
  write(body: unknown, ageMs: number): Promise<void>;
}

/** `url` names the document; it need not exist. `now` returns milliseconds since 1970. */
export function createKeptCopy(url: string, openCache: OpenCache, now: () => number): KeptCopy {
  return {
    async read() {
      try {
        const response = await (await openCache()).match(url);
        const { at, body } = ((await response?.json()) ?? {}) as Partial<StoredDocument>;
        const ageMs = now() - Number(at);
        return ageMs >= 0 && ageMs <= maxAgeSeconds * 1000 ? { body, ageMs } : undefined;
      } catch {
        return undefined;
      }
    },
    async write(body, ageMs) {
      const stored: StoredDocument = { at: now() - ageMs, body };
      const headers = { 'cache-control': `max-age=${maxAgeSeconds}` };
      try {
        await (await openCache()).put(url, Response.json(stored, { headers }));
      } catch {
        // The next attempt may succeed.
      }
    },
  };
}
