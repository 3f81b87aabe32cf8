/** The registered types of authorization details in memory, and their changes. RFC 9396 §2.1. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import { type FollowedThings, openFollowedThings } from '../events/followed-things.ts';
import { type AuthorizationDetailsType, detailsTypes } from './authorization-details-type-store.ts';
import { compileDetailsSchema, type FindElementFault } from './details-schema.ts';

/** A schema that is not allowed is an `invalid_parameter`. */
export interface AuthorizationDetailsTypeRegistry extends FollowedThings<AuthorizationDetailsType> {
  /** Finds the check of elements of the type, or undefined if no type has that name. */
  findCheck(type: string): FindElementFault | undefined;
}

export async function openAuthorizationDetailsTypeRegistry(
  db: Kysely<Database>,
  events: EventLog,
): Promise<AuthorizationDetailsTypeRegistry> {
  const types = await openFollowedThings({
    db,
    events,
    store: detailsTypes,
    kind: 'authorization_details_type',
    idMember: 'type',
    nouns: ['authorization details type', 'authorization details types'],
  });
  /** Compiled when they are first needed. */
  const checks = new WeakMap<AuthorizationDetailsType, FindElementFault>();

  return {
    ...types,
    findCheck(type) {
      const found = types.find(type);
      if (found === undefined) {
        return undefined;
      }
      const check = checks.get(found) ?? compileDetailsSchema(found.schema);
      checks.set(found, check);
      return check;
    },
    async save(token, type) {
      compileDetailsSchema(type.schema);
      await types.save(token, type);
    },
  };
}
