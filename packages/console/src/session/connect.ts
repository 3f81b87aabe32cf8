/** Calls of the server with a token. The console uses the same public API as every other client. */
import { type AdminClient, createAdminClient } from '@postern/admin';
import { serverRoot } from '../api/address.ts';
import { hasEnded } from './server-session.ts';
import type { SessionTokens } from './session-tokens.ts';

/** Sends a token with every call. Calls `onEnded` when the server rejects it, and there is no other. */
export function connect(tokens: SessionTokens, onEnded: () => void): AdminClient {
  return createAdminClient({
    server: serverRoot,
    async fetch(url, init) {
      const send = (token: string) =>
        fetch(url, {
          ...init,
          headers: { ...init.headers, authorization: `Bearer ${token}` },
          cache: 'no-store',
          credentials: 'omit',
          redirect: 'error',
        });
      const token = await getToken(tokens, onEnded);
      const response = await send(token);
      if (response.status !== 401) {
        return response;
      }
      // A call that was rejected has changed nothing. The rights of the session may have changed, or it has ended.
      const other = await tokens.renew(token);
      const second = other === undefined ? response : await send(other);
      if (second.status === 401) {
        onEnded();
      }
      return second;
    },
  });
}

async function getToken(tokens: SessionTokens, onEnded: () => void): Promise<string> {
  try {
    return await tokens.get();
  } catch (error) {
    if (hasEnded(error)) {
      onEnded();
    }
    throw error;
  }
}
