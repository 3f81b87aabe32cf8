/** What the revocation feed has of one token and those behind it. */
import { type AccessToken, heldTokens } from '@postern/guard';
import type { RevocationFeed } from '@postern/server/admin-contract';
import type { ServerApi } from '../connection/server-api.ts';
import { startProgress } from '../output/progress.ts';
import type { RevocationFacts } from './check-standing.ts';

/** Reads the feed from its start to its end, and keeps what is about `token`. */
export async function readFeed(api: ServerApi, token: AccessToken): Promise<RevocationFacts> {
  const held = heldTokens(token);
  const revokedTokens = new Set<string>();
  const generations = new Map<string, { least: number; isExact: boolean } | 'ended'>();
  const progress = startProgress('entries of the revocation feed read');
  let cursor: string | undefined;
  let count = 0;
  for (;;) {
    const answer: RevocationFeed = await api.get('/api/v1/oauth/revocations', { cursor });
    if (answer.snapshot) {
      revokedTokens.clear();
      generations.clear();
    }
    for (const entry of answer.entries) {
      if (entry.type === 'token' && held.some(({ jti }) => jti === entry.jti)) {
        revokedTokens.add(entry.jti);
      } else if (entry.type === 'client' && held.some(({ clientId }) => clientId === entry.client_id)) {
        generations.set(entry.client_id, entry.active ? { least: entry.gen, isExact: entry.gen_exact } : 'ended');
      }
    }
    count += answer.entries.length;
    progress.report(count);
    if (!answer.more) {
      progress.end();
      return { revokedTokens, generations };
    }
    cursor = answer.cursor;
  }
}
