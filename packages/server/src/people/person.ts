/** A person who signed in at the identity provider, as a client that delegation, token status and the audit trail know. */
import { type Client, newClient } from '../clients/client.ts';
import { clientOfRole, type Role } from '../roles/role.ts';

export interface Person {
  /** For as long as the provider calls the person by the same subject. */
  readonly id: string;
  /** The provider. */
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly email: string | null;
  /** Null: the claims of the last sign-in gave none. */
  readonly role: string | null;
  /** Of sign-ins with a role. Milliseconds since 1970. */
  readonly firstSignedInAt: number;
  readonly lastSignedInAt: number;
}

/** What the provider says about a person. */
export type PersonClaims = Pick<Person, 'issuer' | 'subject' | 'name' | 'email'>;

/** Days for which a person is kept who does not sign in. Whoever comes back later is somebody else to the audit trail. */
export const personKeptDays = 400;

/** The person as a client with the scopes of their role: with none, none of their tokens is valid. */
export function clientOfPerson(person: Person, role: Role | undefined, generation: number): Client {
  const { id, name } = person;
  return role === undefined
    ? { ...newClient(id, 0), name, generation, enabled: false }
    : { ...clientOfRole(role, id), name, generation };
}
