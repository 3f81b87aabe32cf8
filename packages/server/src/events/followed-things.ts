/** Things of a kind of which there are few: every node has all of them in memory, and reads them again after each change. */
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { ThingStore } from '../db/thing-store.ts';
import type { EventLog } from './event-log.ts';

/** Throws unless the token may make the change. `before` or `after` is undefined for a thing that is created or deleted. */
export type RequireAllowed<Thing> = (
  transaction: Transaction<Database>,
  token: AccessToken,
  before: Thing | undefined,
  after: Thing | undefined,
) => Promise<void>;

export interface FollowedThings<Thing> {
  /** All, in the order of their ids. */
  list(): readonly Thing[];
  find(id: string): Thing | undefined;
  /** Throws `not_found`. */
  get(id: string): Thing;
  /** Creates it, or changes the one with its id. Throws what the rules of the kind throw, and `conflict` if there are too many. */
  save(token: AccessToken, thing: Thing): Promise<void>;
  /** Throws `not_found`, and what the rules of the kind throw. */
  remove(token: AccessToken, id: string): Promise<void>;
}

export interface FollowedThingsOptions<Thing> {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly store: ThingStore<Thing>;
  /** What the names of its events begin with. */
  readonly kind: 'role' | 'client_policy' | 'authorization_details_type';
  readonly idMember: keyof Thing & string;
  /** What one is called in a sentence, and several. */
  readonly nouns: readonly [one: string, several: string];
  /** Default: any number. */
  readonly most?: number;
  readonly requireAllowed?: RequireAllowed<Thing>;
}

export async function openFollowedThings<Thing extends object>({
  db,
  events,
  store,
  kind,
  idMember,
  nouns: [noun, several],
  most = Number.POSITIVE_INFINITY,
  requireAllowed,
}: FollowedThingsOptions<Thing>): Promise<FollowedThings<Thing>> {
  let all: readonly Thing[] = [];
  let byId: ReadonlyMap<unknown, Thing> = new Map();
  const reload = async () => {
    all = await store.load(db);
    byId = new Map(all.map((thing) => [thing[idMember], thing]));
  };
  await reload();
  events.follow(async (event) => {
    if (event.kind.startsWith(`${kind}.`)) {
      await reload();
    }
  }, reload);
  const requireFound = (id: string, thing: Thing | undefined): Thing => {
    if (thing === undefined) {
      throw new OAuthError('not_found', `There is no ${noun} ${showName(id)}.`);
    }
    return thing;
  };

  return {
    list: () => all,
    find: (id) => byId.get(id),
    get: (id) => requireFound(id, byId.get(id)),
    async save(token, thing) {
      await events.change(token, async (transaction, append) => {
        const { [idMember]: id, ...data } = thing;
        const before = await store.find(transaction, String(id));
        await requireAllowed?.(transaction, token, before, thing);
        const event = { kind: `${kind}.saved`, subject: String(id), data } as const;
        if (isDeepStrictEqual(before, thing)) {
          await append.unchanged(event);
          return;
        }
        if (before === undefined && (await store.load(transaction)).length >= most) {
          throw new OAuthError('conflict', `There are ${most} ${several} already: delete one first.`);
        }
        await store.save(transaction, thing);
        await append(event);
      });
    },
    async remove(token, id) {
      await events.change(token, async (transaction, append) => {
        const before = requireFound(id, await store.find(transaction, id));
        await requireAllowed?.(transaction, token, before, undefined);
        await store.delete(transaction, id);
        await append({ kind: `${kind}.deleted`, subject: id, data: {} });
      });
    },
  };
}
