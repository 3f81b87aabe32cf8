/** The API of the targets of a rule. They are read with their rule. */
import { accessTokenOf } from '@postern/guard/fastify';
import { Deleted, defineBulk, Name, nullable } from '@postern/http-api';
import { Type } from 'typebox';
import { type Endpoint, type EndpointOptions, operation } from '../endpoint.ts';
import { Key } from '../key.ts';
import { getRule } from './policy.ts';
import { getPolicy } from './policy-administration.ts';
import { TargetView, toTargetView } from './policy-views.ts';
import { putTarget, removeTarget } from './target-administration.ts';

export const TargetElement = Type.Object(
  {
    key: Type.Optional(nullable(Key)),
    name: Type.Optional(nullable(Name)),
    data_category: Type.Optional(
      Type.String({
        description: 'A key of the Fides taxonomy; the target includes everything below it.',
      }),
    ),
  },
  { title: 'TargetElement', additionalProperties: false, examples: [{ data_category: 'user.contact.email' }] },
);

const bulk = defineBulk(TargetElement, TargetView);

const RulePath = Type.Object({ policy_key: Key, rule_key: Key });
const TargetPath = Type.Object({ policy_key: Key, rule_key: Key, target_key: Key });

export function targetsEndpoint({ db, change, now }: EndpointOptions): Endpoint {
  return (app) => {
    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/policy/:policy_key/rule/:rule_key/target',
        ...operation('create_or_update_rule_targets', 'rule:create_or_update', 'Create or update targets of a rule', {
          changes: 'policy',
          description:
            'An element with the key of an existing target updates the members that it sends. Any other element ' +
            'creates a target and requires `data_category`; without `key`, the key is derived from the name, or from ' +
            'rule and category. PUT and PATCH do the same. No erasure target of a policy may equal or include another.',
          params: RulePath,
          body: bulk.body,
          answer: bulk.answer,
        }),
        validatorCompiler: bulk.validatorCompiler,
        handler: async (request) => {
          const { policy_key, rule_key } = request.params;
          getRule(await getPolicy(db, policy_key), rule_key);
          return bulk.writeEach(request.body, (element) =>
            change(accessTokenOf(request), async (transaction, append) => {
              const { key, name, data_category: dataCategory } = element;
              const sent = { key: key ?? undefined, name: name ?? undefined, dataCategory };
              return toTargetView(await putTarget(transaction, append, policy_key, rule_key, sent, now()));
            }),
          );
        },
      });
    }

    app.delete(
      '/api/v1/policy/:policy_key/rule/:rule_key/target/:target_key',
      operation('delete_rule_target', 'rule:delete', 'Delete a target', {
        changes: 'policy',
        params: TargetPath,
        answer: Deleted,
      }),
      async (request) => {
        const { policy_key, rule_key, target_key } = request.params;
        return change(accessTokenOf(request), (transaction, append) =>
          removeTarget(transaction, append, policy_key, rule_key, target_key),
        );
      },
    );
  };
}
