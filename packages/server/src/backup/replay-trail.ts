/**
 * Ends again what had ended after a backup, by the events of a shipped audit trail: revoked and deleted things, disabled and
 * narrowed clients, replaced credentials. It gives nobody anything: what was created or widened after the backup stays lost.
 */
import { isDeepStrictEqual } from 'node:util';
import { fromWireNames } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { commonNetworks, coverNetwork } from '../clients/allowed-networks.ts';
import { type Client, type ClientChange, changeClient } from '../clients/client.ts';
import { recordChange, recordDeletion } from '../clients/client-changes.ts';
import { clientMetadataMembers } from '../clients/client-metadata-schema.ts';
import { deleteSecret, listSecrets, setSecretExpiry } from '../clients/client-secret-store.ts';
import { findClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import type { EventKind, LoggedEvent } from '../events/event.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import { listEvents } from '../events/event-store.ts';
import type { TrustedIssuer } from '../issuers/trusted-issuer.ts';
import { deleteRulesFor, recordTrustedIssuer } from '../issuers/trusted-issuer-registry.ts';
import { trustedIssuers } from '../issuers/trusted-issuer-store.ts';
import { recordPerson } from '../people/people.ts';
import { findPerson } from '../people/person-store.ts';
import { useInitialAccessToken } from '../registration/initial-access-token-store.ts';
import { deleteRegistration } from '../registration/registration-store.ts';
import { type ClientStatusData, isOfFeedKey } from '../revocation/feed-entry.ts';
import { findGenerationFloor } from '../revocation/generation-floor-store.ts';
import { insertRevokedToken, unknownClient } from '../revocation/revoked-token-store.ts';
import { ownRoles } from '../roles/role-store.ts';
import { deleteOwnScope } from '../scopes/own-scope-store.ts';
import { type EndOfLife, findEndsOfLife } from './ends-of-life.ts';
import { deleteByKey, type KeyColumn } from './replay-store.ts';

export interface ReplayedEnd extends EndOfLife {
  /** Whether it ended again. False: it was not there, or only a person can decide what to do. */
  readonly isEnded: boolean;
}

export interface ReplayOptions {
  readonly log: EventLog;
  /** Of the table of each kind of thing, by the event that says that it was deleted. */
  readonly hostedTables: DeletedRows;
  /** The id of the root client, which the configuration decides about. */
  readonly rootClientId: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

type DeletedRows = Partial<Record<EventKind, KeyColumn>>;

const tables: DeletedRows = {
  'session.ended': ['sessions', 'id'],
  'role.deleted': ['roles', 'name'],
  'resource.deleted': ['resources', 'key'],
  'issuer.deleted': ['trusted_issuers', 'key'],
  'authorization_details_type.deleted': ['authorization_details_types', 'type'],
  'initial_access_token.deleted': ['initial_access_tokens', 'id'],
  'key.deleted': ['signing_keys', 'kid'],
};

/** Replays `events`, which are those after the backup, in one change. Returns what had ended, and whether it has again. */
export function replayTrail(
  events: readonly LoggedEvent[],
  { log, hostedTables, rootClientId, now }: ReplayOptions,
): Promise<ReplayedEnd[]> {
  const deletedRows = { ...tables, ...hostedTables };
  const statuses = lastStatuses(events);
  const changes = lastChanges(events);
  const latest = new Map(events.map((event) => [keyOf(event), event.data]));
  return log.change('postern', async (transaction, append) => {
    const ends: ReplayedEnd[] = [];
    for (const end of findEndsOfLife(events, now())) {
      const key = deletedRows[end.event.kind];
      const isEnded =
        key === undefined
          ? await (replays[end.event.kind]?.(
              { transaction, append, statuses, changes, latest, rootClientId, now: now() },
              end.event,
            ) ?? false)
          : await deleteByKey(transaction, key, end.event.subject);
      if (key !== undefined && isEnded) {
        await append(end.event);
      }
      ends.push({ ...end, isEnded });
    }
    return ends;
  });
}

interface Context {
  readonly transaction: Kysely<Database>;
  readonly append: Append;
  /** Of each client, the last status in the trail: what was disabled and enabled again stays enabled. */
  readonly statuses: ReadonlyMap<string, ClientStatusData>;
  /** Of each client, the last value of each member that was changed. */
  readonly changes: ReadonlyMap<string, LoggedEvent['data']>;
  /** Of each kind of event and subject, the last data in the trail. */
  readonly latest: ReadonlyMap<string, LoggedEvent['data']>;
  readonly rootClientId: string;
  readonly now: number;
}

const keyOf = ({ kind, subject }: LoggedEvent): string => `${kind} ${subject}`;

/** Returns whether anything ended. */
type Replay = (context: Context, event: LoggedEvent) => Promise<boolean>;

const replays: Partial<Record<EventKind, Replay>> = {
  async 'token.revoked'({ transaction, append }, event) {
    const isNew = await insertRevokedToken(transaction, {
      jti: event.subject,
      clientId: (event.data['client_id'] as string | undefined) ?? unknownClient,
      expiresAt: Number(event.data['exp']),
      generation: event.data['gen'] as number | undefined,
    });
    return isNew && appendAgain(append, event);
  },
  async 'all_tokens.revoked'({ transaction, append }, event) {
    return Number(event.data['generation']) > (await findGenerationFloor(transaction)) && appendAgain(append, event);
  },
  async 'key.revoked'({ transaction, append }, event) {
    const { kind, subject } = event;
    // The log alone says that a key of the feed was revoked.
    const isEnded = isOfFeedKey(event)
      ? (await listEvents(transaction, { kinds: [kind], subject, after: 0, order: 'asc', size: 1 })).length === 0
      : await deleteByKey(transaction, ['signing_keys', 'kid'], subject);
    return isEnded && appendAgain(append, event);
  },
  'client.updated': narrowClient,
  'client.revoked': narrowClient,
  async 'client.deleted'({ transaction, append }, { subject }) {
    const client = await findClient(transaction, subject);
    if (client === undefined) {
      return false;
    }
    await deleteRulesFor(transaction, append, subject);
    await recordDeletion(transaction, append, client);
    return true;
  },
  'client.created': ({ transaction }, { data }) =>
    useInitialAccessToken(transaction, String(data['initial_access_token_id'])),
  async 'root.disabled'({ append }, event) {
    return appendAgain(append, event);
  },
  async 'root.replaced'({ append, rootClientId }, event) {
    return event.subject !== rootClientId && appendAgain(append, event);
  },
  async 'scope.deleted'({ transaction, append }, event) {
    return (await deleteOwnScope(transaction, event.subject)) && appendAgain(append, event);
  },
  async 'secret.created'({ transaction }, { subject, occurredAt, data }) {
    const end = occurredAt + Number(data['overlap_seconds']) * 1000;
    const older = (await listSecrets(transaction, subject)).filter(({ expiresAt }) => (expiresAt ?? Infinity) > end);
    for (const { id } of older) {
      await setSecretExpiry(transaction, id, end);
    }
    return older.length > 0;
  },
  async 'secret.deleted'({ transaction, append }, event) {
    const secretId = String(event.data['secret_id']);
    if (!(await listSecrets(transaction, event.subject)).some(({ id }) => id === secretId)) {
      return false;
    }
    await deleteSecret(transaction, secretId);
    return appendAgain(append, event);
  },
  async 'issuer.saved'({ transaction, append }, { subject, data }) {
    const before = await trustedIssuers.find(transaction, subject);
    if (before === undefined) {
      return false;
    }
    const after = narrowIssuer(before, data);
    await recordTrustedIssuer(transaction, append, after);
    return !isDeepStrictEqual(before, after);
  },
  async 'person.saved'({ transaction, append, latest }, event) {
    const before = await findPerson(transaction, { id: event.subject });
    if (before === undefined || before.role === null || before.role === latest.get(keyOf(event))?.['role']) {
      return false;
    }
    // The next sign-in gives the role that their claims say then.
    await recordPerson(transaction, append, { ...before, role: null }, before);
    return true;
  },
  async 'role.saved'({ transaction, append, latest }, event) {
    const before = await ownRoles.find(transaction, event.subject);
    const later = latest.get(keyOf(event));
    if (before === undefined || later === undefined) {
      return false;
    }
    const after = {
      ...before,
      scopes: intersection(before.scopes, later['scopes']),
      grantableScopes:
        later['grantable_scopes'] === null
          ? before.grantableScopes
          : intersection(before.grantableScopes ?? (later['grantable_scopes'] as string[]), later['grantable_scopes']),
    };
    if (isDeepStrictEqual(before, after)) {
      return false;
    }
    const { name, ...members } = after;
    await ownRoles.save(transaction, after);
    await append({ kind: 'role.saved', subject: name, data: members });
    return true;
  },
  'registration_access_token.rotated': endRegistration,
  'registration_access_token.ended': endRegistration,
};

/** A list that the trail omits for its length has nothing in common with any. */
function intersection(before: readonly string[], later: unknown): string[] {
  const kept: readonly unknown[] = Array.isArray(later) ? later : [];
  return before.filter((one) => kept.includes(one));
}

async function appendAgain(append: Append, { kind, subject, data }: LoggedEvent): Promise<true> {
  await append({ kind, subject, data });
  return true;
}

async function endRegistration({ transaction, append }: Context, { subject }: LoggedEvent): Promise<boolean> {
  const isThere = await deleteRegistration(transaction, subject);
  if (isThere) {
    await append({ kind: 'registration_access_token.ended', subject, data: {} });
  }
  return isThere;
}

/** The issuer with the keys that it has later, and of its rules those that it still has then. */
function narrowIssuer(before: TrustedIssuer, data: LoggedEvent['data']): TrustedIssuer {
  const {
    jwks,
    rules,
    actorName: _,
    ...later
  } = fromWireNames(data) as unknown as TrustedIssuer & {
    readonly actorName?: string;
  };
  // If the trail has not the keys, for their length, nobody is trusted until somebody sets them again.
  const isUnknown = isOmitted(jwks) || isOmitted(rules);
  const wanted = isUnknown ? [] : rules.map((rule) => fromWireNames(rule));
  return {
    ...later,
    jwks: isUnknown ? before.jwks : jwks,
    rules: before.rules.filter((rule) => wanted.some((other) => isDeepStrictEqual(other, rule))),
  };
}

/** Takes from a client what it had lost, and gives it the credentials that replaced those of the backup. */
async function narrowClient(
  { transaction, append, statuses, changes, now }: Context,
  event: LoggedEvent,
): Promise<boolean> {
  const before = await findClient(transaction, event.subject);
  if (before === undefined) {
    return false;
  }
  const status = statuses.get(event.subject);
  const change = {
    ...findLosses(before, status, event.data),
    ...(event.kind === 'client.updated' && {
      ...findReplacedMetadata(event.data),
      ...findNarrowerLimits(before, changes.get(event.subject) ?? {}),
    }),
  };
  const changed = changeClient(before, change, now);
  const after = { ...changed, generation: Math.max(changed.generation, status?.generation ?? 0) };
  if (Object.keys(change).length === 0 && after.generation === before.generation) {
    return false;
  }
  await recordChange(transaction, append, before, after, change);
  return true;
}

function findLosses(before: Client, status: ClientStatusData | undefined, data: LoggedEvent['data']): ClientChange {
  const grantable = data['grantable_scopes'];
  const { resources, defaultResource } = before.metadata;
  const lost = {
    scopes: findKept([...before.scopes], status?.scopes),
    resources: findKept(resources ?? [], status?.resources),
    defaultResource: defaultResource !== undefined && findKept([defaultResource], status?.resources) ? null : undefined,
    authorizationDetailsTypes: findKept(
      before.metadata.authorizationDetailsTypes ?? [],
      status?.authorizationDetailsTypes,
    ),
    grantableScopes: Array.isArray(grantable)
      ? before.grantableScopes === null
        ? grantable
        : findKept([...before.grantableScopes], grantable)
      : undefined,
    enabled: status?.enabled === false && before.enabled ? false : undefined,
  };
  return Object.fromEntries(Object.entries(lost).filter(([, value]) => value !== undefined));
}

/** Returns what is left of the names; undefined if all are. */
function findKept(names: readonly string[], later: readonly string[] | undefined): string[] | undefined {
  const kept = names.filter((name) => later?.includes(name) ?? true);
  return kept.length === names.length ? undefined : kept;
}

const quotaMembers = ['tokenQuotaPerMinute', 'tokenQuotaPerDay', 'tokenQuotaPerMonth'] as const;

/** The limits that the client has later, as far as it had none or wider ones. */
function findNarrowerLimits({ expiresAt, metadata }: Client, data: LoggedEvent['data']): ClientChange {
  const later = fromWireNames(data) as Readonly<Record<string, unknown>>;
  const { expiresAt: end, allowedNetworks: networks } = later;
  const { allowedNetworks } = metadata;
  const quotas = quotaMembers.flatMap((name) => {
    const most = later[name];
    return typeof most === 'number' && most < (metadata[name] ?? Number.POSITIVE_INFINITY) ? [[name, most]] : [];
  });
  const isEarlier = typeof end === 'string' && Date.parse(end) < (expiresAt ?? Number.POSITIVE_INFINITY);
  const isNarrower =
    Array.isArray(networks) && allowedNetworks?.every((network) => coverNetwork(networks, network)) !== true;
  return {
    ...Object.fromEntries(quotas),
    ...(isEarlier && { expiresAt: end }),
    ...(isNarrower && { allowedNetworks: commonNetworks(allowedNetworks ?? networks, networks) }),
  };
}

/** What else a client was changed to: how it authenticates, and what its tokens say and are bound to. */
function findReplacedMetadata(data: LoggedEvent['data']): ClientChange {
  const replaced = Object.entries(data).filter(([name]) => replacedMembers.has(name));
  // The trail has no values that are very long, such as many keys: then nothing is known but that the old ones were replaced.
  return fromWireNames(Object.fromEntries(replaced.map(([name, value]) => [name, isOmitted(value) ? null : value])));
}

/** What is taken from the trail as it is: neither what gives abilities, nor what `findLosses` and `findNarrowerLimits` decide. */
const replacedMembers: ReadonlySet<string> = new Set(Object.keys(clientMetadataMembers)).difference(
  new Set([
    'resources',
    'default_resource',
    'authorization_details_types',
    'allowed_networks',
    'token_quota_per_minute',
    'token_quota_per_day',
    'token_quota_per_month',
  ]),
);

function isOmitted(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'omitted_characters' in value;
}

function lastStatuses(events: readonly LoggedEvent[]): ReadonlyMap<string, ClientStatusData> {
  return new Map(
    events.flatMap(({ kind, subject, data }) =>
      kind.startsWith('client.') && data['status'] !== undefined
        ? [[subject, fromWireNames(data['status'] as object) as ClientStatusData] as const]
        : [],
    ),
  );
}

function lastChanges(events: readonly LoggedEvent[]): ReadonlyMap<string, LoggedEvent['data']> {
  const changes = new Map<string, LoggedEvent['data']>();
  for (const { kind, subject, data } of events) {
    if (kind === 'client.updated') {
      changes.set(subject, { ...changes.get(subject), ...data });
    }
  }
  return changes;
}
