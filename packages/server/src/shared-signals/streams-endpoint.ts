/** The management API of event streams, for their receivers. SSF 1.0 §8.1. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, printableText } from '@postern/http-api';
import { feedPageEvent, OAuthError } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import type { SelfServiceLimit } from '../limits/self-service-limit.ts';
import { supportedEvents } from './event-types.ts';
import { ssfOperation } from './ssf-operation.ts';
import { deliveryView, ssfPaths } from './ssf-paths.ts';
import {
  type Delivery,
  deliversFeed,
  deliveryMethods,
  eventsDelivered,
  minVerificationInterval,
  type Stream,
  type StreamConfiguration,
} from './stream.ts';
import type { StreamRegistry } from './stream-registry.ts';
import { parseSubject } from './subject.ts';

const StreamId = Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9_.~-]+$' });
const EventTypes = Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
  maxItems: 100,
  description:
    `Types that are not known are ignored. Known: ${supportedEvents.join(', ')}. Default: all but the last, which is of Postern, ` +
    'and for a stream that delivers nothing else and is polled: the revocation feed, for guards.',
});
const Description = printableText(1_000);
const Reason = printableText(1_000);
const DefaultSubjectsView = Type.Union([Type.Literal('ALL'), Type.Literal('NONE')], {
  description: 'NONE: the stream is only about subjects that are added. Of Postern. Default: ALL.',
});

const DeliveryBody = Type.Object({
  method: Type.Enum(Object.values(deliveryMethods), { description: 'Push, RFC 8935, or poll, RFC 8936.' }),
  endpoint_url: Type.Optional(
    Type.String({
      maxLength: 2_000,
      description: 'Where SETs are pushed to. The transmitter decides where they are polled.',
    }),
  ),
  authorization_header: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4_000,
      pattern: '^[\\x21-\\x7e][\\x20-\\x7e]*$',
      description: 'Sent with each SET that is pushed. It is a secret, and never shown.',
    }),
  ),
});

const suppliedByReceiver = {
  delivery: Type.Optional(DeliveryBody),
  events_requested: Type.Optional(EventTypes),
  description: Type.Optional(Description),
  default_subjects: Type.Optional(DefaultSubjectsView),
};

/** What a change may repeat, if it is as it is. */
const suppliedByTransmitter = {
  iss: Type.Optional(Type.String()),
  aud: Type.Optional(Type.Unsafe<string | readonly string[]>({})),
  events_supported: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
  events_delivered: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
  min_verification_interval: Type.Optional(Type.Integer()),
};

const CreateBody = Type.Object(suppliedByReceiver, { title: 'CreateStream' });
const ChangeBody = Type.Object(
  { stream_id: StreamId, ...suppliedByReceiver, ...suppliedByTransmitter },
  { title: 'ChangeStream' },
);

export const StreamView = Type.Object(
  {
    stream_id: Type.String(),
    iss: Type.String(),
    aud: Type.String({ description: 'The id of the client that receives.' }),
    events_supported: Type.Array(Type.String()),
    events_requested: Type.Optional(Type.Array(Type.String())),
    events_delivered: Type.Array(Type.String()),
    delivery: Type.Object({ method: Type.String(), endpoint_url: Type.String() }),
    min_verification_interval: Type.Integer({ description: 'Seconds.' }),
    description: Type.Optional(Type.String()),
    default_subjects: DefaultSubjectsView,
  },
  { title: 'EventStream' },
);

const Status = Type.Enum(['enabled', 'paused', 'disabled']);
const StatusBody = Type.Object(
  { stream_id: StreamId, status: Status, reason: Type.Optional(Reason) },
  { title: 'UpdateStreamStatus' },
);
const StatusView = Type.Object(
  { stream_id: Type.String(), status: Status, reason: Type.Optional(Type.String()) },
  { title: 'StreamStatus' },
);

const StreamQuery = Type.Object({ stream_id: StreamId });
const AnySubject = Type.Record(Type.String(), Type.Unknown(), {
  description: 'A subject identifier of the format iss_sub (a client), jwt_id (a token) or opaque (a session).',
});
const SubjectBody = Type.Object(
  { stream_id: StreamId, subject: AnySubject, verified: Type.Optional(Type.Boolean()) },
  { title: 'StreamSubject' },
);
const VerificationBody = Type.Object(
  {
    stream_id: StreamId,
    state: Type.Optional(printableText(1_000, { description: 'The verification event has it.' })),
  },
  { title: 'StreamVerification' },
);

export interface StreamsEndpointOptions {
  readonly issuer: string;
  readonly streams: StreamRegistry;
  /** Makes sure that there is a key that signs for receivers. */
  readonly maintainKeys: () => Promise<void>;
  /** Rejects with `invalid_request` unless events may be pushed to the URL. */
  readonly requireEndpoint: (url: string) => Promise<void>;
  readonly limits: {
    /** Changes of one client. */
    readonly ofClient: SelfServiceLimit;
    /** Verifications of one stream. */
    readonly ofVerification: SelfServiceLimit;
  };
}

