/** The management API of types of authorization details. RFC 9396 §2.1. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, nullable, PageQuery, pageView, printableText, slicePage } from '@postern/http-api';
import { Type } from 'typebox';
import { operation } from '../http/operation.ts';
import type { AuthorizationDetailsTypeRegistry } from './authorization-details-type-registry.ts';
import type { AuthorizationDetailsType } from './authorization-details-type-store.ts';
import type { JsonSchema } from './details-schema.ts';

export const TypeBody = Type.Object(
  {
    type: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: '^[A-Za-z][A-Za-z0-9_.:/~-]*$',
      description: 'What elements of authorization_details name as their type: a word, or a URI.',
    }),
    description: Type.Optional(nullable(printableText(2_000))),
    schema: Type.Unsafe<JsonSchema>({
      type: 'object',
      additionalProperties: true,
      description:
        'JSON Schema of one element as a whole, its `type` among it. One tree: no references, no formats; patterns ' +
        'are plain sequences from `^` to `$` without groups.',
    }),
  },
  {
    title: 'AuthorizationDetailsType',
    additionalProperties: false,
    examples: [
      {
        type: 'payment_initiation',
        schema: {
          type: 'object',
          properties: { type: { type: 'string' }, currency: { type: 'string', pattern: '^[A-Z]{3}$' } },
          required: ['currency'],
          additionalProperties: false,
        },
      },
    ],
  },
);

const TypePath = Type.Object({ type: Type.String() });

export function authorizationDetailsTypesEndpoint(types: AuthorizationDetailsTypeRegistry): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/authorization-details-type',
      operation(
        'list_authorization_details_types',
        'authorization_details_type:read',
        'List the types of authorization details, by name',
        { lists: ['authorization_details_type', 'type'], query: PageQuery, answer: pageView(TypeBody) },
      ),
      async (request) => slicePage(types.list(), request.query, toView, ({ type }) => [type]),
    );

    app.put(
      '/api/v1/oauth/authorization-details-type',
      operation(
        'save_authorization_details_type',
        'authorization_details_type:create_or_update',
        'Create a type of authorization details, or change the one with that name',
        {
          changes: 'authorization_details_type',
          description: 'Tokens that were issued before a change stay as they are.',
          body: TypeBody,
          answer: TypeBody,
        },
      ),
      async (request) => {
        const { type, description = null, schema } = request.body;
        const saved: AuthorizationDetailsType = { type, description, schema };
        await types.save(accessTokenOf(request), saved);
        return toView(saved);
      },
    );

    app.get(
      '/api/v1/oauth/authorization-details-type/:type',
      operation(
        'get_authorization_details_type',
        'authorization_details_type:read',
        'Read a type of authorization details',
        { reads: 'authorization_details_type', params: TypePath, answer: TypeBody },
      ),
      async (request) => toView(types.get(request.params.type)),
    );

    app.delete(
      '/api/v1/oauth/authorization-details-type/:type',
      operation(
        'delete_authorization_details_type',
        'authorization_details_type:delete',
        'Delete a type of authorization details; no more tokens are issued with it',
        { changes: 'authorization_details_type', params: TypePath, answer: Deleted },
      ),
      async (request) => types.remove(accessTokenOf(request), request.params.type),
    );
  };
}

function toView({ type, description, schema }: AuthorizationDetailsType) {
  return { type, description, schema };
}
