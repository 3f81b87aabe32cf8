/** Who acts on whose behalf: the claim `act`. RFC 8693 §4.1. */
import { OAuthError } from '@postern/protocol';

export interface Actor {
  readonly sub: string;
  /** Who acted before. */
  readonly act?: Actor;
}

/** Actors nested in `act`. */
export const maxActors = 4;

/** Throws `invalid_request` if more actors than a token may carry would act on behalf of one another. */
export function describeActor(clientId: string, previous: Actor | undefined): Actor {
  const act = { sub: clientId, ...(previous && { act: previous }) };
  let count = 0;
  for (let actor: Actor | undefined = act; actor !== undefined; actor = actor.act) {
    count += 1;
  }
  if (count > maxActors) {
    throw new OAuthError('invalid_request', `The act claim would name more than ${maxActors} actors.`);
  }
  return act;
}
