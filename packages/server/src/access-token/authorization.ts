/** What a grant decided: for whom a token is issued, with which scopes, for which audience, for how long. */
import type { AuthorizationDetail } from '@postern/guard';
import type { Client } from '../clients/client.ts';

export interface Authorization {
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly ttlSeconds: number;
  /** Whom the token is about; by default the client itself. */
  readonly subject?: string;
  /** Rich authorization, in the token and in the answer. RFC 9396 §7 and §9.1. */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /** Further claims of the token. RFC 8693 §4.1 and §4.4. */
  readonly claims?: Readonly<Partial<Record<'act' | 'may_act' | 'parent_tokens', unknown>>>;
  /** Further members of the token answer, such as `issued_token_type`. */
  readonly answer?: Readonly<Record<string, unknown>>;
  /** Further members of the line in the log, such as which workload asked. */
  readonly logged?: Readonly<Record<string, unknown>>;
}
