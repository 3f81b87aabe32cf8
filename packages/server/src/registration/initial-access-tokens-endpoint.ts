/** The management API of initial access tokens. RFC 7591 §1.2 leaves it to the server how they are given out. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, Name, nullable, PageQuery, pageOf, pageView, sliceOf } from '@postern/http-api';
import { toWireNames } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { type Static, Type } from 'typebox';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import type { InitialAccessToken } from './initial-access-token.ts';
import type { InitialAccessTokenAdministration } from './initial-access-token-administration.ts';
import { getInitialAccessToken, listInitialAccessTokens } from './initial-access-token-store.ts';

const Scopes = Type.Array(Type.String({ maxLength: 100 }), {
  maxItems: 1_000,
  description: 'Scopes that clients may register for, and get if they ask for none.',
});
const Resources = Type.Array(Type.String({ maxLength: 1_000 }), {
  maxItems: 100,
  description: 'Identifiers of the registered resources that clients may ask tokens for, likewise.',
});

export const InitialAccessTokenBody = Type.Object(
  {
    name: Type.Optional(nullable(Name)),
    scopes: Scopes,
    resources: Type.Optional(Resources),
    max_uses: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description: 'The most clients that it can register; by default one.',
      }),
    ),
    expires_in_seconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 315_360_000, description: 'By default a day.' }),
    ),
  },
  {
    title: 'InitialAccessTokenBody',
    additionalProperties: false,
    examples: [{ name: 'rollout', scopes: ['policy:read'], max_uses: 20 }],
  },
);

const members = {
  id: Type.String(),
  name: nullable(Type.String()),
  scopes: Scopes,
  resources: Resources,
  max_uses: Type.Integer(),
  uses: Type.Integer({ description: 'Clients that were registered with it.' }),
  created_at: Type.String({ format: 'date-time' }),
  created_by: Type.String({ description: 'Id of the client that created it. It is invalid without that client.' }),
  expires_at: Type.String({ format: 'date-time' }),
};

export const View = Type.Object(members, { title: 'InitialAccessToken' });
export const CreatedView = Type.Object(
  {
    ...members,
    initial_access_token: Type.String({ description: 'Shown only once; Postern keeps a digest.' }),
  },
  { title: 'CreatedInitialAccessToken' },
);

const TokenPath = Type.Object({ id: Type.String() });

export interface InitialAccessTokensEndpointOptions {
  readonly db: Kysely<Database>;
  readonly administration: InitialAccessTokenAdministration;
}

export function initialAccessTokensEndpoint(options: InitialAccessTokensEndpointOptions): ApiPlugin {
  const { db, administration } = options;

  return async (app) => {
    app.post(
      '/api/v1/oauth/initial-access-token',
      operation(
        'create_initial_access_token',
        'initial_access_token:create',
        'Create an initial access token, with which clients can be registered',
        { changes: 'initial_access_token', body: InitialAccessTokenBody, answer: CreatedView, errors: [409] },
      ),
      async (request) => {
        const { body } = request;
        const { record, text } = await administration.create(accessTokenOf(request), {
          name: body.name ?? null,
          scopes: body.scopes,
          resources: body.resources ?? [],
          maxUses: body.max_uses ?? 1,
          expiresInSeconds: body.expires_in_seconds ?? 86_400,
        });
        return { ...toView(record), initial_access_token: text };
      },
    );

    app.get(
      '/api/v1/oauth/initial-access-token',
      operation(
        'list_initial_access_tokens',
        'initial_access_token:read',
        'List initial access tokens, oldest first; never the tokens themselves',
        { lists: ['initial_access_token', 'id'], query: PageQuery, answer: pageView(View) },
      ),
      async (request) => {
        const { query } = request;
        const { tokens, total } = await listInitialAccessTokens(db, sliceOf(query, 2));
        return pageOf(tokens, total, query, toView, ({ createdAt, id }) => [new Date(createdAt).toISOString(), id]);
      },
    );

    app.get(
      '/api/v1/oauth/initial-access-token/:id',
      operation('get_initial_access_token', 'initial_access_token:read', 'Read an initial access token', {
        reads: 'initial_access_token',
        isVolatile: true,
        params: TokenPath,
        answer: View,
      }),
      async (request) => toView(await getInitialAccessToken(db, request.params.id)),
    );

    app.delete(
      '/api/v1/oauth/initial-access-token/:id',
      operation(
        'delete_initial_access_token',
        'initial_access_token:delete',
        'Delete an initial access token; the clients that were registered with it stay',
        { changes: 'initial_access_token', params: TokenPath, answer: Deleted },
      ),
      async (request) => administration.remove(accessTokenOf(request), request.params.id),
    );
  };
}

function toView(token: InitialAccessToken) {
  return {
    ...toWireNames(token),
    created_at: new Date(token.createdAt).toISOString(),
    expires_at: new Date(token.expiresAt).toISOString(),
  } as Static<typeof View>;
}
