/** The API of policies. */
import { accessTokenOf } from '@postern/guard/fastify';
import { Deleted, defineBulk, Name, nullable, PageQuery, pageOf, pageView, sliceOf } from '@postern/http-api';
import { fromWireNames } from '@postern/protocol';
import { Type } from 'typebox';
import { type Endpoint, type EndpointOptions, operation } from '../endpoint.ts';
import { Key } from '../key.ts';
import { getPolicy, putPolicy, removePolicy } from './policy-administration.ts';
import { listPolicies } from './policy-store.ts';
import { DrpActionSchema, PolicyView, requireAsRead, toPolicyView } from './policy-views.ts';

export const PolicyElement = Type.Object(
  {
    key: Type.Optional(nullable(Key)),
    name: Type.Optional(Name),
    drp_action: Type.Optional(DrpActionSchema),
    rules: Type.Optional(
      Type.Unknown({
        readOnly: true,
        description: 'As GET gives them, or missing; the path of the rules changes them.',
      }),
    ),
  },
  {
    title: 'PolicyElement',
    additionalProperties: false,
    examples: [{ key: 'user_email', name: 'User e-mail addresses' }],
  },
);

const bulk = defineBulk(PolicyElement, PolicyView);

const PolicyPath = Type.Object({ policy_key: Key });

export function policiesEndpoint({ db, change, now }: EndpointOptions): Endpoint {
  return (app) => {
    app.get(
      '/api/v1/policy',
      operation('get_policy_list', 'policy:read', 'List policies with their rules, oldest first', {
        lists: ['policy', 'key'],
        query: PageQuery,
        answer: pageView(PolicyView),
      }),
      async ({ query }) => {
        const { policies, places, total } = await listPolicies(db, sliceOf(query, 2));
        return pageOf(policies, total, query, toPolicyView, (_, index) => places[index] ?? []);
      },
    );

    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/policy',
        ...operation('create_or_update_policies', 'policy:create_or_update', 'Create or update policies', {
          changes: 'policy',
          description:
            'An element with the key of an existing policy updates the members that it sends. Any other element creates ' +
            'a policy and requires `name`; without `key`, the key is derived from the name. PUT and PATCH do the same.',
          body: bulk.body,
          answer: bulk.answer,
        }),
        validatorCompiler: bulk.validatorCompiler,
        handler: (request) =>
          bulk.writeEach(request.body, ({ key, rules, ...sent }) =>
            change(accessTokenOf(request), async (transaction, append) => {
              const put = await putPolicy(transaction, append, key ?? undefined, fromWireNames(sent), now());
              const view = toPolicyView(put);
              requireAsRead({ rules }, view, 'the path of the rules');
              return view;
            }),
          ),
      });
    }

    app.get(
      '/api/v1/policy/:policy_key',
      operation('get_policy', 'policy:read', 'Read a policy with its rules', {
        reads: 'policy',
        isVolatile: true,
        params: PolicyPath,
        answer: PolicyView,
      }),
      async (request) => toPolicyView(await getPolicy(db, request.params.policy_key)),
    );

    app.delete(
      '/api/v1/policy/:policy_key',
      operation('delete_policy', 'policy:delete', 'Delete a policy with its rules and their targets', {
        changes: 'policy',
        params: PolicyPath,
        answer: Deleted,
      }),
      async (request) =>
        change(accessTokenOf(request), (transaction, append) =>
          removePolicy(transaction, append, request.params.policy_key),
        ),
    );
  };
}
