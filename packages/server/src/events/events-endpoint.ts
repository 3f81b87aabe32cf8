/** The audit trail: the event log by cursor and filter, and a signed statement of its end. docs/audit.md. */
import type { Guard } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, nullable } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import { maxEventPageSize, maxWaitSeconds } from '@postern/protocol/api-limits';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import { addressGroup } from '../address-group.ts';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type EventKind, eventKinds, type LoggedEvent } from './event.ts';
import type { EventLog } from './event-log.ts';
import { type EventName, findEventNames } from './event-name-store.ts';
import { type EventQuery, listEvents, readLog } from './event-store.ts';
import { type Caller, createLongPoll } from './long-poll.ts';

const Sequence = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Id = Type.String({ minLength: 1, maxLength: 2_000 });
/** RFC 3339, and short enough for a URL. */
const Time = Type.String({ minLength: 1, maxLength: 40 });

const Query = Type.Object(
  {
    after: { ...Sequence, default: 0, description: 'Events with a greater sequence number only.' },
    before: Type.Optional({ ...Sequence, description: 'Events with a smaller sequence number only.' }),
    size: Type.Integer({ minimum: 1, maximum: maxEventPageSize, default: 100 }),
    order: Type.Enum(['asc', 'desc'], { default: 'asc', description: 'Oldest first, or newest first.' }),
    kind: Type.Optional(
      Type.String({
        maxLength: 100,
        description: `A kind, or a prefix that ends with a dot, such as \`client.\`. Kinds: ${eventKinds.join(', ')}.`,
      }),
    ),
    actor: Type.Optional({ ...Id, description: 'Id of the client that made the change.' }),
    subject: Type.Optional({ ...Id, description: 'Id of what was changed.' }),
    from: Type.Optional({
      ...Time,
      description: 'Events of that time or later only, such as `2026-11-01T00:00:00Z`.',
    }),
    until: Type.Optional({ ...Time, description: 'Events before that time only.' }),
    names: Type.Optional(
      Type.Enum(['true', 'false'], {
        description: 'Whether the answer has the names of the clients and people that the events name by their ids.',
      }),
    ),
    wait: Type.Integer({
      minimum: 0,
      maximum: maxWaitSeconds,
      default: 0,
      description: 'Seconds to wait for an event if there is none; with order=asc only.',
    }),
  },
  { additionalProperties: false },
);

const EventView = Type.Object(
  {
    sequence: Type.Integer({ description: 'Counts from 1, without gaps.' }),
    occurred_at: Type.String({ format: 'date-time' }),
    actor: Type.String({
      description: 'Id of a client; `postern` for the server; `initial_access_token` if there was no client yet.',
    }),
    kind: Type.Enum([...eventKinds]),
    subject: Type.String({ description: 'Id of what was changed.' }),
    data: Type.Record(Type.String(), Type.Unknown(), { description: 'Never a secret, a digest of one or a token.' }),
    hash: Type.String({ description: 'The hash of this event and of the hash before it.' }),
  },
  { title: 'AuditEvent' },
);

const EventNameView = Type.Object(
  {
    name: nullable(Type.String({ description: 'Its last one, if it was deleted.' })),
    deleted: Type.Boolean(),
  },
  { title: 'AuditName' },
);

export const EventPage = Type.Object(
  {
    items: Type.Array(EventView),
    next: nullable(
      Type.Integer({
        description: '`after` of the next page, or `before` with order=desc; null if there is none yet.',
      }),
    ),
    head: Type.Integer({ description: 'Sequence number of the last event of the log.' }),
    names: Type.Optional(
      Type.Record(Type.String(), EventNameView, {
        description:
          'By their ids, the clients and people that are the actor or the subject of an item; with names=true only.',
      }),
    ),
  },
  { title: 'AuditPage' },
);

export const HeadView = Type.Object(
  {
    log_id: Type.String({ description: 'The hash before the first event.' }),
    sequence: Type.Integer({ description: 'Of the last event; 0 if there is none.' }),
    hash: Type.String(),
  },
  { title: 'AuditHead' },
);

export const CheckpointView = Type.Object(
  {
    log_id: Type.String(),
    sequence: Type.Integer(),
    hash: Type.String(),
    signed_at: Type.String({ format: 'date-time' }),
    public_key: Type.Object(
      { kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Type.String() },
      { description: 'JWK; it follows from the master key.' },
    ),
    signature: Type.String({
      description: 'Ed25519, base64url, over JSON.stringify([log_id, sequence, hash, signed_at]).',
    }),
  },
  { title: 'Checkpoint' },
);

export interface EventsEndpointOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly guard: Guard;
  readonly checkpoints: Checkpoints;
  /** The root client is not in the database. */
  readonly rootId: string;
}

/** Calls that wait at once, a quarter of them of one address; the next one is answered at once. */
const mostWaiting = 100;

