/**
 * Public keys of third parties that are not weak, found by the header of a JWT: given by value, or fetched and kept. RFC 7517 §5.
 *
 * Whether a key that is not known belongs to a third party whose keys cannot be fetched, nobody can tell: that is an error of
 * its own, and not the answer no.
 */
import { createKeptDocument } from '@postern/guard';
import { requirePublicKey } from '@postern/guard/node';
import { OAuthError } from '@postern/protocol';
import { type CompactVerifyGetKey, createLocalJWKSet, errors, type JSONWebKeySet, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';

export interface KeySet {
  /**
   * Finds the key that the header of a JWT names. Rejects with an error of jose if there is none or more than one, and with
   * `temporarily_unavailable` if there may be one among keys that cannot be fetched.
   */
  readonly getKey: CompactVerifyGetKey;
  /** Whether a key matches. Rejects with `temporarily_unavailable` if one may that cannot be fetched. */
  has(matches: (jwk: JWK) => boolean): Promise<boolean>;
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

/** Keys given by value, each set compiled once. */
export function createGivenKeys(): (jwks: object) => KeySet {
  const compiled = new WeakMap<object, KeySet>();
  return (jwks) => {
    const known = compiled.get(jwks);
    if (known !== undefined) {
      return known;
    }
    const { keys } = withoutUnfit(jwks);
    const given: KeySet = {
      getKey: createLocalJWKSet({ keys }),
      has: async (matches) => keys.some(matches),
      requireCurrent() {},
    };
    compiled.set(jwks, given);
    return given;
  };
}

/** Keys in the JWK set that `load` fetches from an address. Callers that wait for the same document share one `load`. */
export function createFetchedKeys(
  load: (address: string) => Promise<Response>,
  options: FetchedKeysOptions,
): (address: string) => KeySet {
  const documents = new LRUCache<string, KeySet>({ max: maxDocuments });
  return (address) => {
    const keys = documents.get(address) ?? keysAt(address, load, options);
    documents.set(address, keys);
    return keys;
  };
}

function keysAt(
  address: string,
  load: (address: string) => Promise<Response>,
  { now, onFault }: FetchedKeysOptions,
): KeySet {
  const document = createKeptDocument({
    async load() {
      const jwks = withoutUnfit(await (await load(address)).json());
      if (document.fault() !== undefined) {
        onFault(address, undefined);
      }
      return { value: { keys: jwks.keys, getKey: createLocalJWKSet(jwks) }, maxAgeMs };
    },
    now,
    onFault: (fault) => onFault(address, fault),
  });
  type Keys = NonNullable<ReturnType<typeof document.current>>;

  const requireCurrent = () => {
    const fault = document.fault();
    if (fault !== undefined) {
      throw new OAuthError(
        'temporarily_unavailable',
        'The public keys that verify this request cannot be fetched at the moment: retry later.',
        { reason: 'keys_unavailable', cause: new Error(`Cannot fetch the keys at ${address}: ${fault.message}`) },
      );
    }
  };

  /** What `find` returns for the known keys, or else for those that are fetched then. */
  const search = async <R>(find: (keys: Keys) => Promise<R | undefined>): Promise<R | undefined> => {
    if (!document.isFresh()) {
      const refreshed = document.refresh();
      // While the address is down, whoever needs a key that is known does not wait for it.
      if (document.fault() === undefined || document.current() === undefined) {
        await refreshed;
      }
    }
    const inCurrent = async () => {
      const keys = document.current();
      return keys && (await find(keys));
    };
    const found = await inCurrent();
    if (found !== undefined) {
      return found;
    }
    await document.refresh();
    const foundLater = await inCurrent();
    if (foundLater === undefined) {
      requireCurrent();
    }
    return foundLater;
  };

  return {
    async getKey(header, token) {
      const key = await search(async (keys) => {
        try {
          return await keys.getKey(header, token);
        } catch (error) {
          if (error instanceof errors.JWKSNoMatchingKey) {
            return undefined;
          }
          throw error;
        }
      });
      if (key === undefined) {
        throw new errors.JWKSNoMatchingKey();
      }
      return key;
    },
    has: async (matches) => (await search(async ({ keys }) => keys.some(matches) || undefined)) === true,
    requireCurrent,
  };
}

/** At most this many keys are tried for one JWT. */
const maxKeys = 100;

/**
 * RFC 7517 §5: keys that are not understood are ignored, and so are those that `requirePublicKey` does not accept. Throws if
 * the document is not a JWK set, or has too many keys.
 */
function withoutUnfit(document: unknown): JSONWebKeySet {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > maxKeys) {
    throw new Error(`the document is not a JWK set of at most ${maxKeys} keys`);
  }
  return { keys: keys.filter(isFit) };
}

function isFit(jwk: unknown): boolean {
  try {
    requirePublicKey(jwk);
    return true;
  } catch {
    return false;
  }
}
