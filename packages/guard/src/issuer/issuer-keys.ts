/** The keys of an issuer: found by its metadata, kept as long as it allows, looked up again for a key that is new. RFC 8414 §3, RFC 9111 §5.2. */
import { isConfidential, OAuthError, wellKnownUrl } from '@postern/protocol';
import type { VerificationKey } from '../verify-access-token.ts';
import { type Fetch, fetchDocument } from './fetch-document.ts';
import { type PublishedKey, readPublishedKeys } from './published-keys.ts';

export interface IssuerKeys {
  /** The key of that id, from memory. Keys that have become old are fetched anew meanwhile. */
  find(kid: string): VerificationKey | undefined;
  /** The same for a key that is not known yet. Throws `temporarily_unavailable` where the issuer cannot be asked. */
  seek(kid: string): Promise<VerificationKey | undefined>;
  /** Fetches the keys. Rejects where that fails. */
  load(): Promise<void>;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  readonly fetch: Fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Hears of keys that could not be fetched, also where those that are known do for now. */
  readonly onFault: (fault: Error) => void;
}

const bounds = { timeoutMs: 5_000, mostBytes: 262_144 };

/** How long keys are taken as they are, in milliseconds: what the answer says, within these, or else the default. */
const shortestAgeMs = 30_000;
const defaultAgeMs = 300_000;
const longestAgeMs = 86_400_000;

/** Beyond that age known keys do for so long, in milliseconds, while the issuer cannot be reached. */
const graceMs = 3_600_000;

/** A key that nobody knows makes the guard ask again after so long at the earliest, in milliseconds. */
const cooldownMs = 30_000;

/** An attempt that failed is repeated after so long at the earliest, in milliseconds. */
const retryMs = 1_000;

export function createIssuerKeys({ issuer, fetch, now, onFault }: IssuerKeysOptions): IssuerKeys {
  let keys: ReadonlyMap<string, PublishedKey> = new Map();
  let freshUntil = Number.NEGATIVE_INFINITY;
  let usableUntil = Number.NEGATIVE_INFINITY;
  let attemptFrom = Number.NEGATIVE_INFINITY;
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let fault: Error | undefined;
  let pending: Promise<void> | undefined;

  /** A clock that was set back since says nothing about how old the keys are. */
  const isSetBack = () => now() < attemptedAt;
  const mayAttempt = () => now() >= attemptFrom || isSetBack();

  const fetchKeys = async () => {
    attemptedAt = now();
    try {
      const { body, headers } = await fetchDocument(await findJwksUri(issuer, fetch), fetch, bounds);
      keys = readPublishedKeys(body, keys);
      freshUntil = now() + readMaxAgeMs(headers);
      usableUntil = freshUntil + graceMs;
      attemptFrom = now() + cooldownMs;
      fault = undefined;
    } catch (cause) {
      attemptFrom = now() + retryMs;
      fault = new Error(`The keys of ${issuer} cannot be fetched: ${(cause as Error).message}`, { cause });
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
    async seek(kid) {
      if (pending !== undefined || mayAttempt()) {
        await refresh();
      }
      const key = now() < usableUntil ? keys.get(kid) : undefined;
      if (key === undefined && fault !== undefined) {
        throw new OAuthError('temporarily_unavailable', 'The keys of the issuer cannot be had now: try again.', {
          reason: 'keys_unavailable',
          cause: fault,
        });
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

/** RFC 8414 §3.3: what the document calls its issuer must be whom it was asked of, character by character. */
async function findJwksUri(issuer: string, fetch: Fetch): Promise<string> {
  const url = wellKnownUrl('oauth-authorization-server', issuer);
  const { body } = await fetchDocument(url, fetch, bounds);
  const { issuer: named, jwks_uri } = (body ?? {}) as Record<string, unknown>;
  if (named !== issuer) {
    throw new Error(`the document at ${url} is of another issuer`);
  }
  if (typeof jwks_uri !== 'string' || !isConfidential(jwks_uri)) {
    throw new Error(`the document at ${url} names no https URL as its jwks_uri`);
  }
  return jwks_uri;
}

function readMaxAgeMs(headers: Headers): number {
  const cacheControl = headers.get('cache-control') ?? '';
  if (/\bno-(store|cache)\b/i.test(cacheControl)) {
    return shortestAgeMs;
  }
  const seconds = /\bmax-age=(\d{1,9})/i.exec(cacheControl)?.[1];
  const ageMs = seconds === undefined ? defaultAgeMs : Number(seconds) * 1000;
  return Math.min(Math.max(ageMs, shortestAgeMs), longestAgeMs);
}
