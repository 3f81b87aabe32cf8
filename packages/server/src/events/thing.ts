/** What an event is about. A thing has a version: the hash of the last event about it. */
import type { EventDraft } from './event.ts';

/** Events of these kinds change nothing that a caller could overwrite. */
const aboutNothing: ReadonlySet<string> = new Set(['token', 'session', 'root', 'registration_access_token']);

/**
 * `data` has its names as on the wire. Returns the kind of a thing and its id, such as `client:billing`. What belongs to a thing and is changed with it has no
 * version of its own: the secrets of a client, the rules and targets of a policy. The signing keys are one thing, `key`,
 * since to create one is to end another. Returns undefined for an event that changes no thing.
 */
export function thingOf({ kind, subject, data }: EventDraft): string | undefined {
  const [family = ''] = kind.split('.');
  if (aboutNothing.has(family)) {
    return undefined;
  }
  switch (family) {
    case 'key':
      return 'key';
    case 'secret':
      return `client:${subject}`;
    case 'rule':
    case 'rule_target':
      return `policy:${data['policy_key']}`;
    default:
      return `${family}:${subject}`;
  }
}

/** Returns the kind of a thing, such as `client`. */
export function kindOfThing(thing: string): string {
  return thing.split(':', 1)[0] ?? thing;
}

/** Whether the event deletes the thing, and not only what belongs to it. */
export function isDeletion(thing: string, eventKind: string): boolean {
  return thing.includes(':') && eventKind === `${kindOfThing(thing)}.deleted`;
}
