/** The keys of an issuer: found through its metadata, cached as long as it allows, fetched again for an unknown key. RFC 8414 §3, RFC 9111 §5.2. */
import { feedKeysMember, feedKeyUse, isConfidential, OAuthError, wellKnownUrl } from '@postern/protocol';
import type { VerificationKey } from '../verify-access-token.ts';
import { type Fetch, fetchDocument } from './fetch-document.ts';
import type { KeptCopy } from './kept-copy.ts';
import { createKeptDocument } from './kept-document.ts';
import { type KeyUse, type PublishedKey, readPublishedKeys } from './published-keys.ts';

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
  /** What the keys are for. */
  readonly use: KeyUse;
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

/** The keys of each use: the member of the metadata that names them, and what an operator reads of them. */
const keySets = {
  sig: { member: 'jwks_uri', name: 'keys' },
  [feedKeyUse]: { member: feedKeysMember, name: 'keys of the revocation feed' },
} as const satisfies Record<KeyUse, object>;

export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { issuer, use, fetch, now, onFault, copy } = options;
  const document = createKeptDocument<ReadonlyMap<string, PublishedKey>>({
    async load(known) {
      const kept = known === undefined ? await copy?.read() : undefined;
      if (kept !== undefined) {
        const value = await readPublishedKeys(kept.body, new Map(), use);
        return { value, maxAgeMs: defaultAgeMs, ageMs: kept.ageMs };
      }
      try {
        const { body, headers } = await fetchDocument(await findJwksUri(options), fetch, limits);
        const value = await readPublishedKeys(body, known ?? new Map(), use);
        await copy?.write(body, 0);
        return { value, maxAgeMs: readMaxAgeMs(headers) };
      } catch (cause) {
        throw new Error(`Cannot fetch the ${keySets[use].name} of ${issuer}: ${(cause as Error).message}`, { cause });
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
async function findJwksUri({ issuer, use, allowHttp, fetch }: IssuerKeysOptions): Promise<string> {
  const url = wellKnownUrl('oauth-authorization-server', issuer);
  const { body } = await fetchDocument(url, fetch, limits);
  const { issuer: named, [keySets[use].member]: uri } = (body ?? {}) as Record<string, unknown>;
  if (named !== issuer) {
    throw new OtherIssuer(url, named, issuer);
  }
  if (typeof uri !== 'string' || !isConfidential(uri, allowHttp)) {
    throw new Error(`the document at ${url} has no https URL as its ${keySets[use].member}`);
  }
  return uri;
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
