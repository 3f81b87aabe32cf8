/** The API of storage destinations. */
import { accessTokenOf } from '@postern/guard/fastify';
import { Deleted, defineBulk, errorResponses, Name, nullable, PageQuery, pageOf, pageView } from '@postern/http-api';
import { Type } from 'typebox';
import type { Endpoint, EndpointOptions } from '../endpoint.ts';
import { Key } from '../key.ts';
import { getStorageConfig, putStorageConfig, removeStorageConfig } from './storage-administration.ts';
import { listStorageConfigs } from './storage-store.ts';
import { StorageDetailsSchema, StorageFormatSchema, StorageTypeSchema, StorageView } from './storage-view.ts';

export const StorageElement = Type.Object(
  {
    key: Type.Optional(nullable(Key)),
    name: Type.Optional(Name),
    type: Type.Optional(StorageTypeSchema),
    format: Type.Optional({ ...StorageFormatSchema, description: 'Of the uploaded data: json by default.' }),
    details: Type.Optional(StorageDetailsSchema),
  },
  {
    additionalProperties: false,
    examples: [{ key: 'results', name: 'Results', type: 's3', details: { bucket: 'results' } }],
  },
);

const bulk = defineBulk(StorageElement, StorageView);

const StoragePath = Type.Object({ config_key: Key });

export function storageEndpoint({ db, change, timestamp }: EndpointOptions): Endpoint {
  return (app) => {
    app.get(
      '/api/v1/storage/config',
      {
        config: { scope: 'storage:read' },
        schema: {
          tags: ['Policy'],
          operationId: 'get_configs',
          summary: 'List storage destinations, oldest first',
          querystring: PageQuery,
          response: { 200: pageView(StorageView), ...errorResponses(401, 403, 422) },
        },
      },
      async ({ query }) => {
        const { configs, total } = await listStorageConfigs(db, query.page, query.size);
        return pageOf(configs, total, query);
      },
    );

    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/storage/config',
        config: { scope: 'storage:create_or_update' },
        validatorCompiler: bulk.validatorCompiler,
        schema: {
          tags: ['Policy'],
          operationId: method === 'PUT' ? 'put_config' : 'patch_config',
          summary: 'Make or change storage destinations',
          description:
            'An element with the key of a destination changes what it sends and leaves the rest; `details` are sent ' +
            'whole. Any other makes one, and needs `name` and `type`; without `key`, the key comes from the ' +
            'name. PUT and PATCH do the same.',
          body: bulk.body,
          response: { 200: bulk.answer, ...errorResponses(400, 401, 403, 413, 415, 422) },
        },
        handler: (request) =>
          bulk.writeEach(request.body, ({ key, ...sent }) =>
            change(accessTokenOf(request), (transaction, append) =>
              putStorageConfig(transaction, append, key ?? undefined, sent, timestamp()),
            ),
          ),
      });
    }

    app.get(
      '/api/v1/storage/config/:config_key',
      {
        config: { scope: 'storage:read' },
        schema: {
          tags: ['Policy'],
          operationId: 'get_config_by_key',
          summary: 'Read a storage destination',
          params: StoragePath,
          response: { 200: StorageView, ...errorResponses(401, 403, 404, 422) },
        },
      },
      (request) => getStorageConfig(db, request.params.config_key),
    );

    app.delete(
      '/api/v1/storage/config/:config_key',
      {
        config: { scope: 'storage:delete' },
        schema: {
          tags: ['Policy'],
          operationId: 'delete_config_by_key',
          summary: 'Delete a storage destination that no rule uses',
          params: StoragePath,
          response: { 204: Deleted, ...errorResponses(401, 403, 404, 409, 422) },
        },
      },
      async (request, reply) => {
        await change(accessTokenOf(request), (transaction, append) =>
          removeStorageConfig(transaction, append, request.params.config_key),
        );
        return reply.code(204).send(null);
      },
    );
  };
}
