/** A rule: what a policy does with the data of its targets. Pure. */
import { OAuthError } from '@postern/protocol';
import type { StorageConfig } from '../storage/storage-config.ts';
import { type MaskingStrategy, requireConfigured, type SentMaskingStrategy } from './masking-strategy.ts';
import type { Target } from './target.ts';

export interface RuleSettings {
  readonly name: string;
  readonly actionType: 'access' | 'erasure';
  /** Where the data goes; for access, and only there. */
  readonly storageDestination: StorageConfig | null;
  /** What stays in the place of the data; for erasure, and only there. */
  readonly maskingStrategy: MaskingStrategy | null;
}

export interface Rule extends RuleSettings {
  readonly key: string;
  /** Oldest first. */
  readonly targets: readonly Target[];
}

/** What a caller may set. A member that is missing stays as it is. */
export type RuleChange = {
  readonly [Member in Exclude<keyof RuleSettings, 'maskingStrategy'>]?: RuleSettings[Member] | undefined;
} & { readonly maskingStrategy?: SentMaskingStrategy | null | undefined };

/**
 * The settings after the change; `before` is undefined for a new rule. A change of action leaves behind what only the
 * old action has a use for. Throws `invalid_parameter` if they do not fit together.
 *
 * Whether the targets still may be erased once the rule erases them is not checked here: see `policy.ts`.
 */
export function changeRule(before: RuleSettings | undefined, change: RuleChange): RuleSettings {
  const name = change.name ?? before?.name;
  const actionType = change.actionType ?? before?.actionType;
  if (name === undefined || actionType === undefined) {
    throw refuse(`${name === undefined ? 'name' : 'action_type'}: is required for a new rule.`);
  }
  const kept = actionType === before?.actionType ? before : undefined;
  const { storageDestination = kept?.storageDestination ?? null } = change;
  const maskingStrategy = configure(kept?.maskingStrategy ?? null, change.maskingStrategy);
  if (actionType === 'access') {
    if (storageDestination === null) {
      throw refuse('storage_destination_key: is required for an access rule.');
    }
    if (maskingStrategy !== null) {
      throw refuse('masking_strategy: does not apply to an access rule.');
    }
  } else {
    if (storageDestination !== null) {
      throw refuse('storage_destination_key: does not apply to an erasure rule.');
    }
    if (maskingStrategy === null) {
      throw refuse('masking_strategy: is required for an erasure rule.');
    }
    requireConfigured(maskingStrategy);
  }
  return { name, actionType, storageDestination, maskingStrategy };
}

function configure(
  before: MaskingStrategy | null,
  sent: SentMaskingStrategy | null | undefined,
): MaskingStrategy | null {
  if (sent === undefined || sent === null) {
    return sent === null ? null : before;
  }
  const { strategy, configuration = strategy === before?.strategy ? before.configuration : {} } = sent;
  return { strategy, configuration };
}

/** The rule with the target as its newest, in place of the one with the same key. */
export function withTarget(rule: Rule, target: Target): Rule {
  return { ...rule, targets: [...rule.targets.filter(({ key }) => key !== target.key), target] };
}

/** Throws `conflict` if two targets of the rule have the same category. */
export function requireTargetedOnce({ key, targets }: Rule): void {
  const categories = targets.map(({ dataCategory }) => dataCategory);
  const twice = categories.find((category, index) => categories.indexOf(category) !== index);
  if (twice !== undefined) {
    throw new OAuthError('conflict', `data_category: the rule ${key} has the target ${twice} already.`);
  }
}

function refuse(description: string): OAuthError {
  return new OAuthError('invalid_parameter', description);
}
