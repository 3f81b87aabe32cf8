/** The API of the rules of a policy. */
import { accessTokenOf } from '@postern/guard/fastify';
import { Deleted, defineBulk, errorResponses, Name, nullable, PageQuery, pageOf, pageView } from '@postern/http-api';
import { type Static, Type } from 'typebox';
import type { Endpoint, EndpointOptions } from '../endpoint.ts';
import { Key } from '../key.ts';
import { getRule } from './policy.ts';
import { getPolicy } from './policy-administration.ts';
import { ActionTypeSchema, MaskingStrategySchema, RuleView, toRuleView } from './policy-views.ts';
import { putRule, removeRule, type SentRuleChange } from './rule-administration.ts';

const exampleRule = {
  key: 'mask_user_email',
  name: 'Mask user e-mail addresses',
  action_type: 'erasure',
  masking_strategy: { strategy: 'hash', configuration: { algorithm: 'SHA-512' } },
};

export const RuleElement = Type.Object(
  {
    key: Type.Optional(nullable(Key)),
    name: Type.Optional(Name),
    action_type: Type.Optional(ActionTypeSchema),
    storage_destination_key: Type.Optional(
      nullable({ ...Key, description: 'For access, which needs it: where the data goes.' }),
    ),
    masking_strategy: Type.Optional(
      nullable({ ...MaskingStrategySchema, description: 'For erasure, which needs it: what stays in its place.' }),
    ),
  },
  { additionalProperties: false, examples: [exampleRule] },
);

const bulk = defineBulk(RuleElement, RuleView);

const PolicyPath = Type.Object({ policy_key: Key });
const RulePath = Type.Object({ policy_key: Key, rule_key: Key });

export function rulesEndpoint({ db, change, timestamp }: EndpointOptions): Endpoint {
  return (app) => {
    app.get(
      '/api/v1/policy/:policy_key/rule',
      {
        config: { scope: 'rule:read' },
        schema: {
          tags: ['Policy'],
          operationId: 'get_rule_list',
          summary: 'List the rules of a policy, oldest first',
          params: PolicyPath,
          querystring: PageQuery,
          response: { 200: pageView(RuleView), ...errorResponses(401, 403, 404, 422) },
        },
      },
      async ({ params, query }) => {
        const { rules } = await getPolicy(db, params.policy_key);
        const first = (query.page - 1) * query.size;
        return pageOf(rules.slice(first, first + query.size).map(toRuleView), rules.length, query);
      },
    );

    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/policy/:policy_key/rule',
        config: { scope: 'rule:create_or_update' },
        validatorCompiler: bulk.validatorCompiler,
        schema: {
          tags: ['Policy'],
          operationId: 'create_or_update_rules',
          summary: 'Make or change rules of a policy',
          description:
            'An element with the key of a rule changes what it sends and leaves the rest; `masking_strategy` is sent ' +
            'whole. Any other makes one, and needs `name` and `action_type`; without `key`, the key comes from the ' +
            'name. PUT and PATCH do the same. No two erasure rules of a policy may target the same data.',
          params: PolicyPath,
          body: bulk.body,
          response: { 200: bulk.answer, ...errorResponses(400, 401, 403, 404, 413, 415, 422) },
        },
        handler: async (request) => {
          const { policy_key } = request.params;
          await getPolicy(db, policy_key);
          return bulk.writeEach(request.body, (element) =>
            change(accessTokenOf(request), async (transaction, append) => {
              const key = element.key ?? undefined;
              return toRuleView(await putRule(transaction, append, policy_key, key, toChange(element), timestamp()));
            }),
          );
        },
      });
    }

    app.get(
      '/api/v1/policy/:policy_key/rule/:rule_key',
      {
        config: { scope: 'rule:read' },
        schema: {
          tags: ['Policy'],
          operationId: 'get_rule',
          summary: 'Read a rule with its targets',
          params: RulePath,
          response: { 200: RuleView, ...errorResponses(401, 403, 404, 422) },
        },
      },
      async ({ params }) => toRuleView(getRule(await getPolicy(db, params.policy_key), params.rule_key)),
    );

    app.delete(
      '/api/v1/policy/:policy_key/rule/:rule_key',
      {
        config: { scope: 'rule:delete' },
        schema: {
          tags: ['Policy'],
          operationId: 'delete_rule',
          summary: 'Delete a rule with its targets',
          params: RulePath,
          response: { 204: Deleted, ...errorResponses(401, 403, 404, 422) },
        },
      },
      async (request, reply) => {
        const { policy_key, rule_key } = request.params;
        await change(accessTokenOf(request), (transaction, append) =>
          removeRule(transaction, append, policy_key, rule_key),
        );
        return reply.code(204).send(null);
      },
    );
  };
}

function toChange(element: Static<typeof RuleElement>): SentRuleChange {
  const { masking_strategy: masking } = element;
  return {
    name: element.name,
    actionType: element.action_type,
    storageDestinationKey: element.storage_destination_key,
    maskingStrategy: masking && { strategy: masking.strategy, configuration: masking.configuration ?? {} },
  };
}
