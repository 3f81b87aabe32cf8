/** The keys of an issuer: found through its metadata, cached as long as it allows, fetched again for an unknown key. RFC 8414 §3, RFC 9111 §5.2. */
import { isConfidential, OAuthError, wellKnownUrl } from '@postern/protocol';
import type { VerificationKey } from '../verify-access-token.ts';
import { type Fetch, fetchDocument } from './fetch-document.ts';
import type { KeptCopy } from './kept-copy.ts';
import { createKeptDocument } from './kept-document.ts';
import { type PublishedKey, readPublishedKeys } from './published-keys.ts';

export interface IssuerKeys {
  /** Returns the cached key with this id. Fetches the keys again in the background if they are stale. */
  find(kid: string): VerificationKey | undefined;
  /** Fetches the keys for one that is not cached. Throws `temporarily_unavailable` if the issuer cannot be reached. */
  fetch(kid: string): Promise<VerificationKey | undefined>;
  /** Fetches all keys. Rejects if that fails. */
  load(): Promise<void>;
  /** Fetches the keys again in the background, since one was revoked and another one signs instead. */
  renew(): void;
  /** Fetches the keys if they are stale, and waits for them if there are none. Never rejects. */
  prepare(waitUntil: (work: Promise<unknown>) => void): Promise<void>;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Whether keys may be fetched by plain http from another machine. */
  readonly allowHttp: boolean;
  readonly fetch: Fetch;
  /** Milliseconds by a clock that never jumps. */
  readonly now: () => number;
  /** Called when keys could not be fetched, even if the cached ones can still be used. */
  readonly onFault: (fault: Error) => void;
  /** Where a platform keeps the keys that runs nothing between requests. */
  readonly copy?: KeptCopy | undefined;
}

const limits = { timeoutMs: 5_000, maxBytes: 262_144 };

/** Milliseconds until keys are stale: the `max-age` of the answer within these limits, or the default. */
const minAgeMs = 30_000;
const defaultAgeMs = 300_000;
const maxAgeMs = 86_400_000;

export function createIssuerKeys({ issuer, allowHttp, fetch, now, onFault, copy }: IssuerKeysOptions): IssuerKeys {
  const document = createKeptDocument<ReadonlyMap<string, PublishedKey>>({
    async load(known) {
      const kept = known === undefined ? await copy?.read() : undefined;
      if (kept !== undefined) {
        const value = await readPublishedKeys(kept.body, new Map());
        return { value, maxAgeMs: defaultAgeMs, ageMs: kept.ageMs };
      }
      try {
        const { body, headers } = await fetchDocument(await findJwksUri(issuer, allowHttp, fetch), fetch, limits);
        const value = await readPublishedKeys(body, known ?? new Map());
        await copy?.write(body, 0);
        return { value, maxAgeMs: readMaxAgeMs(headers) };
      } catch (cause) {
        throw new Error(`Cannot fetch the keys of ${issuer}: ${(cause as Error).message}`, { cause });
      }
    },
    now,
    onFault,
  });

  return {
    find(kid) {
      if (!document.isFresh()) {
        void document.refresh();
      }
      return document.current()?.get(kid);
    },
    async fetch(kid) {
      await document.refresh();
      const key = document.current()?.get(kid);
      const fault = document.fault();
      if (key === undefined && fault !== undefined) {
        throw new OAuthError('temporarily_unavailable', describeFault(fault), {
          reason: 'keys_unavailable',
          cause: fault,
        });
      }
      return key;
    },
    async load() {
      await document.refresh();
      const fault = document.fault();
      if (fault !== undefined) {
        throw fault;
      }
    },
    renew: document.renew,
    async prepare(waitUntil) {
      if (!document.isFresh()) {
        const refreshing = document.refresh();
        waitUntil(refreshing);
        if (document.current() === undefined) {
          await refreshing;
        }
      }
    },
  };
}

/** Thrown for the metadata of another issuer, which no later attempt makes right. */
class OtherIssuer extends Error {
  override readonly name = 'OtherIssuer';

  constructor(url: string, named: unknown, expected: string) {
    super(
      `the metadata at ${url} name another issuer, ${JSON.stringify(named) ?? 'none'}, ` +
        `than the guard was created with, ${JSON.stringify(expected)}; both must be equal, character by character`,
    );
  }
}

/** For callers, who cannot change how the API is set up. */
function describeFault({ cause }: Error): string {
  return cause instanceof OtherIssuer
    ? 'This API is set up for another issuer than the one at that address. Its operator must correct that.'
    : 'Signing keys of the issuer are unavailable. Try again later.';
}

/** RFC 8414 §3.3: the issuer in the document must equal the requested one, character by character. */
async function findJwksUri(issuer: string, allowHttp: boolean, fetch: Fetch): Promise<string> {
  const url = wellKnownUrl('oauth-authorization-server', issuer);
  const { body } = await fetchDocument(url, fetch, limits);
  const { issuer: named, jwks_uri } = (body ?? {}) as Record<string, unknown>;
  if (named !== issuer) {
    throw new OtherIssuer(url, named, issuer);
  }
  if (typeof jwks_uri !== 'string' || !isConfidential(jwks_uri, allowHttp)) {
    throw new Error(`the document at ${url} has no https URL as its jwks_uri`);
  }
  return jwks_uri;
}

function readMaxAgeMs(headers: Headers): number {
  const cacheControl = headers.get('cache-control') ?? '';
  if (/\bno-(store|cache)\b/i.test(cacheControl)) {
    return minAgeMs;
  }
  const seconds = /\bmax-age=(\d{1,9})/i.exec(cacheControl)?.[1];
  const ageMs = seconds === undefined ? defaultAgeMs : Number(seconds) * 1000;
  return Math.min(Math.max(ageMs, minAgeMs), maxAgeMs);
}
