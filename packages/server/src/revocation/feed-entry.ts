/** The entries of the revocation feed, and the events that they are made from. docs/revocation-feed.md. */
import type { EventKind, LoggedEvent } from '../events/event.ts';

/** The `status` in events of a client, if the change may revoke tokens or make them valid again. */
export interface ClientStatusData {
  readonly enabled: boolean;
  readonly generation: number;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly authorization_details_types: readonly string[];
}

/** The state of a token or of a client, as on the wire. It replaces every earlier entry about the same. */
export type FeedEntry =
  | { readonly type: 'token'; readonly jti: string; readonly exp: number }
  | { readonly type: 'client'; readonly client_id: string; readonly active: false }
  | {
      readonly type: 'client';
      readonly client_id: string;
      readonly active: true;
      readonly gen: number;
      /** True for root: its generation is not a counter, and nothing else limits its tokens. */
      readonly gen_exact: boolean;
      readonly scopes?: readonly string[];
      readonly resources?: readonly string[];
      readonly authorization_details_types?: readonly string[];
    };

/** The kinds of event from which an entry can be made. */
export const feedKinds: readonly EventKind[] = [
  'token.revoked',
  'client.updated',
  'client.revoked',
  'client.deleted',
  'root.changed',
  'root.replaced',
];

/** Returns undefined for an event that neither revokes tokens nor makes them valid again. */
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
