/** Receivers poll their event streams, and acknowledge what they have. RFC 8936 §2, SSF 1.0 §6.1.2. */
import type { Guard } from '@postern/guard';
import { requireScope } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import type { ApiPlugin } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import { maxWaitSeconds } from '@postern/protocol/api-limits';
import { Type } from 'typebox';
import { addressGroup } from '../address-group.ts';
import type { EventLog } from '../events/event-log.ts';
import { isPageId, type ReadFeedSet } from './feed-sets.ts';
import type { Outbox } from './outbox.ts';
import { ssfOperation } from './ssf-operation.ts';
import { ssfPaths } from './ssf-paths.ts';
import { deliversFeed, showFault } from './stream.ts';
import type { StreamRegistry } from './stream-registry.ts';

/** SETs in one answer, at most. */
const mostSets = 100;

/** Ids in one request, at most. */
const mostIds = 1_000;

const PollBody = Type.Object(
  {
    maxEvents: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: `0: only acknowledge. There are at most ${mostSets} SETs in an answer.`,
      }),
    ),
    returnImmediately: Type.Optional(Type.Boolean({ description: 'Default: waits if there are no SETs.' })),
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: maxWaitSeconds,
        description: `Seconds to wait if there are no SETs. Of Postern. Default: ${maxWaitSeconds}.`,
      }),
    ),
    nonce: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{16,64}$',
        description: 'Of Postern: signed with a page of the revocation feed, which proves that the page is new.',
      }),
    ),
    ack: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: mostIds })),
    setErrs: Type.Optional(
      Type.Record(
        Type.String({ maxLength: 200 }),
        Type.Object({
          err: Type.String({ maxLength: 200 }),
          description: Type.Optional(Type.String({ maxLength: 2_000 })),
        }),
        {
          maxProperties: mostIds,
          description: 'SETs that the receiver has and does not accept: they are not sent again.',
        },
      ),
    ),
  },
  { title: 'PollRequest' },
);

export const PollView = Type.Object(
  {
    sets: Type.Record(Type.String(), Type.String(), { description: 'By jti.' }),
    moreAvailable: Type.Optional(Type.Boolean()),
  },
  { title: 'PollResponse' },
);

export interface PollEndpointOptions {
  readonly streams: StreamRegistry;
  readonly outbox: Outbox;
  readonly readFeedSet: ReadFeedSet;
  readonly events: Pick<EventLog, 'awaitHistory' | 'requireCurrent'>;
  readonly guard: Guard;
  /** Remembers what the receiver complained about, for administrators. */
  readonly recordFault: (streamId: string, fault: string) => Promise<void>;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
}

export function pollEndpoint(options: PollEndpointOptions): ApiPlugin {
  const { streams, outbox, readFeedSet, events, guard, recordFault, monotonic } = options;

  return async (app) => {
    app.addHook('preClose', async () => outbox.close());

    app.post(
      `${ssfPaths.poll}/:stream_id`,
      ssfOperation('poll_stream', 'ssf.read', 'Poll an event stream, and acknowledge what was received', {
        description: 'RFC 8936 §2. SETs are sent again until they are acknowledged.',
        params: Type.Object({ stream_id: Type.String({ maxLength: 100 }) }),
        body: PollBody,
        answer: PollView,
        errors: [404],
        config: { waits: true },
      }),
      async (request, reply) => {
        const token = accessTokenOf(request);
        const { ack = [], setErrs = {}, maxEvents = mostSets, returnImmediately = false } = request.body;
        const { wait = maxWaitSeconds, nonce } = request.body;
        const id = request.params.stream_id;
        const most = Math.min(maxEvents, mostSets);
        await events.awaitHistory();
        events.requireCurrent();
        let stream = await streams.get(token, id);
        // It says more of clients than other receivers may know.
        if (deliversFeed(stream)) {
          requireScope(token, 'revocation:read', 'Bearer');
        }
        if (stream.delivery.method !== 'poll') {
          throw new OAuthError('invalid_request', 'The events of this stream are pushed: change its delivery to poll.');
        }
        // A page needs no other acknowledgment than the request for the next one.
        const after = ack.findLast(isPageId);
        const taken = [...ack.filter((jti) => !isPageId(jti)), ...Object.keys(setErrs)];
        if (taken.length > 0) {
          await outbox.acknowledge(stream, taken);
          const [[jti, fault] = []] = Object.entries(setErrs);
          if (jti !== undefined && fault !== undefined) {
            const shown = showFault(`${jti}: ${fault.err} ${fault.description ?? ''}`);
            request.log.warn({ stream: id, fault: shown }, 'a receiver does not accept a security event token');
            await recordFault(id, shown);
          }
          stream = await streams.get(token, id);
        }

        const until = monotonic() + (returnImmediately || most === 0 ? 0 : wait * 1000);
        let isOver = false;
        for (;;) {
          const version = outbox.version();
          const pending = await outbox.read(stream, Math.max(most, 1));
          // A stream of the feed always has a SET: one that says that there is nothing new is news of how new that is.
          const page =
            deliversFeed(stream) && stream.status === 'enabled' && most > 0
              ? await readFeedSet(stream, { after, nonce })
              : undefined;
          const isNews = pending.sets.length > 0 || pending.hasMore || page?.isEmpty === false;
          const left = until - monotonic();
          if (isNews || isOver || left <= 0) {
            const sets = pending.sets.slice(0, most);
            const signed = await Promise.all([
              ...(page === undefined ? [] : [page.sign()]),
              ...sets.map(async (set) => [set.jti, await outbox.sign(token.clientId, set)] as const),
            ]);
            return {
              sets: Object.fromEntries(signed),
              moreAvailable: pending.hasMore || pending.sets.length > sets.length || page?.hasMore === true,
            };
          }
          if (page === undefined) {
            await outbox.skip(stream, pending);
          }
          isOver = !(await outbox.wait(version, left, reply.raw, addressGroup(request.ip)));
          await guard.requireActive(token);
          if (outbox.mayConcern(stream, pending.readUpTo)) {
            stream = await streams.get(token, id);
          }
        }
      },
    );
  };
}
