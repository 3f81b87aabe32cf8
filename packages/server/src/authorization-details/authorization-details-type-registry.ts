/** The registered types of authorization details in memory, and their changes. RFC 9396 §2.1. */
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import {
  type AuthorizationDetailsType,
  deleteDetailsType,
  loadDetailsTypes,
  saveDetailsType,
} from './authorization-details-type-store.ts';
import { compileDetailsSchema, type FindElementFault } from './details-schema.ts';

export interface AuthorizationDetailsTypeRegistry {
  /** All, by name. */
  list(): readonly AuthorizationDetailsType[];
  /** Throws `not_found`. */
  get(type: string): AuthorizationDetailsType;
  has(type: string): boolean;
  /** Finds the check of elements of the type, or undefined if no type has that name. */
  findCheck(type: string): FindElementFault | undefined;
  /** Creates it, or changes the one with that name. Throws `invalid_parameter` for a schema that is not allowed. */
  save(token: AccessToken, type: AuthorizationDetailsType): Promise<void>;
  /** Throws `not_found`. */
  remove(token: AccessToken, type: string): Promise<void>;
}

export async function openAuthorizationDetailsTypeRegistry(
  db: Kysely<Database>,
  events: EventLog,
): Promise<AuthorizationDetailsTypeRegistry> {
  const types = new Map<string, AuthorizationDetailsType>();
  /** Compiled when they are first needed. */
  const checks = new Map<string, FindElementFault>();

  const reload = async () => {
    const loaded = await loadDetailsTypes(db);
    types.clear();
    checks.clear();
    for (const one of loaded) {
      types.set(one.type, one);
    }
  };
  await reload();
  events.follow(async ({ kind }) => {
    if (kind.startsWith('authorization_details_type.')) {
      await reload();
    }
  }, reload);

  const unknown = (type: string) =>
    new OAuthError('not_found', `There is no authorization details type ${showName(type)}.`);

  return {
    list: () => [...types.values()],
    get(type) {
      const found = types.get(type);
      if (found === undefined) {
        throw unknown(type);
      }
      return found;
    },
    has: (type) => types.has(type),
    findCheck(type) {
      const found = types.get(type);
      if (found === undefined) {
        return undefined;
      }
      const check = checks.get(type) ?? compileDetailsSchema(found.schema);
      checks.set(type, check);
      return check;
    },
    async save(token, saved) {
      compileDetailsSchema(saved.schema);
      await events.change(token, async (transaction, append) => {
        const before = (await loadDetailsTypes(transaction)).find(({ type }) => type === saved.type);
        const event = { kind: 'authorization_details_type.saved', subject: saved.type, data: { ...saved } } as const;
        if (isDeepStrictEqual(before, saved)) {
          await append.unchanged(event);
          return;
        }
        await saveDetailsType(transaction, saved);
        await append(event);
      });
    },
    async remove(token, type) {
      await events.change(token, async (transaction, append) => {
        if (!(await loadDetailsTypes(transaction)).some((one) => one.type === type)) {
          throw unknown(type);
        }
        await deleteDetailsType(transaction, type);
        await append({ kind: 'authorization_details_type.deleted', subject: type, data: {} });
      });
    },
  };
}
