/** The API of policies. */
import { accessTokenOf } from '@postern/guard/fastify';
import { Deleted, defineBulk, errorResponses, Name, nullable, PageQuery, pageOf, pageView } from '@postern/http-api';
import { Type } from 'typebox';
import type { Endpoint, EndpointOptions } from '../endpoint.ts';
import { Key } from '../key.ts';
import { getPolicy, putPolicy, removePolicy } from './policy-administration.ts';
import { listPolicies } from './policy-store.ts';
import { DrpActionSchema, PolicyView, toPolicyView } from './policy-views.ts';

export const PolicyElement = Type.Object(
  {
    key: Type.Optional(nullable(Key)),
    name: Type.Optional(Name),
    drp_action: Type.Optional(DrpActionSchema),
  },
  { additionalProperties: false, examples: [{ key: 'user_email', name: 'User e-mail addresses' }] },
);

const bulk = defineBulk(PolicyElement, PolicyView);

const PolicyPath = Type.Object({ policy_key: Key });

export function policiesEndpoint({ db, change, timestamp }: EndpointOptions): Endpoint {
  return (app) => {
    app.get(
      '/api/v1/policy',
      {
        config: { scope: 'policy:read' },
        schema: {
          tags: ['Policy'],
          operationId: 'get_policy_list',
          summary: 'List policies with their rules, oldest first',
          querystring: PageQuery,
          response: { 200: pageView(PolicyView), ...errorResponses(401, 403, 422) },
        },
      },
      async ({ query }) => {
        const { policies, total } = await listPolicies(db, query.page, query.size);
        return pageOf(policies.map(toPolicyView), total, query);
      },
    );

    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/policy',
        config: { scope: 'policy:create_or_update' },
        validatorCompiler: bulk.validatorCompiler,
        schema: {
          tags: ['Policy'],
          operationId: 'create_or_update_policies',
          summary: 'Make or change policies',
          description:
            'An element with the key of a policy changes what it sends and leaves the rest. Any other makes one, and ' +
            'needs `name`; without `key`, the key comes from the name. PUT and PATCH do the same.',
          body: bulk.body,
          response: { 200: bulk.answer, ...errorResponses(400, 401, 403, 413, 415, 422) },
        },
        handler: (request) =>
          bulk.writeEach(request.body, ({ key, name, drp_action: drpAction }) =>
            change(accessTokenOf(request), async (transaction, append) =>
              toPolicyView(await putPolicy(transaction, append, key ?? undefined, { name, drpAction }, timestamp())),
            ),
          ),
      });
    }

    app.get(
      '/api/v1/policy/:policy_key',
      {
        config: { scope: 'policy:read' },
        schema: {
          tags: ['Policy'],
          operationId: 'get_policy',
          summary: 'Read a policy with its rules',
          params: PolicyPath,
          response: { 200: PolicyView, ...errorResponses(401, 403, 404, 422) },
        },
      },
      async (request) => toPolicyView(await getPolicy(db, request.params.policy_key)),
    );

    app.delete(
      '/api/v1/policy/:policy_key',
      {
        config: { scope: 'policy:delete' },
        schema: {
          tags: ['Policy'],
          operationId: 'delete_policy',
          summary: 'Delete a policy with its rules and their targets',
          params: PolicyPath,
          response: { 204: Deleted, ...errorResponses(401, 403, 404, 422) },
        },
      },
      async (request, reply) => {
        await change(accessTokenOf(request), (transaction, append) =>
          removePolicy(transaction, append, request.params.policy_key),
        );
        return reply.code(204).send(null);
      },
    );
  };
}
