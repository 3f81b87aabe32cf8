/** Who makes a change, and the check, inside its transaction, that it still may. */
import type { AccessToken } from '@postern/guard';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { RepeatableCall } from './kept-answers.ts';
import type { Precondition } from './precondition.ts';

/** The server itself, as the audit trail names it. */
export const serverActor = 'postern';

/** Somebody who has a credential other than an access token. */
export interface CredentialHolder<C> {
  /** How the audit trail names it. */
  readonly name: string;
  /** The name of a person, who has an id too. */
  readonly displayName?: string | undefined;
  /**
   * Checks the credential by what the transaction sees, and throws if it is no longer valid. Whatever it returns is
   * passed on to the change.
   */
  readonly authenticate: (transaction: Kysely<Database>) => Promise<C>;
  readonly precondition?: Precondition | undefined;
}

/** Who makes a call: the holder of an access token, with what the call requires of the thing that it changes. */
export interface Caller extends AccessToken {
  readonly precondition?: Precondition | undefined;
  /** If the caller may send the call again. */
  readonly call?: RepeatableCall | undefined;
}

export type Actor<C = unknown> = Caller | CredentialHolder<C> | typeof serverActor;

export function preconditionOf(actor: Actor): Precondition | undefined {
  return typeof actor === 'object' ? actor.precondition : undefined;
}

/** Throws `invalid_token` if the token is no longer active by what the transaction sees. */
export type RequireActive = (transaction: Kysely<Database>, token: AccessToken) => Promise<void>;

/**
 * Checks the actor again, since its client may have been deleted, disabled or narrowed while the change waited for
 * others. Returns its name, and what its credential authenticated. Throws as `requireActive` and `authenticate` do.
 */
export async function recheckActor<C>(
  transaction: Kysely<Database>,
  actor: Actor<C>,
  requireActive: RequireActive,
): Promise<{ readonly name: string; readonly displayName: string | undefined; readonly authenticated: C }> {
  if (typeof actor === 'object' && 'authenticate' in actor) {
    const { name, displayName } = actor;
    return { name, displayName, authenticated: await actor.authenticate(transaction) };
  }
  // Only work for the holder of a credential can ask for what that authenticated.
  const authenticated = undefined as C;
  if (actor === serverActor) {
    return { name: actor, displayName: undefined, authenticated };
  }
  await requireActive(transaction, actor);
  const { name } = actor.claims;
  return { name: actor.clientId, displayName: typeof name === 'string' ? name : undefined, authenticated };
}
