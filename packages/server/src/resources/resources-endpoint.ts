/** The management API of resources. */
import { accessTokenTyps, signingAlgorithms } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, keyText, nullable, PageQuery, pageView, slicePage } from '@postern/http-api';
import { Type } from 'typebox';
import { longestTokenTtlSeconds } from '../clients/client-metadata-schema.ts';
import { operation } from '../http/operation.ts';
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

const ResourcePath = Type.Object({ resource_key: Type.String() });

export interface ResourcesEndpointOptions {
  readonly resources: ResourceRegistry;
  readonly scopes: ScopeRegistry;
  /** Creates the keys that a resource requires and that are missing. */
  readonly maintainKeys: () => Promise<void>;
}

export function resourcesEndpoint({ resources, scopes, maintainKeys }: ResourcesEndpointOptions): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/resource',
      operation('list_resources', 'resource:read', 'List the resources that tokens can be for, by key', {
        lists: ['resource', 'key'],
        query: PageQuery,
        answer: pageView(ResourceBody),
      }),
      async (request) => slicePage(resources.list(), request.query, toView, ({ key }) => [key]),
    );

    app.put(
      '/api/v1/oauth/resource',
      operation('save_resource', 'resource:create_or_update', 'Create a resource, or change the one with that key', {
        changes: 'resource',
        body: ResourceBody,
        answer: ResourceBody,
        errors: [409],
      }),
      async (request) => {
        const { body } = request;
        const resource: Resource = {
          key: body.key,
          identifier: body.identifier,
          scopes: new Set(requireKnown(body.scopes, scopes)),
          accessTokenTtlSeconds: body.access_token_ttl_seconds ?? null,
          signingAlg: body.signing_alg ?? null,
          accessTokenTyp: body.access_token_typ ?? 'at+jwt',
          introspectionClients: body.introspection_clients ?? [],
        };
        await resources.save(accessTokenOf(request), resource);
        // An algorithm that is new here has no key yet.
        await maintainKeys();
        return toView(resource);
      },
    );

    app.get(
      '/api/v1/oauth/resource/:resource_key',
      operation('get_resource', 'resource:read', 'Read a resource', {
        reads: 'resource',
        params: ResourcePath,
        answer: ResourceBody,
      }),
      async (request) => toView(resources.get(request.params.resource_key)),
    );

    app.delete(
      '/api/v1/oauth/resource/:resource_key',
      operation('delete_resource', 'resource:delete', 'Delete a resource; no more tokens are issued for it', {
        changes: 'resource',
        params: ResourcePath,
        answer: Deleted,
      }),
      async (request) => resources.remove(accessTokenOf(request), request.params.resource_key),
    );
  };
}

function toView(resource: Resource) {
  return {
    key: resource.key,
    identifier: resource.identifier,
    scopes: [...resource.scopes],
    access_token_ttl_seconds: resource.accessTokenTtlSeconds,
    signing_alg: resource.signingAlg,
    access_token_typ: resource.accessTokenTyp,
    introspection_clients: [...resource.introspectionClients],
  };
}