export function streamsEndpoint(options: StreamsEndpointOptions): ApiPlugin {
  const { issuer, streams, maintainKeys, requireEndpoint, limits } = options;

  const toView = (stream: Stream): Static<typeof StreamView> => ({
    stream_id: stream.id,
    iss: issuer,
    aud: stream.clientId,
    events_supported: [...supportedEvents],
    ...(stream.eventsRequested !== undefined && { events_requested: [...stream.eventsRequested] }),
    events_delivered: [...eventsDelivered(stream)],
    delivery: deliveryView(issuer, stream),
    min_verification_interval: minVerificationInterval,
    ...(stream.description !== undefined && { description: stream.description }),
    default_subjects: stream.defaultSubjects,
  });

  const statusView = ({ id, status, reason }: Stream): Static<typeof StatusView> => ({
    stream_id: id,
    status,
    ...(reason !== undefined && { reason }),
  });

  const parseDelivery = async (wanted: Static<typeof DeliveryBody> | undefined): Promise<Delivery> => {
    if (wanted === undefined || wanted.method === deliveryMethods.poll) {
      if (wanted?.authorization_header !== undefined) {
        throw invalid('delivery/authorization_header: is for push; who polls sends an access token.');
      }
      return { method: 'poll' };
    }
    const { endpoint_url: endpointUrl, authorization_header: authorizationHeader } = wanted;
    if (endpointUrl === undefined) {
      throw invalid('delivery/endpoint_url: is required for push.');
    }
    await requireEndpoint(endpointUrl);
    return { method: 'push', endpointUrl, authorizationHeader };
  };

  /** Throws `invalid_request` if a stream should deliver the revocation feed and something else, or push it. */
  const requireFeedAlone = (configuration: StreamConfiguration): StreamConfiguration => {
    if (deliversFeed(configuration)) {
      if (eventsDelivered(configuration).length > 1) {
        throw invalid(`events_requested: a stream that delivers ${feedPageEvent} delivers no other events.`);
      }
      if (configuration.delivery.method !== 'poll') {
        throw invalid(`delivery/method: ${feedPageEvent} is only delivered by poll, since guards ask for it.`);
      }
    }
    return configuration;
  };

  /** Throws `invalid_request` unless a change leaves what the transmitter supplies as it is. SSF 1.0 §8.1.1.3. */
  const requireSame = (body: Static<typeof ChangeBody>, stream: Stream) => {
    const present = toView(stream);
    for (const name of Object.keys(suppliedByTransmitter) as (keyof typeof suppliedByTransmitter)[]) {
      const given = body[name];
      if (given !== undefined && !isSame(given, present[name])) {
        throw invalid(`${name}: is supplied by the transmitter; leave it out, or send it as it is.`);
      }
    }
  };

  return async (app) => {
    app.post(
      ssfPaths.configuration,
      ssfOperation('create_stream', 'ssf.manage', 'Create an event stream', {
        description: 'SSF 1.0 §8.1.1.1. Without delivery, the receiver polls.',
        body: CreateBody,
        answer: StreamView,
        status: 201,
        errors: [409, 429],
      }),
      async (request, reply) => {
        const token = accessTokenOf(request);
        limits.ofClient.take(token.clientId);
        const { body } = request;
        const delivery = await parseDelivery(body.delivery);
        const configuration = requireFeedAlone({
          delivery,
          eventsRequested: body.events_requested,
          description: body.description,
          defaultSubjects: body.default_subjects ?? 'ALL',
        });
        const stream = await streams.create(token, configuration);
        await maintainKeys();
        return reply.code(201 as 200).send(toView(stream));
      },
    );

    app.get(
      ssfPaths.configuration,
      ssfOperation('read_stream', 'ssf.read', 'Read an event stream, or list all of the receiver', {
        description: 'SSF 1.0 §8.1.1.2. Without stream_id, the answer is a list.',
        query: Type.Partial(StreamQuery),
        answer: Type.Unsafe<Static<typeof StreamView> | Static<typeof StreamView>[]>(
          Type.Union([StreamView, Type.Array(StreamView)]),
        ),
        errors: [404],
      }),
      async (request) => {
        const token = accessTokenOf(request);
        const { stream_id: id } = request.query;
        return id === undefined ? (await streams.list(token)).map(toView) : toView(await streams.get(token, id));
      },
    );

    app.patch(
      ssfPaths.configuration,
      ssfOperation('update_stream', 'ssf.manage', 'Change an event stream', {
        description: 'SSF 1.0 §8.1.1.3. What is missing stays as it is.',
        body: ChangeBody,
        answer: StreamView,
        errors: [404, 429],
      }),
      async (request) => {
        const token = accessTokenOf(request);
        limits.ofClient.take(token.clientId);
        const { body } = request;
        const delivery = body.delivery && (await parseDelivery(body.delivery));
        const changed = await streams.change(token, body.stream_id, (stream) => {
          requireSame(body, stream);
          return requireFeedAlone({
            delivery: delivery ?? stream.delivery,
            eventsRequested: body.events_requested ?? stream.eventsRequested,
            description: body.description ?? stream.description,
            defaultSubjects: body.default_subjects ?? stream.defaultSubjects,
          });
        });
        return toView(changed);
      },
    );

    app.put(
      ssfPaths.configuration,
      ssfOperation('replace_stream', 'ssf.manage', 'Replace the configuration of an event stream', {
        description: 'SSF 1.0 §8.1.1.4. What is missing gets its default.',
        body: ChangeBody,
        answer: StreamView,
        errors: [404, 429],
      }),
      async (request) => {
        const token = accessTokenOf(request);
        limits.ofClient.take(token.clientId);
        const { body } = request;
        const delivery = await parseDelivery(body.delivery);
        const changed = await streams.change(token, body.stream_id, (stream) => {
          requireSame(body, stream);
          return requireFeedAlone({
            delivery,
            eventsRequested: body.events_requested,
            description: body.description,
            defaultSubjects: body.default_subjects ?? 'ALL',
          });
        });
        return toView(changed);
      },
    );

    app.delete(
      ssfPaths.configuration,
      ssfOperation('remove_stream', 'ssf.manage', 'Delete an event stream', {
        description: 'SSF 1.0 §8.1.1.5.',
        query: StreamQuery,
        answer: Deleted,
        errors: [404],
      }),
      async (request) => streams.remove(accessTokenOf(request), request.query.stream_id),
    );

    app.get(
      ssfPaths.status,
      ssfOperation('read_stream_status', 'ssf.read', 'Read the status of an event stream', {
        description: 'SSF 1.0 §8.1.2.1.',
        query: StreamQuery,
        answer: StatusView,
        errors: [404],
      }),
      async (request) => statusView(await streams.get(accessTokenOf(request), request.query.stream_id)),
    );

    app.post(
      ssfPaths.status,
      ssfOperation('update_stream_status', 'ssf.manage', 'Enable, pause or disable an event stream', {
        description: 'SSF 1.0 §8.1.2.2. What happens while it is paused is held, and while it is disabled it is not.',
        body: StatusBody,
        answer: StatusView,
        errors: [404, 429],
      }),
      async (request) => {
        const token = accessTokenOf(request);
        limits.ofClient.take(token.clientId);
        const { stream_id: id, status, reason } = request.body;
        return statusView(await streams.setStatus(token, id, status, reason));
      },
    );

    app.post(
      ssfPaths.addSubject,
      ssfOperation('add_subject', 'ssf.manage', 'Add a subject to an event stream', {
        description: 'SSF 1.0 §8.1.3.2. A client is added with all of its tokens and sessions.',
        body: SubjectBody,
        answer: Type.Unknown({ description: 'Empty' }),
        errors: [404, 409, 429],
      }),
      async (request, reply) => {
        const token = accessTokenOf(request);
        limits.ofClient.take(token.clientId);
        const { stream_id: id, subject } = request.body;
        await streams.addSubject(token, id, parseSubject(subject, issuer));
        return reply.send();
      },
    );

    app.post(
      ssfPaths.removeSubject,
      ssfOperation('remove_subject', 'ssf.manage', 'Remove a subject from an event stream', {
        description: 'SSF 1.0 §8.1.3.3.',
        body: SubjectBody,
        answer: Deleted,
        errors: [404, 409, 429],
      }),
      async (request) => {
        const token = accessTokenOf(request);
        limits.ofClient.take(token.clientId);
        const { stream_id: id, subject } = request.body;
        await streams.removeSubject(token, id, parseSubject(subject, issuer));
      },
    );

    app.post(
      ssfPaths.verification,
      ssfOperation('verify_stream', 'ssf.manage', 'Request a verification event', {
        description: 'SSF 1.0 §8.1.4.2. At most once in min_verification_interval seconds.',
        body: VerificationBody,
        answer: Deleted,
        errors: [404, 429],
      }),
      async (request) => {
        const token = accessTokenOf(request);
        const { stream_id: id, state } = request.body;
        await streams.get(token, id);
        limits.ofVerification.take(id);
        await streams.requestVerification(token, id, state);
      },
    );
  };
}

/** Lists are compared as sets. */
function isSame(given: unknown, present: unknown): boolean {
  const textOf = (value: unknown) => JSON.stringify(Array.isArray(value) ? value.toSorted() : value);
  const unwrapped = Array.isArray(given) && typeof present === 'string' && given.length === 1 ? given[0] : given;
  return textOf(unwrapped) === textOf(present);
}

function invalid(detail: string): OAuthError {
  return new OAuthError('invalid_request', detail);
}
