/**
 * Public keys of third parties that are not weak, found by the header of a JWT: given by value, or fetched and kept. RFC 7517 §5.
 *
 * Whether a key that is not known belongs to a third party whose keys cannot be fetched, nobody can tell: that is an error of
 * its own, and not the answer no.
 */
import type { KeyObject } from 'node:crypto';
import { createKeptDocument } from '@postern/guard';
import { requirePublicKey } from '@postern/guard/node';
import { OAuthError } from '@postern/protocol';
import { LRUCache } from 'lru-cache';
import { takesKey } from './third-party-algorithms.ts';

/** A key that is neither weak nor for another use, imported once. */
export interface PublishedKey {
  readonly key: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

export interface KeySet {
  /**
   * Returns the keys that match; none if there is none. Rejects with `temporarily_unavailable` if there may be one among
   * keys that cannot be fetched.
   */
  find(matches: (key: PublishedKey) => boolean): Promise<readonly PublishedKey[]>;
  /** Throws `temporarily_unavailable` if the keys are old, and newer ones cannot be fetched. */
  requireCurrent(): void;
}

/** Receives that keys could not be fetched from an address, and why; then, with undefined, that they could again. */
export type OnKeysFault = (address: string, fault: Error | undefined) => void;

export interface FetchedKeysOptions {
  /** Milliseconds by a clock that never jumps. */
  readonly now: () => number;
  readonly onFault: OnKeysFault;
}

/** At most this many documents are kept. */
const maxDocuments = 1_000;

/** Milliseconds for which a fetched document is fresh. */
const maxAgeMs = 300_000;
const leastMaxAgeMs = 30_000;

/** A SPIFFE bundle may ask to be fetched again sooner. SPIFFE Trust Domain and Bundle §4.1.2. */
function maxAgeOf(document: unknown): number {
  const { spiffe_refresh_hint: hint } = document as { spiffe_refresh_hint?: unknown };
  return typeof hint === 'number' ? Math.min(maxAgeMs, Math.max(leastMaxAgeMs, hint * 1_000)) : maxAgeMs;
}

/** Keys given by value, each set compiled once. */
export function createGivenKeys(): (jwks: object) => KeySet {
  const compiled = new WeakMap<object, KeySet>();
  return (jwks) => {
    const known = compiled.get(jwks);
    if (known !== undefined) {
      return known;
    }
    const keys = readKeys(jwks);
    const given: KeySet = { find: async (matches) => keys.filter(matches), requireCurrent() {} };
    compiled.set(jwks, given);
    return given;
  };
}

/** Keys in the JWK set that `load` fetches from an address. */
export function createFetchedKeys(
  load: (address: string) => Promise<Response>,
  options: FetchedKeysOptions,
): (address: string) => KeySet {
  return createKeptKeys(async (address) => {
    const fetched: unknown = await (await load(address)).json();
    return { value: { keys: readKeys(fetched) }, maxAgeMs: maxAgeOf(fetched) };
  }, options);
}

/** A document with keys. */
interface Keys {
  readonly keys: readonly PublishedKey[];
}

interface Fetched<T> {
  readonly value: T;
  /** Milliseconds for which it is fresh. */
  readonly maxAgeMs: number;
}

/** Keys, and the document in which they are. */
interface KeptKeys<T extends Keys> extends KeySet {
  /** The document as it is known; undefined if it has not been fetched, or that is too long ago. */
  current(): T | undefined;
}

/**
 * Keys in the documents that `load` fetches from addresses. Callers that wait for the same document share one `load`. If it
 * rejects with an `OAuthError`, the document says itself that its keys are good no longer: whoever needs one gets that error, and
 * for every other error the keys that are known stay good for a while.
 */
export function createKeptKeys<T extends Keys>(
  load: (address: string) => Promise<Fetched<T>>,
  options: FetchedKeysOptions,
): (address: string) => KeptKeys<T> {
  const documents = new LRUCache<string, KeptKeys<T>>({ max: maxDocuments });
  return (address) => {
    const keys = documents.get(address) ?? keysAt(address, load, options);
    documents.set(address, keys);
    return keys;
  };
}

function keysAt<T extends Keys>(
  address: string,
  load: (address: string) => Promise<Fetched<T>>,
  { now, onFault }: FetchedKeysOptions,
): KeptKeys<T> {
  const isRejection = (fault: unknown) => fault instanceof OAuthError;
  const isRejected = () => isRejection(document.fault());

  const recordAnswer = () => {
    if (document.fault() !== undefined && !isRejected()) {
      onFault(address, undefined);
    }
  };

  const document = createKeptDocument<T>({
    async load() {
      try {
        const fetched = await load(address);
        recordAnswer();
        return fetched;
      } catch (error) {
        if (isRejection(error)) {
          recordAnswer();
        }
        throw error;
      }
    },
    now,
    onFault(fault) {
      if (!isRejection(fault)) {
        onFault(address, fault);
      }
    },
  });

  const requireCurrent = () => {
    const fault = document.fault();
    if (fault instanceof OAuthError) {
      throw fault;
    }
    if (fault !== undefined) {
      throw new OAuthError(
        'temporarily_unavailable',
        'The public keys that verify this request cannot be fetched at the moment: retry later.',
        { reason: 'keys_unavailable', cause: new Error(`Cannot fetch the keys at ${address}: ${fault.message}`) },
      );
    }
  };

  return {
    async find(matches) {
      if (!document.isFresh() || isRejected()) {
        const refreshed = document.refresh();
        // While the address is down, whoever needs a key that is known does not wait for it.
        if (document.fault() === undefined || document.current() === undefined || isRejected()) {
          await refreshed;
        }
      }
      if (isRejected()) {
        requireCurrent();
      }
      const inCurrent = () => (document.current()?.keys ?? []).filter(matches);
      const known = inCurrent();
      if (known.length > 0) {
        return known;
      }
      await document.refresh();
      const fetched = inCurrent();
      if (fetched.length === 0) {
        requireCurrent();
      }
      return fetched;
    },
    requireCurrent,
    current: () => document.current(),
  };
}

/**
 * Whether the header of a JWT can mean the key: it has the type and curve of the algorithm, and its own `alg` and `kid` are
 * those of the header, as far as each has them. RFC 7517 §4.4 and §4.5, RFC 7515 §4.1.4.
 */
export function isMeantBy({ jwk }: PublishedKey, alg: string, kid: unknown): boolean {
  return (
    takesKey(alg, jwk) &&
    (jwk['alg'] === undefined || jwk['alg'] === alg) &&
    (kid === undefined || (typeof kid === 'string' && kid === jwk['kid']))
  );
}

/** At most this many keys are tried for one JWT. */
const maxKeys = 100;

/**
 * RFC 7517 §5: keys that are not understood are ignored, and so are those that `requirePublicKey` does not accept. Throws if
 * the document is not a JWK set, or has too many keys.
 */
function readKeys(document: unknown): readonly PublishedKey[] {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > maxKeys) {
    throw new Error(`the document is not a JWK set of at most ${maxKeys} keys`);
  }
  return keys.flatMap((jwk) => readKey(jwk) ?? []);
}

function readKey(jwk: unknown): PublishedKey | undefined {
  try {
    return { key: requirePublicKey(jwk), jwk: jwk as PublishedKey['jwk'] };
  } catch {
    return undefined;
  }
}
