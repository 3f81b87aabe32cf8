/** Tokens that are used until shortly before they expire, and asked for once however many want them. */
import type { Platform } from './platform.ts';
import type { IssuedToken } from './token-answer.ts';

export interface TokenCache {
  /** The token kept under `key`, or the one that `obtain` gets. A token that nears its end is replaced while it is still in use. */
  get(key: string, obtain: () => Promise<IssuedToken>): Promise<IssuedToken>;
  /**
   * Drops a token that an API refused, so that the next `get` obtains another one. False if the token under `key` was
   * replaced for such a refusal a moment ago: then another one would probably be refused too.
   */
  replace(key: string, refused: IssuedToken): boolean;
}

/** Kinds of tokens (scope and resource) that are kept; the one that was got longest ago goes first. */
const mostTokens = 100;

/** A token is not returned in its last seconds: it has to reach the API, whose clock may be ahead. */
const marginSeconds = 10;

/** An early replacement that failed is tried again after so long, in milliseconds. */
const earlyPauseMs = 30_000;

/** How long a token that replaced a refused one is not replaced itself, in milliseconds: doubles each time, up to the second. */
const firstReplacementPauseMs = 250;
const longestReplacementPauseMs = 10_000;

interface Replacement {
  readonly atMs: number;
  readonly pauseMs: number;
}

interface Entry {
  readonly token: IssuedToken;
  /** When to look for its successor, in milliseconds by the clock that never jumps. */
  renewAtMs: number;
  /** The time from which it is not returned, by the same. */
  readonly endsAtMs: number;
}

export function createTokenCache({
  now,
  monotonic,
  random,
}: Pick<Platform, 'now' | 'monotonic' | 'random'>): TokenCache {
  const entries = new Map<string, Entry>();
  const pending = new Map<string, Promise<IssuedToken>>();
  const replacements = new Map<string, Replacement>();

  const renew = (key: string, obtain: () => Promise<IssuedToken>): Promise<IssuedToken> => {
    const underWay = pending.get(key);
    if (underWay !== undefined) {
      return underWay;
    }
    const obtaining = obtain()
      .then((token) => {
        const lifeMs = Math.max(0, token.expiresAt * 1000 - now());
        keep(entries, key, entryOf(token, lifeMs, monotonic(), random()));
        return token;
      })
      .finally(() => pending.delete(key));
    pending.set(key, obtaining);
    return obtaining;
  };

  return {
    async get(key, obtain) {
      const entry = entries.get(key);
      if (entry === undefined || monotonic() >= entry.endsAtMs) {
        return renew(key, obtain);
      }
      if (monotonic() >= entry.renewAtMs) {
        entry.renewAtMs = monotonic() + earlyPauseMs;
        // What fails here fails for nobody: the present token is good, and the next one is tried for again.
        renew(key, obtain).catch(() => {});
      }
      return entry.token;
    },

    replace(key, refused) {
      if (entries.get(key)?.token === refused) {
        const last = replacements.get(key);
        const sinceMs = last === undefined ? Number.POSITIVE_INFINITY : monotonic() - last.atMs;
        if (last !== undefined && sinceMs < last.pauseMs) {
          return false;
        }
        const pauseMs =
          last === undefined || sinceMs >= 2 * longestReplacementPauseMs
            ? firstReplacementPauseMs
            : Math.min(2 * last.pauseMs, longestReplacementPauseMs);
        entries.delete(key);
        keep(replacements, key, { atMs: monotonic(), pauseMs });
      }
      return true;
    },
  };
}

/** The last tenth to fifth of its life is for finding the next one; at which moment is chance, so that not all clients come at once. */
function entryOf(token: IssuedToken, lifeMs: number, atMs: number, chance: number): Entry {
  return {
    token,
    renewAtMs: atMs + lifeMs * (0.8 + 0.1 * chance),
    endsAtMs: atMs + lifeMs - Math.min(marginSeconds * 1000, lifeMs / 10),
  };
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > mostTokens) {
    map.delete(map.keys().next().value as string);
  }
}
