/** Which events end the validity of something, so that an older backup makes it valid again. Pure. */
import type { EventKind, LoggedEvent } from '../events/event.ts';

export interface EndOfLife {
  readonly event: LoggedEvent;
  /** A sentence without its full stop. */
  readonly text: string;
}

type Describe = (event: LoggedEvent, now: number) => string | undefined;

const deleted =
  (noun: string): Describe =>
  (event) =>
    `the ${noun} ${event.subject} was deleted`;

/** By kind, what ended. Undefined: nothing did. */
const descriptions: Partial<Record<EventKind, Describe>> = {
  'token.revoked': ({ subject, data }, now) =>
    Number(data['exp']) * 1000 > now
      ? `the token ${subject}${data['client_id'] === undefined ? '' : ` of the client ${data['client_id']}`} was revoked`
      : undefined,
  'session.ended': ({ subject, data }) => `the session ${subject} of the client ${data['client_id']} was ended`,
  'all_tokens.revoked': () => 'all tokens that had been issued until then were revoked',
  'client.updated': ({ subject, data }) => {
    const members = Object.keys(data).filter((name) => name !== 'status');
    return data['enabled'] === false
      ? `the client ${subject} was disabled`
      : `the client ${subject} was changed (${members.join(', ')})`;
  },
  'client.revoked': ({ subject }) => `all tokens of the client ${subject} were revoked`,
  'client.deleted': deleted('client'),
  'client.created': ({ subject, data }) =>
    data['initial_access_token_id'] === undefined
      ? undefined
      : `the initial access token ${data['initial_access_token_id']} was used once, for the client ${subject}`,
  'client_policy.saved': ({ subject }) => `the client policy ${subject} was changed`,
  'root.disabled': ({ subject }) => `the root client ${subject} was disabled`,
  'root.replaced': ({ subject }) => `the root client ${subject} was replaced by another one`,
  'secret.created': ({ subject, data }) =>
    data['overlap_seconds'] === undefined
      ? undefined
      : `the older secrets of the client ${subject} were replaced, and expire ${data['overlap_seconds']} s later`,
  'secret.deleted': ({ subject, data }) => `the secret ${data['secret_id']} of the client ${subject} was deleted`,
  'scope.deleted': deleted('scope'),
  'role.saved': ({ subject }) => `the role ${subject} was changed`,
  'role.deleted': deleted('role'),
  'person.saved': ({ subject, data }) =>
    `the person ${data['name']} (${subject}) signed in, and had ${data['role'] === null ? 'no role' : `the role ${data['role']}`} since`,
  'resource.saved': ({ subject }) => `the resource ${subject} was changed`,
  'resource.deleted': deleted('resource'),
  'issuer.saved': ({ subject }) => `the trusted issuer ${subject} was changed`,
  'issuer.deleted': deleted('trusted issuer'),
  'authorization_details_type.deleted': deleted('type of authorization details'),
  'initial_access_token.deleted': deleted('initial access token'),
  'registration_access_token.rotated': ({ subject }) =>
    `the registration access token of the client ${subject} was replaced`,
  'registration_access_token.ended': ({ subject }) =>
    `the registration access token of the client ${subject} was ended`,
  'key.revoked': ({ subject }) => `the signing key ${subject} was revoked`,
  'key.deleted': deleted('signing key'),
  'stream.deleted': deleted('event stream'),
  'policy.deleted': deleted('policy'),
  'rule.deleted': deleted('rule'),
  'rule_target.deleted': deleted('rule target'),
  'storage_config.deleted': deleted('storage destination'),
};

/** Lists what ended by the events, in their order. */
export function findEndsOfLife(events: readonly LoggedEvent[], now: number): EndOfLife[] {
  return events.flatMap((event) => {
    const text = descriptions[event.kind]?.(event, now);
    return text === undefined ? [] : [{ event, text }];
  });
}
