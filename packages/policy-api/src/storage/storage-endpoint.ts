/** The API of storage destinations. */
import { accessTokenOf } from '@postern/guard/fastify';
import { Deleted, defineBulk, Name, nullable, PageQuery, pageOf, pageView, sliceOf } from '@postern/http-api';
import { Type } from 'typebox';
import { type Endpoint, type EndpointOptions, operation } from '../endpoint.ts';
import { Key } from '../key.ts';
import { getStorageConfig, putStorageConfig, removeStorageConfig } from './storage-administration.ts';
import { listStorageConfigs } from './storage-store.ts';
import { StorageDetailsSchema, StorageFormatSchema, StorageTypeSchema, StorageView } from './storage-view.ts';

export const StorageElement = Type.Object(
  {
    key: Type.Optional(nullable(Key)),
    name: Type.Optional(Name),
    type: Type.Optional(StorageTypeSchema),
    format: Type.Optional({ ...StorageFormatSchema, description: 'Format of the uploaded data. Default: json.' }),
    details: Type.Optional(StorageDetailsSchema),
  },
  {
    title: 'StorageElement',
    additionalProperties: false,
    examples: [{ key: 'results', name: 'Results', type: 's3', details: { bucket: 'results' } }],
  },
);

const bulk = defineBulk(StorageElement, StorageView);

const StoragePath = Type.Object({ config_key: Key });

export function storageEndpoint({ db, change, now }: EndpointOptions): Endpoint {
  return (app) => {
    app.get(
      '/api/v1/storage/config',
      operation('get_configs', 'storage:read', 'List storage destinations, oldest first', {
        lists: ['storage_config', 'key'],
        query: PageQuery,
        answer: pageView(StorageView),
      }),
      async ({ query }) => {
        const { configs, places, total } = await listStorageConfigs(db, sliceOf(query, 2));
        return pageOf(
          configs,
          total,
          query,
          (config) => config,
          (_, index) => places[index] ?? [],
        );
      },
    );

    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/storage/config',
        ...operation(
          method === 'PUT' ? 'put_config' : 'patch_config',
          'storage:create_or_update',
          'Create or update storage destinations',
          {
            description:
              'An element with the key of an existing destination updates the members that it sends; `details` are ' +
              'replaced as a whole. Any other element creates a destination and requires `name` and `type`; without ' +
              '`key`, the key is derived from the name. PUT and PATCH do the same.',
            changes: 'storage_config',
            body: bulk.body,
            answer: bulk.answer,
          },
        ),
        validatorCompiler: bulk.validatorCompiler,
        handler: (request) =>
          bulk.writeEach(request.body, ({ key, ...sent }) =>
            change(accessTokenOf(request), (transaction, append) =>
              putStorageConfig(transaction, append, key ?? undefined, sent, now()),
            ),
          ),
      });
    }

    app.get(
      '/api/v1/storage/config/:config_key',
      operation('get_config_by_key', 'storage:read', 'Read a storage destination', {
        reads: 'storage_config',
        params: StoragePath,
        answer: StorageView,
      }),
      (request) => getStorageConfig(db, request.params.config_key),
    );

    app.delete(
      '/api/v1/storage/config/:config_key',
      operation('delete_config_by_key', 'storage:delete', 'Delete a storage destination that no rule uses', {
        changes: 'storage_config',
        params: StoragePath,
        answer: Deleted,
        errors: [409],
      }),
      async (request) =>
        change(accessTokenOf(request), (transaction, append) =>
          removeStorageConfig(transaction, append, request.params.config_key),
        ),
    );
  };
}
