/** The API of the rules of a policy. */
import { accessTokenOf } from '@postern/guard/fastify';
import { Deleted, defineBulk, Name, nullable, PageQuery, pageView, slicePage } from '@postern/http-api';
import { fromWireNames } from '@postern/protocol';
import { Type } from 'typebox';
import { type Endpoint, type EndpointOptions, operation } from '../endpoint.ts';
import { Key } from '../key.ts';
import { getRule } from './policy.ts';
import { getPolicy } from './policy-administration.ts';
import { ActionTypeSchema, MaskingStrategySchema, RuleView, requireAsRead, toRuleView } from './policy-views.ts';
import { putRule, removeRule } from './rule-administration.ts';

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
      nullable({ ...Key, description: 'Required for access: the destination of the data.' }),
    ),
    masking_strategy: Type.Optional(
      nullable({ ...MaskingStrategySchema, description: 'Required for erasure: what replaces the data.' }),
    ),
    storage_destination: Type.Optional(
      Type.Unknown({ readOnly: true, description: 'As GET gives it, or missing; storage_destination_key changes it.' }),
    ),
    targets: Type.Optional(
      Type.Unknown({
        readOnly: true,
        description: 'As GET gives them, or missing; the path of the targets changes them.',
      }),
    ),
  },
  { title: 'RuleElement', additionalProperties: false, examples: [exampleRule] },
);

const bulk = defineBulk(RuleElement, RuleView);

const PolicyPath = Type.Object({ policy_key: Key });
const RulePath = Type.Object({ policy_key: Key, rule_key: Key });

export function rulesEndpoint({ db, change, now }: EndpointOptions): Endpoint {
  return (app) => {
    app.get(
      '/api/v1/policy/:policy_key/rule',
      operation('get_rule_list', 'rule:read', 'List the rules of a policy, oldest first', {
        reads: 'policy',
        isVolatile: true,
        params: PolicyPath,
        query: PageQuery,
        answer: pageView(RuleView),
      }),
      async ({ params, query }) =>
        slicePage((await getPolicy(db, params.policy_key)).rules, query, toRuleView, ({ key }) => [key]),
    );

    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/policy/:policy_key/rule',
        ...operation('create_or_update_rules', 'rule:create_or_update', 'Create or update rules of a policy', {
          changes: 'policy',
          description:
            'An element with the key of an existing rule updates the members that it sends. Any other element creates a rule and requires `name` and `action_type`; without ' +
            '`key`, the key is derived from the name. PUT and PATCH do the same. No two erasure rules of a policy ' +
            'may target the same data.',
          params: PolicyPath,
          body: bulk.body,
          answer: bulk.answer,
        }),
        validatorCompiler: bulk.validatorCompiler,
        handler: async (request) => {
          const { policy_key } = request.params;
          await getPolicy(db, policy_key);
          return bulk.writeEach(request.body, (element) =>
            change(accessTokenOf(request), async (transaction, append) => {
              const { storage_destination, targets, ...members } = element;
              const { key, ...rule } = fromWireNames(members);
              const view = toRuleView(await putRule(transaction, append, policy_key, key ?? undefined, rule, now()));
              requireAsRead({ storage_destination }, view, 'storage_destination_key');
              requireAsRead({ targets }, view, 'the path of the targets');
              return view;
            }),
          );
        },
      });
    }

    app.get(
      '/api/v1/policy/:policy_key/rule/:rule_key',
      operation('get_rule', 'rule:read', 'Read a rule with its targets', {
        reads: 'policy',
        isVolatile: true,
        params: RulePath,
        answer: RuleView,
      }),
      async ({ params }) => toRuleView(getRule(await getPolicy(db, params.policy_key), params.rule_key)),
    );

    app.delete(
      '/api/v1/policy/:policy_key/rule/:rule_key',
      operation('delete_rule', 'rule:delete', 'Delete a rule with its targets', {
        changes: 'policy',
        params: RulePath,
        answer: Deleted,
      }),
      async (request) => {
        const { policy_key, rule_key } = request.params;
        return change(accessTokenOf(request), (transaction, append) =>
          removeRule(transaction, append, policy_key, rule_key),
        );
      },
    );
  };
}
