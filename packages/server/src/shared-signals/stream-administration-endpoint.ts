/** The event streams of all receivers, for administrators. docs/shared-signals.md. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, nullable, PageQuery, pageView, slicePage } from '@postern/http-api';
import { type Static, Type } from 'typebox';
import { operation } from '../http/operation.ts';
import { deliveryView } from './ssf-paths.ts';
import { eventsDelivered, type Stream } from './stream.ts';
import type { StreamRegistry } from './stream-registry.ts';

export const ReceiverStreamView = Type.Object(
  {
    id: Type.String(),
    client_id: Type.String({ description: 'The receiver.' }),
    description: nullable(Type.String()),
    delivery: Type.Object({ method: Type.String(), endpoint_url: Type.String() }),
    events_delivered: Type.Array(Type.String()),
    default_subjects: Type.Union([Type.Literal('ALL'), Type.Literal('NONE')]),
    status: Type.Enum(['enabled', 'paused', 'disabled']),
    reason: nullable(Type.String()),
    fault: nullable(Type.String({ description: 'What the receiver, or the way to it, complained about last.' })),
    created_at: Type.String(),
  },
  { title: 'ReceiverStream' },
);

const StreamPath = Type.Object({ id: Type.String({ maxLength: 100 }) });

export function streamAdministrationEndpoint(issuer: string, streams: StreamRegistry): ApiPlugin {
  const toView = (stream: Stream): Static<typeof ReceiverStreamView> => ({
    id: stream.id,
    client_id: stream.clientId,
    description: stream.description ?? null,
    delivery: deliveryView(issuer, stream),
    events_delivered: [...eventsDelivered(stream)],
    default_subjects: stream.defaultSubjects,
    status: stream.status,
    reason: stream.reason ?? null,
    fault: stream.fault ?? null,
    created_at: new Date(stream.createdAt).toISOString(),
  });

  return async (app) => {
    app.get(
      '/api/v1/oauth/stream',
      operation('list_streams', 'stream:read', 'List the event streams of all receivers', {
        lists: ['stream', 'id'],
        description: 'Oldest first. Receivers create and change their streams themselves, at /api/v1/ssf/stream.',
        query: PageQuery,
        answer: pageView(ReceiverStreamView),
      }),
      async (request) =>
        slicePage(await streams.listAll(), request.query, toView, ({ id, createdAt }) => [
          new Date(createdAt).toISOString(),
          id,
        ]),
    );

    app.get(
      '/api/v1/oauth/stream/:id',
      operation('get_stream', 'stream:read', 'Read an event stream of any receiver', {
        reads: 'stream',
        isVolatile: true,
        params: StreamPath,
        answer: ReceiverStreamView,
      }),
      async (request) => toView(await streams.getAny(request.params.id)),
    );

    app.delete(
      '/api/v1/oauth/stream/:id',
      operation('delete_stream', 'stream:delete', 'Delete an event stream of any receiver', {
        changes: 'stream',
        params: StreamPath,
        answer: Deleted,
      }),
      async (request) => streams.removeAny(accessTokenOf(request), request.params.id),
    );
  };
}
