/** Events, and the chain of hashes through the event log. */
import { hash } from 'node:crypto';

/** All kinds of event, including those that hosted APIs append. */
export const eventKinds = [
  'client.created',
  'client.updated',
  'client.revoked',
  'client.deleted',
  'client_document.requested',
  'client_document.approved',
  'client_document.rejected',
  'client_document.changed',
  'client_policy.saved',
  'client_policy.deleted',
  'root.changed',
  'root.disabled',
  'root.replaced',
  'secret.created',
  'secret.rehashed',
  'secret.deleted',
  'token.revoked',
  'all_tokens.revoked',
  'role.saved',
  'role.deleted',
  'person.saved',
  'session.started',
  'session.ended',
  'history.lost',
  'scope.saved',
  'scope.deleted',
  'resource.saved',
  'resource.deleted',
  'issuer.saved',
  'issuer.deleted',
  'authorization_details_type.saved',
  'authorization_details_type.deleted',
  'initial_access_token.created',
  'initial_access_token.deleted',
  'registration_access_token.rotated',
  'registration_access_token.ended',
  'master_key.added',
  'master_key.removed',
  'key.created',
  'key.deleted',
  'key.revoked',
  'key.resumed',
  'stream.saved',
  'stream.paused',
  'stream.verification_requested',
  'stream.deleted',
  'policy.saved',
  'policy.deleted',
  'rule.saved',
  'rule.deleted',
  'rule_target.saved',
  'rule_target.deleted',
  'storage_config.saved',
  'storage_config.deleted',
] as const;

export type EventKind = (typeof eventKinds)[number];

/**
 * What happened. `data` is for the audit trail, which has its names as on the wire: never a secret, a digest or a token. In the log
 * it has the name of the person who made the change, if it was one, as `actor_name`.
 */
export interface EventDraft {
  readonly kind: EventKind;
  /** The id of what changed; for a secret or a registration access token, the id of its client. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An event of a change that is not committed yet, so that it has no place in the log. */
export interface PendingEvent extends EventDraft {
  /** Milliseconds since 1970. */
  readonly occurredAt: number;
  /** The client or person that made the change; `postern` for the server; `initial_access_token` if there was no client yet. */
  readonly actor: string;
}

export interface LoggedEvent extends PendingEvent {
  /** Counts from 1, without gaps, in the order in which changes were committed. */
  readonly sequence: number;
  readonly hash: string;
}

/** The end of the log. */
export interface LogHead {
  readonly sequence: number;
  /** The hash of the last event, or the id of an empty log. */
  readonly hash: string;
}

/** An event before its hash is known, with its data as the text that is stored. */
export interface EventText extends Pick<LoggedEvent, 'sequence' | 'occurredAt' | 'actor' | 'kind' | 'subject'> {
  readonly data: string;
}

/** The longest member of `data`, as characters of JSON, that is kept. */
const longestMember = 16_384;

/**
 * The text of `data` that is stored. A member that is longer than the audit trail needs is replaced by its length, except
 * `status`, which nodes and APIs follow.
 */
export function dataText(data: EventDraft['data']): string {
  const members = Object.entries(data).map(([name, value]) => {
    const characters = JSON.stringify(value)?.length ?? 0;
    return [name, name === 'status' || characters <= longestMember ? value : { omitted_characters: characters }];
  });
  return JSON.stringify(Object.fromEntries(members));
}

/**
 * The hash of an event after the one whose hash is `previous`: SHA-256, base64url. To change, delete or insert a row is to
 * change every hash after it.
 */
export function hashEvent(previous: string, { sequence, occurredAt, actor, kind, subject, data }: EventText): string {
  const text = JSON.stringify([previous, sequence, new Date(occurredAt).toISOString(), actor, kind, subject, data]);
  // In one call, which takes half as long as three.
  return hash('sha256', text, 'base64url');
}

/** Returns the MAC of the hash of an event, base64url, which takes the master key. */
export type MacEvent = (hash: string) => string;

export function createMacEvent(masterKey: { digest(purpose: 'events', text: string): Buffer }): MacEvent {
  return (hash) => masterKey.digest('events', hash).toString('base64url');
}

/** The generation that an event tells, other than that of root, which is no counter; 0 if it tells none. */
export function generationIn({ kind, data }: Pick<LoggedEvent, 'kind' | 'data'>): number {
  const { generation } = (data['status'] as typeof data | undefined) ?? data;
  return typeof generation === 'number' && !kind.startsWith('root.') ? generation : 0;
}
