/** What a grant decided: for whom a token is issued, with which scopes, for which audience, for how long. */
import type { Confirmation } from '@postern/guard';
import type { Client } from '../clients/client.ts';

export interface Authorization {
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly ttlSeconds: number;
  /** What the token is bound to; undefined for a plain bearer token. */
  readonly confirmation?: Confirmation | undefined;
}
