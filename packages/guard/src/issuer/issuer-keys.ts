/** The keys of an issuer: found through its metadata, cached as long as it allows, fetched again for an unknown key. RFC 8414 §3, RFC 9111 §5.2. */
import { isConfidential, OAuthError, wellKnownUrl } from '@postern/protocol';
import type { VerificationKey } from '../verify-access-token.ts';
import { type Fetch, fetchDocument } from './fetch-document.ts';
import { type PublishedKey, readPublishedKeys } from './published-keys.ts';

export interface IssuerKeys {
  /** Returns the cached key with this id. Fetches the keys again in the background if they are stale. */
  find(kid: string): VerificationKey | undefined;
  /** Fetches the keys for one that is not cached. Throws `temporarily_unavailable` if the issuer cannot be reached. */
  fetch(kid: string): Promise<VerificationKey | undefined>;
  /** Fetches all keys. Rejects if that fails. */
  load(): Promise<void>;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  readonly fetch: Fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called when keys could not be fetched, even if the cached ones can still be used. */
  readonly onFault: (fault: Error) => void;
}

const limits = { timeoutMs: 5_000, maxBytes: 262_144 };

/** Milliseconds until keys are stale: the `max-age` of the answer within these limits, or the default. */
const minAgeMs = 30_000;
const defaultAgeMs = 300_000;
const maxAgeMs = 86_400_000;

/** Milliseconds for which stale keys are still used while the issuer cannot be reached. */
const graceMs = 3_600_000;

/** Milliseconds after a successful fetch before an unknown key causes another one. */
const cooldownMs = 30_000;

/** Milliseconds before a failed fetch is repeated. */
const retryMs = 1_000;

export function createIssuerKeys({ issuer, fetch, now, onFault }: IssuerKeysOptions): IssuerKeys {
  let keys: ReadonlyMap<string, PublishedKey> = new Map();
  let freshUntil = Number.NEGATIVE_INFINITY;
  let usableUntil = Number.NEGATIVE_INFINITY;
  let attemptFrom = Number.NEGATIVE_INFINITY;
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let fault: Error | undefined;
  let pending: Promise<void> | undefined;

  /** If the clock was set back, the age of the keys is unknown. */
  const isSetBack = () => now() < attemptedAt;
  const mayAttempt = () => now() >= attemptFrom || isSetBack();

  const fetchKeys = async () => {
    attemptedAt = now();
    try {
      const { body, headers } = await fetchDocument(await findJwksUri(issuer, fetch), fetch, limits);
      keys = readPublishedKeys(body, keys);
      freshUntil = now() + readMaxAgeMs(headers);
      usableUntil = freshUntil + graceMs;
      attemptFrom = now() + cooldownMs;
      fault = undefined;
    } catch (cause) {
      attemptFrom = now() + retryMs;
      fault = new Error(`Cannot fetch the keys of ${issuer}: ${(cause as Error).message}`, { cause });
      onFault(fault);
    }
  };

  /** Never rejects; all callers wait for the same attempt. */
  const refresh = (): Promise<void> => {
    pending ??= fetchKeys().finally(() => {
      pending = undefined;
    });
    return pending;
  };

  return {
    find(kid) {
      const nowMs = now();
      if ((nowMs >= freshUntil || isSetBack()) && mayAttempt()) {
        void refresh();
      }
      return nowMs < usableUntil ? keys.get(kid) : undefined;
    },
    async fetch(kid) {
      if (pending !== undefined || mayAttempt()) {
        await refresh();
      }
      const key = now() < usableUntil ? keys.get(kid) : undefined;
      if (key === undefined && fault !== undefined) {
        throw new OAuthError(
          'temporarily_unavailable',
          'Signing keys of the issuer are unavailable. Try again later.',
          {
            reason: 'keys_unavailable',
            cause: fault,
          },
        );
      }
      return key;
    },
    async load() {
      await refresh();
      if (fault !== undefined) {
        throw fault;
      }
    },
  };
}

/** RFC 8414 §3.3: the issuer in the document must equal the requested one, character by character. */
async function findJwksUri(issuer: string, fetch: Fetch): Promise<string> {
  const url = wellKnownUrl('oauth-authorization-server', issuer);
  const { body } = await fetchDocument(url, fetch, limits);
  const { issuer: named, jwks_uri } = (body ?? {}) as Record<string, unknown>;
  if (named !== issuer) {
    throw new Error(`the document at ${url} is of another issuer`);
  }
  if (typeof jwks_uri !== 'string' || !isConfidential(jwks_uri)) {
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
