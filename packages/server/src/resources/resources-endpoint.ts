/** The management API of resources. */
import { accessTokenTyps, signingAlgorithms } from '@postern/guard';
import { type ApiPlugin, keyText, nullable } from '@postern/http-api';
import { toWireNames } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { longestTokenTtlSeconds } from '../clients/client-metadata-schema.ts';
import { savedThings } from '../http/saved-things.ts';
import { requireKnown, type ScopeRegistry } from '../scopes/scope-registry.ts';
import type { Resource } from './resource.ts';
import type { ResourceRegistry } from './resource-registry.ts';

export const ResourceBody = Type.Object(
  {
    key: keyText(100),
    identifier: Type.String({
      maxLength: 1_000,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'The audience of its tokens.',
    }),
    scopes: Type.Array(Type.String({ maxLength: 100 }), { maxItems: 1_000 }),
    access_token_ttl_seconds: Type.Optional(nullable(Type.Integer({ minimum: 1, maximum: longestTokenTtlSeconds }))),
    signing_alg: Type.Optional(nullable(Type.Enum([...signingAlgorithms]))),
    access_token_typ: Type.Optional(
      Type.Enum([...accessTokenTyps], {
        description:
          'The typ of its tokens. at+jwt: RFC 9068, the default. JWT: for APIs whose verifiers accept no other, such as ' +
          "Spring's by default, and cannot be changed; then nothing but their claims tells its tokens from other JWTs, " +
          'and guards refuse them unless told otherwise.',
      }),
    ),
    introspection_clients: Type.Optional(
      Type.Array(Type.String({ maxLength: 128 }), {
        maxItems: 100,
        description: 'Ids of the clients that act for it and may introspect its tokens.',
      }),
    ),
  },
  { title: 'Resource', additionalProperties: false },
);

export interface ResourcesEndpointOptions {
  readonly resources: ResourceRegistry;
  readonly scopes: ScopeRegistry;
  /** Creates the keys that a resource requires and that are missing. */
  readonly maintainKeys: () => Promise<void>;
}

export function resourcesEndpoint({ resources, scopes, maintainKeys }: ResourcesEndpointOptions): ApiPlugin {
  return savedThings({
    kind: 'resource',
    names: ['resource', 'resources'],
    path: '/api/v1/oauth/resource',
    idParameter: 'resource_key',
    idMember: 'key',
    body: ResourceBody,
    view: ResourceBody,
    summaries: {
      list: 'List the resources that tokens can be for, by key',
      save: 'Create a resource, or change the one with that key',
      get: 'Read a resource',
      delete: 'Delete a resource; no more tokens are issued for it',
    },
    conflicts: ['save'],
    things: resources,
    async save(token, body) {
      const resource: Resource = {
        key: body.key,
        identifier: body.identifier,
        scopes: new Set(requireKnown(body.scopes, scopes)),
        accessTokenTtlSeconds: body.access_token_ttl_seconds ?? null,
        signingAlg: body.signing_alg ?? null,
        accessTokenTyp: body.access_token_typ ?? 'at+jwt',
        introspectionClients: body.introspection_clients ?? [],
      };
      await resources.save(token, resource);
      // An algorithm that is new here has no key yet.
      await maintainKeys();
      return resource;
    },
    toView: (resource) => toWireNames(resource) as Static<typeof ResourceBody>,
    placeOf: ({ key }) => [key],
  });
}
