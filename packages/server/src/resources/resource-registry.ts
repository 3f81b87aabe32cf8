/** The registered resources in memory, and their changes. */
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken, SigningAlgorithm } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely, Transaction } from 'kysely';
import { findClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import type { FindDelegate } from '../delegation/delegate.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Resource, requireIdentifier } from './resource.ts';
import { storedResources } from './resource-store.ts';

export interface ResourceRegistry {
  /** All, by key. */
  list(): readonly Resource[];
  /** Throws `not_found`. */
  get(key: string): Resource;
  findByKey(key: string): Resource | undefined;
  findByIdentifier(identifier: string): Resource | undefined;
  /** The algorithms that a resource requires. */
  algorithms(): readonly SigningAlgorithm[];
  /**
   * Creates it, or changes the one with that key. Throws `invalid_parameter`, `conflict` for a taken identifier, and
   * `access_denied` if a client outside the reach of the token would begin or cease to act for it.
   */
  save(token: AccessToken, resource: Resource): Promise<void>;
  /** Throws `not_found`, and `access_denied` if a client outside the reach of the token acts for it. */
  remove(token: AccessToken, key: string): Promise<void>;
}

export interface ResourceRegistryOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly issuer: string;
  readonly findDelegate: FindDelegate;
}

export async function openResourceRegistry(options: ResourceRegistryOptions): Promise<ResourceRegistry> {
  const { db, events, issuer, findDelegate } = options;
  const byKey = new Map<string, Resource>();
  const byIdentifier = new Map<string, Resource>();
  /** How many resources require each algorithm. */
  const uses = new Map<SigningAlgorithm, number>();
  let sorted: readonly Resource[] | undefined;

  const countUse = ({ signingAlg }: Resource, change: 1 | -1) => {
    if (signingAlg !== null) {
      uses.set(signingAlg, (uses.get(signingAlg) ?? 0) + change);
    }
  };
  const forget = (key: string) => {
    const known = byKey.get(key);
    if (known !== undefined) {
      byKey.delete(key);
      // Another resource may have the identifier by now.
      if (byIdentifier.get(known.identifier) === known) {
        byIdentifier.delete(known.identifier);
      }
      countUse(known, -1);
      sorted = undefined;
    }
  };
  const know = (resource: Resource) => {
    forget(resource.key);
    byKey.set(resource.key, resource);
    byIdentifier.set(resource.identifier, resource);
    countUse(resource, 1);
    sorted = undefined;
  };
  const reload = async () => {
    const resources = await storedResources.load(db);
    byKey.clear();
    byIdentifier.clear();
    uses.clear();
    resources.forEach(know);
  };
  await reload();
  events.follow(async ({ kind, subject }) => {
    if (kind.startsWith('resource.')) {
      const resource = await storedResources.find(db, subject);
      if (resource === undefined) {
        forget(subject);
      } else {
        know(resource);
      }
    }
  }, reload);

  /** Throws `access_denied` unless the token may give all that these clients can do. */
  const requireMayTouch = async (
    transaction: Transaction<Database>,
    token: AccessToken,
    clientIds: ReadonlySet<string>,
  ) => {
    const delegate = await findDelegate(transaction, token);
    for (const clientId of clientIds) {
      const client = await findClient(transaction, clientId);
      if (client !== undefined) {
        await delegate.requireWithin(client);
      }
    }
  };

  const registry: ResourceRegistry = {
    list() {
      sorted ??= [...byKey.values()].toSorted((one, other) => (one.key < other.key ? -1 : 1));
      return sorted;
    },
    get: (key) => requireFound(key, byKey.get(key)),
    findByKey: (key) => byKey.get(key),
    findByIdentifier: (identifier) => byIdentifier.get(identifier),
    algorithms: () => [...uses].flatMap(([alg, number]) => (number > 0 ? alg : [])),
    async save(token, resource) {
      requireIdentifier(resource.identifier, issuer);
      await events.change(token, async (transaction, append) => {
        const taken = await storedResources.find(transaction, resource.identifier, 'identifier');
        if (taken !== undefined && taken.key !== resource.key) {
          throw new OAuthError('conflict', `identifier: the resource ${taken.key} has it already.`);
        }
        const before = await storedResources.find(transaction, resource.key);
        await requireMayTouch(transaction, token, clientsTouched(before, resource));
        const { key, ...data } = resource;
        const event = { kind: 'resource.saved', subject: key, data } as const;
        if (isDeepStrictEqual(before, resource)) {
          await append.unchanged(event);
          return;
        }
        await storedResources.save(transaction, resource);
        await append(event);
      });
    },
    async remove(token, key) {
      await events.change(token, async (transaction, append) => {
        // From the database: another node may have created it a moment ago.
        const resource = requireFound(key, await storedResources.find(transaction, key));
        await requireMayTouch(transaction, token, new Set(resource.introspectionClients));
        await storedResources.delete(transaction, key);
        await append({ kind: 'resource.deleted', subject: key, data: {} });
      });
    },
  };
  return registry;
}

/** Throws `not_found`. */
function requireFound(key: string, resource: Resource | undefined): Resource {
  if (resource === undefined) {
    throw new OAuthError('not_found', `There is no resource ${showName(key)}.`);
  }
  return resource;
}

/** The clients that begin or cease to act for a resource. */
function clientsTouched(before: Resource | undefined, after: Resource): ReadonlySet<string> {
  const named = new Set(after.introspectionClients);
  const namedBefore = new Set(before?.introspectionClients);
  return before?.identifier === after.identifier ? named.symmetricDifference(namedBefore) : named.union(namedBefore);
}

/** Throws `invalid_parameter` if the change names a resource that is not registered. */
export function requireRegistered(
  change: { readonly resources?: readonly string[] | null },
  resources: ResourceRegistry,
): void {
  const unknown = change.resources?.find((identifier) => resources.findByIdentifier(identifier) === undefined);
  if (unknown !== undefined) {
    throw new OAuthError('invalid_parameter', `resources: there is no resource ${showName(unknown)}.`);
  }
}

/** Whether a client may learn that a token is active: its own, or one for a resource that it acts for. RFC 7662 §4. */
export function mayIntrospect(
  clientId: string,
  token: AccessToken,
  { findByIdentifier }: Pick<ResourceRegistry, 'findByIdentifier'>,
): boolean {
  return (
    token.clientId === clientId ||
    token.audience.some((one) => findByIdentifier(one)?.introspectionClients.includes(clientId))
  );
}
