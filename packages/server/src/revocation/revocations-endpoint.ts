/** The revocation feed over HTTP. docs/revocation-feed.md. */
import type { Guard } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import { maxWaitSeconds } from '@postern/protocol';
import { Type } from 'typebox';
import { abortOnDisconnect } from '../http/abort-on-disconnect.ts';
import type { ApiPlugin } from '../http/api.ts';
import { errorResponses } from '../http/schemas.ts';
import type { FeedEntry } from './feed-entry.ts';
import type { RevocationFeed } from './revocation-feed.ts';

const Query = Type.Object(
  {
    cursor: Type.Optional(
      Type.String({ maxLength: 200, description: 'From the last answer. Without it, all is told from the start.' }),
    ),
    wait: Type.Integer({
      minimum: 0,
      maximum: maxWaitSeconds,
      default: 0,
      description: 'Seconds to wait for news where there are none.',
    }),
  },
  { additionalProperties: false },
);

const Names = Type.Array(Type.String());

const TokenEntry = Type.Object(
  { type: Type.Literal('token'), jti: Type.String(), exp: Type.Integer({ description: 'Seconds since 1970.' }) },
  { description: 'A revoked token.' },
);

const EndedClientEntry = Type.Object(
  { type: Type.Literal('client'), client_id: Type.String(), active: Type.Literal(false) },
  { description: 'A client that is gone or disabled: no token of it is good.' },
);

const ClientEntry = Type.Object(
  {
    type: Type.Literal('client'),
    client_id: Type.String(),
    active: Type.Literal(true),
    gen: Type.Integer({ description: 'Tokens with a smaller `gen` are not good.' }),
    gen_exact: Type.Boolean({ description: 'Neither are those with a greater one.' }),
    scopes: Type.Optional(Names),
    resources: Type.Optional(Names),
    authorization_details_types: Type.Optional(Names),
  },
  {
    description:
      'A client whose standing changed. What is not listed is withdrawn; a list that is missing limits nothing.',
  },
);

export const FeedView = Type.Object({
  cursor: Type.String({ description: 'Where to go on.' }),
  snapshot: Type.Boolean({ description: 'The entries start from the beginning: forget what you have.' }),
  more: Type.Boolean({ description: 'Ask again at once.' }),
  lag_seconds: Type.Number({ description: 'How long ago this node last knew itself current.' }),
  entries: Type.Unsafe<readonly FeedEntry[]>(Type.Array(Type.Union([TokenEntry, EndedClientEntry, ClientEntry]))),
});

export interface RevocationsEndpointOptions {
  readonly feed: RevocationFeed;
  readonly guard: Guard;
}

export function revocationsEndpoint({ feed, guard }: RevocationsEndpointOptions): ApiPlugin {
  return async (app) => {
    app.addHook('preClose', async () => feed.close());

    app.get(
      '/api/v1/oauth/revocations',
      {
        config: { scope: 'revocation:read', waits: true },
        // The schema is for the documentation: to check each entry against it would take longer than all the rest.
        serializerCompiler: () => JSON.stringify,
        schema: {
          tags: ['OAuth'],
          operationId: 'read_revocations',
          summary: 'Follow which tokens have died before their time',
          description:
            'For APIs that verify tokens by themselves. At most 1000 entries an answer, each with the state of its token ' +
            'or client as it is now. A cursor that is not known here is answered from the start.',
          querystring: Query,
          response: { 200: FeedView, ...errorResponses(401, 403, 422) },
        },
      },
      async (request, reply) => {
        const { cursor, wait } = request.query;
        const { lagSeconds, entries, ...rest } = await feed.read(cursor, wait, abortOnDisconnect(reply));
        if (wait > 0) {
          await guard.requireActive(accessTokenOf(request));
        }
        return { ...rest, lag_seconds: lagSeconds, entries };
      },
    );
  };
}
