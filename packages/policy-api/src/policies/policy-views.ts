/** Policies, rules and targets as callers see them. */
import { isDeepStrictEqual } from 'node:util';
import { nullable, printableText } from '@postern/http-api';
import { OAuthError, toWireNames } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { StorageView } from '../storage/storage-view.ts';
import { maskingStrategyNames } from './masking-strategy.ts';
import type { Policy } from './policy.ts';
import type { Rule } from './rule.ts';
import type { Target } from './target.ts';

export const DrpActionSchema = nullable(
  Type.Enum(['access', 'deletion'], { description: 'The action of the Data Rights Protocol that the policy answers.' }),
);

export const ActionTypeSchema = Type.Enum(['access', 'erasure']);

export const MaskingStrategySchema = Type.Object(
  {
    strategy: Type.Enum(maskingStrategyNames),
    configuration: Type.Optional(
      Type.Object(
        {
          algorithm: Type.Optional(Type.Enum(['SHA-256', 'SHA-512'], { description: 'For hash and hmac.' })),
          mode: Type.Optional(Type.Enum(['GCM'], { description: 'For aes_encrypt.' })),
          length: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 1_000, description: 'For random_string_rewrite: characters.' }),
          ),
          rewrite_value: Type.Optional(printableText(1_000, { description: 'Required for string_rewrite.' })),
          format_preservation: Type.Optional(
            Type.Object(
              { suffix: printableText(200, { description: 'Appended to the masked value, such as @example.com.' }) },
              { additionalProperties: false, description: 'For all but null_rewrite.' },
            ),
          ),
        },
        {
          additionalProperties: false,
          writeOnly: true,
          description: 'Is replaced as a whole and never answered. Without it, that of the same strategy stays.',
        },
      ),
    ),
  },
  { title: 'MaskingStrategy', additionalProperties: false },
);

export const TargetView = Type.Object(
  {
    key: Type.String(),
    name: Type.String(),
    data_category: Type.String(),
  },
  { title: 'Target' },
);

export const RuleView = Type.Object(
  {
    key: Type.String(),
    name: Type.String(),
    action_type: ActionTypeSchema,
    storage_destination: nullable(StorageView),
    masking_strategy: nullable(Type.Pick(MaskingStrategySchema, ['strategy'])),
    targets: Type.Array(TargetView),
  },
  { title: 'Rule' },
);

export const PolicyView = Type.Object(
  {
    key: Type.String(),
    name: Type.String(),
    drp_action: DrpActionSchema,
    rules: Type.Array(RuleView),
  },
  { title: 'Policy' },
);

/**
 * Throws `invalid_parameter` if a member that was sent is not as it is read after the change. Callers may send back what they
 * have read, but such a member is changed elsewhere.
 */
export function requireAsRead(sent: object, view: object, elsewhere: string): void {
  const present = view as Readonly<Record<string, unknown>>;
  for (const [member, value] of Object.entries(sent)) {
    if (value !== undefined && !isDeepStrictEqual(value, present[member])) {
      throw new OAuthError('invalid_parameter', `${member}: cannot be changed here, only by ${elsewhere}.`);
    }
  }
}

export function toTargetView(target: Target): Static<typeof TargetView> {
  return toWireNames(target);
}

export function toRuleView({ targets, maskingStrategy, ...rule }: Rule): Static<typeof RuleView> {
  return {
    ...toWireNames(rule),
    masking_strategy: maskingStrategy && { strategy: maskingStrategy.strategy },
    targets: targets.map(toTargetView),
  };
}

export function toPolicyView({ rules, ...policy }: Policy): Static<typeof PolicyView> {
  return { ...toWireNames(policy), rules: rules.map(toRuleView) };
}
