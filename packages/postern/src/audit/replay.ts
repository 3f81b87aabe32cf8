/** Replays the audit trail: what there must be by its events, to compare with what there is. Pure. */
import type { AuditEvent } from '@postern/admin';
import type { JsonObject } from '../files/kinds/file-kind.ts';

/** By the prefix of the kinds of its events, the member of each kind of entry that has its id, which is the subject of its events. */
export const idMembers = {
  client: 'client_id',
  client_policy: 'name',
  scope: 'name',
  resource: 'key',
  issuer: 'key',
  authorization_details_type: 'type',
} as const;

type EntryKind = keyof typeof idMembers;

/** What entries there must be, by kind and id. */
export interface Replayed extends Readonly<Record<EntryKind, Map<string, JsonObject>>> {
  /** By client, the ids of its secrets. */
  readonly secrets: Map<string, Set<string>>;
  /** The signing keys that were created and neither deleted nor revoked. */
  readonly keys: Set<string>;
}

export function emptyReplay(): Replayed {
  const entries = Object.fromEntries(Object.keys(idMembers).map((kind) => [kind, new Map<string, JsonObject>()]));
  return { ...(entries as Pick<Replayed, EntryKind>), secrets: new Map(), keys: new Set() };
}

/** Applies an event, in the order of the trail. Events of other kinds change nothing. */
export function replay(state: Replayed, { kind, subject, data }: AuditEvent): void {
  const [prefix = '', what] = kind.split('.');
  if (prefix === 'secret') {
    const secrets = state.secrets.get(subject) ?? new Set();
    state.secrets.set(subject, secrets);
    secrets[what === 'created' ? 'add' : 'delete'](String(data['secret_id']));
  } else if (prefix === 'key') {
    state.keys[what === 'created' ? 'add' : 'delete'](subject);
  } else if (isEntryKind(prefix)) {
    const entries = state[prefix];
    if (what === 'deleted') {
      entries.delete(subject);
      if (prefix === 'client') {
        state.secrets.delete(subject);
      }
    } else if (what !== 'revoked') {
      const {
        status: _status,
        initial_access_token_id: _id,
        client_id: _clientId,
        actor_name: _name,
        ...members
      } = data;
      const before = what === 'updated' ? entries.get(subject) : {};
      entries.set(subject, { ...before, ...members, [idMembers[prefix]]: subject });
    }
  }
}

function isEntryKind(prefix: string): prefix is EntryKind {
  return prefix in idMembers;
}

/** Whether the trail has only the length of a value, because it is very long. */
export function isOmitted(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'omitted_characters' in value;
}
