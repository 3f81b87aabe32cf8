/** What a grant decided: for which client a token is issued, with which scopes, for which audience, for how long. */
import type { AuthorizationDetail } from '@postern/guard';
import type { Client } from '../clients/client.ts';

export interface Authorization {
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly ttlSeconds: number;
  /** Default: the client itself. */
  readonly subject?: string;
  /** In the token and in the token response. RFC 9396 §7 and §9.1. */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /** Additional claims of the token. RFC 8693 §4.1 and §4.4. */
  readonly claims?:
    | Readonly<Partial<Record<'resource' | 'act' | 'may_act' | 'parent_tokens' | 'name' | 'roles', unknown>>>
    | undefined;
  /** Additional members of the token response, such as `issued_token_type`. */
  readonly answer?: Readonly<Record<string, unknown>>;
  /** Additional members of the line in the log, such as the workload that sent the request. */
  readonly logged?: Readonly<Record<string, unknown>>;
}

/** The claim that names the only client that may act with the client's own tokens, if its metadata name one. RFC 8693 §4.4. */
export function mayActClaimOf({ metadata: { mayAct } }: Pick<Client, 'metadata'>): Authorization['claims'] {
  return mayAct === undefined ? undefined : { may_act: { sub: mayAct } };
}
