/** What followers of the revocation feed are told, and which change says it. docs/revocation-feed.md. */
import type { EventKind, LoggedEvent } from '../events/event.ts';

/** What events of a client carry as `status` where a change of it may end tokens, or bring them to life. */
export interface ClientStatusData {
  readonly enabled: boolean;
  readonly generation: number;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly authorization_details_types: readonly string[];
}

/** The state of a token or of a client, by its name on the wire. It takes the place of any earlier one. */
export type FeedEntry =
  | { readonly type: 'token'; readonly jti: string; readonly exp: number }
  | { readonly type: 'client'; readonly client_id: string; readonly active: false }
  | {
      readonly type: 'client';
      readonly client_id: string;
      readonly active: true;
      readonly gen: number;
      /** True for root, whose generation is no counter and whose tokens are limited by nothing else. */
      readonly gen_exact: boolean;
      readonly scopes?: readonly string[];
      readonly resources?: readonly string[];
      readonly authorization_details_types?: readonly string[];
    };

/** The kinds of event that can make an entry. */
export const feedKinds: readonly EventKind[] = [
  'token.revoked',
  'client.updated',
  'client.revoked',
  'client.deleted',
  'root.changed',
  'root.replaced',
];

/** Undefined for a change by which no token dies and none revives. */
export function feedEntryOf({
  kind,
  subject,
  data,
}: Pick<LoggedEvent, 'kind' | 'subject' | 'data'>): FeedEntry | undefined {
  switch (kind) {
    case 'token.revoked':
      return { type: 'token', jti: subject, exp: data['exp'] as number };
    case 'client.deleted':
    case 'root.replaced':
      return { type: 'client', client_id: subject, active: false };
    case 'root.changed':
      return {
        type: 'client',
        client_id: subject,
        active: true,
        gen: data['generation'] as number,
        gen_exact: true,
      };
    case 'client.updated':
    case 'client.revoked':
      return data['status'] === undefined ? undefined : clientEntry(subject, data['status'] as ClientStatusData);
    default:
      return undefined;
  }
}

function clientEntry(clientId: string, status: ClientStatusData): FeedEntry {
  const { enabled, generation, scopes, resources, authorization_details_types } = status;
  return enabled
    ? {
        type: 'client',
        client_id: clientId,
        active: true,
        gen: generation,
        gen_exact: false,
        scopes,
        resources,
        authorization_details_types,
      }
    : { type: 'client', client_id: clientId, active: false };
}
