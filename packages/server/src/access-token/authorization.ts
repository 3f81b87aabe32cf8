/** What a grant decided: for whom a token is issued, with which scopes, for which audience, for how long. */
import type { Client } from '../clients/client.ts';

export interface Authorization {
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly ttlSeconds: number;
}
