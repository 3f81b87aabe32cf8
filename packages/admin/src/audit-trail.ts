/** What readers of the audit trail need: before and after of a change, and all events as a file. docs/audit.md. */
import { maxEventPageSize } from '@postern/protocol/api-limits';
import type { AdminClient } from './admin-client.ts';
import { type AuditName, type AuditPage, type EventQuery, operations } from './operations.ts';

export type AuditEvent = AuditPage['items'][number];

/** A member of a thing that an event changed. Undefined: the thing had it not, or has it no more. */
export interface MemberChange {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Families of events whose subject is a thing, and whose data is what that has: all of it, or with `updated` what was changed. */
const things: ReadonlySet<string> = new Set([
  'client',
  'client_policy',
  'role',
  'person',
  'scope',
  'resource',
  'issuer',
  'authorization_details_type',
  'initial_access_token',
  'policy',
  'rule',
  'rule_target',
  'storage_config',
]);

/** Members of the data that are no members of the thing; `remarksOn` reads most of them. */
const notOfTheThing: ReadonlySet<string> = new Set([
  'status',
  'actor_name',
  'narrowed',
  'reenabled',
  'changed_credentials',
  'initial_access_token_id',
]);

/** What a client authenticates by, in words. */
const credentialNames: Readonly<Record<string, string>> = {
  password: 'the method of authentication',
  'public-key': 'public keys',
  x509: 'the name in its certificate',
  spiffe: 'the SPIFFE ID or bundle',
};

/** Returns what the event says of the change as a whole, in sentences. */
export function remarksOn({ data }: AuditEvent): readonly string[] {
  const { narrowed, reenabled, changed_credentials: credentials, initial_access_token_id: tokenId } = data;
  return [
    ...(narrowed === true ? ['Tokens of the client lost something: they were revoked, or may do less.'] : []),
    ...(reenabled === true ? ['The client was disabled before, and is enabled again.'] : []),
    ...(Array.isArray(credentials)
      ? [`It authenticates by something else: ${credentials.map((kind) => credentialNames[kind] ?? kind).join(', ')}.`]
      : []),
    ...(typeof tokenId === 'string' ? [`It registered itself with the initial access token ${tokenId}.`] : []),
  ];
}

/** The names of the members of the thing that the event says something about. */
export const membersIn = ({ data }: AuditEvent): string[] =>
  Object.keys(data).filter((name) => !notOfTheThing.has(name));

/**
 * Returns what an event changed, by the events before it about the same thing, of which it reads the last 1,000. Undefined: the
 * event is about no thing with members, such as a secret.
 */
export async function findMemberChanges(
  admin: Pick<AdminClient, 'send'>,
  event: AuditEvent,
): Promise<readonly MemberChange[] | undefined> {
  if (!hasMembers(event)) {
    return undefined;
  }
  const { items } = await admin.send(
    operations.events.list({
      subject: event.subject,
      kind: `${familyOf(event)}.`,
      before: event.sequence,
      order: 'desc',
      size: maxEventPageSize,
    }),
  );
  return memberChanges(event, items.toReversed());
}

const familyOf = ({ kind }: AuditEvent): string => kind.split('.')[0] ?? kind;

/** Whether the event is about a thing with members, and may have changed them. */
export const hasMembers = (event: AuditEvent): boolean =>
  things.has(familyOf(event)) && /\.(created|saved|updated|deleted)$/.test(event.kind);

/** `earlier`: the events before it about the same thing, oldest first. */
export function memberChanges(event: AuditEvent, earlier: readonly AuditEvent[]): readonly MemberChange[] {
  const before = earlier.reduce(applyEvent, new Map<string, unknown>());
  const after = applyEvent(before, event);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => JSON.stringify(before.get(name)) !== JSON.stringify(after.get(name)))
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }));
}

function applyEvent(members: ReadonlyMap<string, unknown>, { kind, data }: AuditEvent): ReadonlyMap<string, unknown> {
  const given = Object.entries(data).filter(([name]) => !notOfTheThing.has(name));
  switch (kind.split('.')[1]) {
    case 'created':
    case 'saved':
      return new Map(given);
    case 'updated':
      return new Map([...members, ...given]);
    case 'deleted':
      return new Map();
    default:
      return members;
  }
}

export interface NamedEvent extends AuditEvent {
  /** Null: it is no client and no person, or has no name. */
  readonly actor_name: string | null;
  readonly subject_name: string | null;
}

/** The events of a page, each with the names of its actor and subject. */
export function nameEvents({ items, names = {} }: AuditPage): NamedEvent[] {
  const nameOf = (id: string) => (Object.hasOwn(names, id) ? (names[id] as AuditName).name : null);
  return items.map((event) => ({ ...event, actor_name: nameOf(event.actor), subject_name: nameOf(event.subject) }));
}

/** Yields all events that match, oldest first, page by page, until the end that the trail has then. */
export async function* readTrail(
  admin: Pick<AdminClient, 'send'>,
  filter: Pick<EventQuery, 'kind' | 'actor' | 'subject' | 'from' | 'until'>,
): AsyncGenerator<readonly NamedEvent[]> {
  for (let after: number | null = 0; after !== null; ) {
    const query: EventQuery = { ...filter, after, size: maxEventPageSize, names: 'true' };
    const page: AuditPage = await admin.send(operations.events.list(query));
    yield nameEvents(page);
    after = page.next;
  }
}

/** As `postern audit tail --json` prints events, and as `postern restore --replay-audit` reads them. */
export const toJsonLines = (events: readonly AuditEvent[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');

const csvColumns = [
  'sequence',
  'occurred_at',
  'kind',
  'subject',
  'subject_name',
  'actor',
  'actor_name',
  'data',
  'hash',
] as const;

/** The line with the names of the columns. RFC 4180 §2. */
export const csvHead = toCsvLine(csvColumns);

export const toCsvLines = (events: readonly NamedEvent[]): string =>
  events.map((event) => toCsvLine(csvColumns.map((name) => event[name]))).join('');

function toCsvLine(cells: readonly unknown[]): string {
  return `${cells.map(toCsvCell).join(',')}\r\n`;
}

/** A text that begins as a formula does would be run by a spreadsheet. */
function toCsvCell(value: unknown): string {
  const text = value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
