/** The entries of the revocation feed, and the events that they are made from. docs/revocation-feed.md. */
import { feedKeyUse, fromWireNames } from '@postern/protocol';
import type { EventKind, LoggedEvent } from '../events/event.ts';

/** The `status` in events of a client, if the change may revoke tokens or make them valid again. */
export interface ClientStatusData {
  readonly enabled: boolean;
  readonly generation: number;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly authorizationDetailsTypes: readonly string[];
}

/** A revoked token, or a session that has ended. */
export interface TokenFeedEntry {
  readonly type: 'token';
  readonly jti: string;
  readonly exp: number;
  /** Client and generation of the token. Missing for tokens of root, which no entry about root revokes for good. */
  readonly clientId?: string;
  readonly gen?: number;
}

export type ClientFeedEntry =
  | { readonly type: 'client'; readonly clientId: string; readonly active: false }
  | {
      readonly type: 'client';
      readonly clientId: string;
      readonly active: true;
      readonly gen: number;
      /** True for root: its generation is not a counter, and nothing else limits its tokens. */
      readonly genExact: boolean;
      readonly scopes?: readonly string[];
      readonly resources?: readonly string[];
      readonly authorizationDetailsTypes?: readonly string[];
    };

/** Tokens of all clients with a smaller `gen` were revoked. */
export interface AllTokensFeedEntry {
  readonly type: 'all_tokens';
  readonly gen: number;
}

/**
 * The state of a token, of a client or of all tokens, or a signing key that was revoked. It replaces every earlier entry about
 * the same.
 */
export type FeedEntry =
  | TokenFeedEntry
  | ClientFeedEntry
  | AllTokensFeedEntry
  | { readonly type: 'signing_key'; readonly kid: string };

/** The kinds of event from which an entry can be made. */
export const feedKinds: readonly EventKind[] = [
  'token.revoked',
  'session.ended',
  'all_tokens.revoked',
  'key.revoked',
  'client.updated',
  'client.revoked',
  'client.deleted',
  'root.changed',
  'root.disabled',
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
    // The tokens of a session name it as their parent token.
    case 'session.ended':
      return {
        type: 'token',
        jti: subject,
        exp: data['exp'] as number,
        ...(data['gen'] !== undefined && { clientId: data['client_id'] as string, gen: data['gen'] as number }),
      };
    case 'all_tokens.revoked':
      return { type: 'all_tokens', gen: data['generation'] as number };
    case 'key.revoked':
      return { type: 'signing_key', kid: subject };
    case 'client.deleted':
    case 'root.disabled':
    case 'root.replaced':
      return { type: 'client', clientId: subject, active: false };
    case 'root.changed':
      return {
        type: 'client',
        clientId: subject,
        active: true,
        gen: data['generation'] as number,
        genExact: true,
      };
    case 'client.updated':
    case 'client.revoked':
      return data['status'] === undefined
        ? undefined
        : clientEntry(subject, fromWireNames(data['status'] as object) as ClientStatusData);
    default:
      return undefined;
  }
}

/** Whether it says that a key of the feed was revoked, which signs no tokens. */
export function isOfFeedKey({ kind, data }: Pick<LoggedEvent, 'kind' | 'data'>): boolean {
  return kind === 'key.revoked' && data['use'] === feedKeyUse;
}

function clientEntry(clientId: string, status: ClientStatusData): ClientFeedEntry {
  const { enabled, generation, scopes, resources, authorizationDetailsTypes } = status;
  return enabled
    ? {
        type: 'client',
        clientId,
        active: true,
        gen: generation,
        genExact: false,
        scopes,
        resources,
        authorizationDetailsTypes,
      }
    : { type: 'client', clientId, active: false };
}

/** Seconds for which a node that starts still reads revoked tokens after they expired, since clocks differ. */
const startSlackSeconds = 86_400;

/** Returns the time, in seconds since 1970: a node that starts needs no tokens that expired until then. `nowMs`: see `findLeastTime`. */
export function neededSince(nowMs: number): number {
  return Math.floor(nowMs / 1000) - startSlackSeconds;
}
