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
): Promise<{ readonly name: string; readonly authenticated: C }> {
  if (typeof actor === 'object' && 'authenticate' in actor) {
    return { name: actor.name, authenticated: await actor.authenticate(transaction) };
  }
  if (actor !== serverActor) {
    await requireActive(transaction, actor);
  }
  // Only work for the holder of a credential can ask for what that authenticated.
  return { name: actor === serverActor ? actor : actor.clientId, authenticated: undefined as C };
}