export function eventsEndpoint({ db, events, guard, checkpoints, rootId }: EventsEndpointOptions): ApiPlugin {
  const longPoll = createLongPoll(mostWaiting);
  events.follow(longPoll.wake, longPoll.wake);

  /** The page as it is, or as it is when the first event for it has come, within `waitSeconds`. */
  const readPage = async (query: EventQuery, waitSeconds: number, caller: Caller, address: string) => {
    const deadline = performance.now() + waitSeconds * 1000;
    for (;;) {
      const { version } = longPoll;
      const head = await readLog(db);
      // One more than asked for tells whether there is a next page.
      const found = await listEvents(db, { ...query, size: query.size + 1 });
      if (found.length > 0 || !(await longPoll.wait(version, deadline - performance.now(), caller, address))) {
        return { found, head: head.sequence };
      }
    }
  };

  return async (app) => {
    app.addHook('preClose', async () => longPoll.close());

    app.get(
      '/api/v1/oauth/events',
      {
        ...operation('list_events', 'audit:read', 'Read the audit trail: who changed what and when', {
          query: Query,
          answer: EventPage,
          config: { waits: true },
        }),
        // Data goes out as it was stored, member by member in its order: hashes are over its text.
        serializerCompiler: () => JSON.stringify,
      },
      async (request, reply) => {
        const { wait, kind, from, until, names, ...rest } = request.query;
        if (wait > 0 && rest.order === 'desc') {
          throw new OAuthError('invalid_parameter', 'wait: can be used only with order=asc.');
        }
        const query = {
          ...rest,
          ...(kind !== undefined && { kinds: kindsOf(kind) }),
          ...(from !== undefined && { from: parseTime('from', from) }),
          ...(until !== undefined && { until: parseTime('until', until) }),
        };
        const { found, head } = await readPage(query, wait, reply.raw, addressGroup(request.ip));
        if (wait > 0) {
          await guard.requireActive(accessTokenOf(request));
        }
        const items = found.slice(0, query.size);
        return {
          items: items.map(toView),
          next: found.length > items.length ? (items.at(-1)?.sequence ?? null) : null,
          head: Math.max(head, found.at(query.order === 'asc' ? -1 : 0)?.sequence ?? 0),
          ...(names === 'true' && { names: toNameViews(await findEventNames(db, items.flatMap(idsOf), rootId)) }),
        };
      },
    );

    app.get(
      '/api/v1/oauth/events/head',
      operation('get_event_head', 'audit:read', 'Read where the audit trail ends, by what the database says', {
        answer: HeadView,
      }),
      async () => {
        const { logId, sequence, hash } = await readLog(db);
        return { log_id: logId, sequence, hash };
      },
    );

    app.get(
      '/api/v1/oauth/events/checkpoint',
      operation(
        'get_event_checkpoint',
        'audit:read',
        'Read a signed checkpoint of the audit trail, to keep elsewhere',
        {
          description: 'Verifies the whole trail first; if it was changed, the answer is 409 and says where.',
          answer: CheckpointView,
          errors: [409],
        },
      ),
      async () => checkpoints.create(),
    );
  };
}

/** Returns the kinds that a filter names. Throws `invalid_parameter` if it names none. */
function kindsOf(kind: string): readonly EventKind[] {
  const kinds = eventKinds.filter((one) => one === kind || (kind.endsWith('.') && one.startsWith(kind)));
  if (kinds.length === 0) {
    throw new OAuthError(
      'invalid_parameter',
      `kind: there are no events of that kind. Kinds: ${eventKinds.join(', ')}.`,
    );
  }
  return kinds;
}

function toView({ sequence, occurredAt, actor, kind, subject, data, hash }: LoggedEvent) {
  return { sequence, occurred_at: new Date(occurredAt).toISOString(), actor, kind, subject, data, hash };
}

const idsOf = ({ actor, subject }: LoggedEvent) => [actor, subject];

function toNameViews(names: ReadonlyMap<string, EventName>) {
  return Object.fromEntries([...names].map(([id, { name, isDeleted }]) => [id, { name, deleted: isDeleted }]));
}

/** Returns milliseconds since 1970. Throws `invalid_parameter` if the text is no time of RFC 3339 §5.6. */
function parseTime(parameter: string, text: string): number {
  const [, date = ''] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i.exec(text) ?? [];
  const day = Date.parse(date);
  // `Date.parse` takes the 31st of February for a day of March.
  const exists = !Number.isNaN(day) && new Date(day).toISOString().startsWith(date);
  const time = exists ? Date.parse(text) : Number.NaN;
  // Times of events are compared as text, for which the year must have four digits in UTC too.
  if (!(time >= 0 && time < Date.UTC(10_000, 0))) {
    throw new OAuthError(
      'invalid_parameter',
      `${parameter}: write a time with its offset from UTC, such as 2026-11-01T00:00:00Z.`,
    );
  }
  return time;
}
