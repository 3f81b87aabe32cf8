/** The management API of types of authorization details. RFC 9396 §2.1. */
import { type ApiPlugin, nullable, printableText } from '@postern/http-api';
import { Type } from 'typebox';
import { savedThings } from '../http/saved-things.ts';
import type { AuthorizationDetailsTypeRegistry } from './authorization-details-type-registry.ts';
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

export function authorizationDetailsTypesEndpoint(types: AuthorizationDetailsTypeRegistry): ApiPlugin {
  return savedThings({
    kind: 'authorization_details_type',
    names: ['authorization_details_type', 'authorization_details_types'],
    path: '/api/v1/oauth/authorization-details-type',
    idParameter: 'type',
    idMember: 'type',
    body: TypeBody,
    view: TypeBody,
    summaries: {
      list: 'List the types of authorization details, by name',
      save: 'Create a type of authorization details, or change the one with that name',
      get: 'Read a type of authorization details',
      delete: 'Delete a type of authorization details; no more tokens are issued with it',
    },
    description: 'Tokens that were issued before a change stay as they are.',
    things: types,
    async save(token, { type, description = null, schema }) {
      const saved = { type, description, schema };
      await types.save(token, saved);
      return saved;
    },
    toView: (type) => ({ ...type }),
    placeOf: ({ type }) => [type],
  });
}
