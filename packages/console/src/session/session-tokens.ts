/** Where the calls of a session get their access token from, and what a rejected one means. */
import { type AcquiredToken, acquireSessionToken, hasEnded } from './server-session.ts';

export interface SessionTokens {
  /** Returns a token that is not about to expire. Throws `AdminError`. */
  get(): Promise<string>;
  /** Returns another token than the rejected one; undefined if the session has ended. Throws `AdminError`. */
  renew(rejected: string): Promise<string | undefined>;
}

/** Whether somebody has used the page since the last token. */
let isUsed = true;
for (const kind of ['pointerdown', 'keydown']) {
  document.addEventListener(kind, () => {
    isUsed = true;
  });
}

/** Milliseconds before its expiry from which a token is not sent any more. */
const marginMs = 20_000;

/** The token that somebody pasted: there is no other. */
export function pastedToken(token: string): SessionTokens {
  return { get: async () => token, renew: async () => undefined };
}

/**
 * The tokens of the session in the cookie. Calls `onRenewed` with each new one. A page that only reads again and again does not keep
 * the session alive: somebody must press a key or a button.
 */
export function cookieTokens(onRenewed: (token: AcquiredToken) => void): SessionTokens {
  let current: AcquiredToken | undefined;
  let pending: Promise<AcquiredToken> | undefined;

  const acquire = async () => {
    const wasUsed = isUsed;
    isUsed = false;
    try {
      current = await acquireSessionToken(wasUsed);
    } catch (error) {
      isUsed ||= wasUsed;
      throw error;
    }
    onRenewed(current);
    return current;
  };
  /** Calls at the same time share one request. */
  const acquireOnce = () => {
    pending ??= acquire().finally(() => {
      pending = undefined;
    });
    return pending;
  };

  return {
    async get() {
      const isFresh = current !== undefined && current.validUntil - marginMs > performance.now();
      return (isFresh && current !== undefined ? current : await acquireOnce()).accessToken;
    },
    async renew(rejected) {
      if (current !== undefined && current.accessToken !== rejected) {
        return current.accessToken;
      }
      try {
        return (await acquireOnce()).accessToken;
      } catch (error) {
        if (hasEnded(error)) {
          return undefined;
        }
        throw error;
      }
    },
  };
}
