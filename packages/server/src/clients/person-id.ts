/** Ids of people: the audit trail, tokens and delegation name a person as they name a client. */

const prefix = 'person:';

/** No client has such an id. */
export function isPersonId(id: string): boolean {
  return id.startsWith(prefix);
}

/** `random`: a text that is no other person's. */
export function newPersonId(random: string): string {
  return prefix + random;
}
