/**
 * A policy: which data is disclosed, and which is erased, when a person asks for it. It is read and checked as one
 * with its rules and their targets. Pure.
 */
import { OAuthError, showName } from '@postern/protocol';
import { findOverlap } from '../taxonomy/overlap.ts';
import type { Rule } from './rule.ts';

export interface PolicySettings {
  readonly name: string;
  /** The action of the Data Rights Protocol that the policy answers; no two policies answer the same one. */
  readonly drpAction: 'access' | 'deletion' | null;
}

export interface Policy extends PolicySettings {
  readonly key: string;
  /** Oldest first. */
  readonly rules: readonly Rule[];
}

/** What a caller may set. A member that is missing stays as it is. */
export interface PolicyChange {
  readonly name?: string | undefined;
  readonly drpAction?: PolicySettings['drpAction'] | undefined;
}

/** The settings after the change; `before` is undefined for a new policy. Throws `invalid_parameter`. */
export function changePolicy(before: PolicySettings | undefined, change: PolicyChange): PolicySettings {
  const name = change.name ?? before?.name;
  if (name === undefined) {
    throw new OAuthError('invalid_parameter', 'name: is required for a new policy.');
  }
  return { name, drpAction: change.drpAction === undefined ? (before?.drpAction ?? null) : change.drpAction };
}

/** Throws `not_found`, also for a rule of another policy. */
export function getRule(policy: Policy, ruleKey: string): Rule {
  const rule = policy.rules.find(({ key }) => key === ruleKey);
  if (rule === undefined) {
    throw new OAuthError('not_found', `There is no rule ${showName(ruleKey)} in the policy ${policy.key}.`);
  }
  return rule;
}

/** The policy with the rule as its newest, in place of the one with the same key. */
export function withRule(policy: Policy, rule: Rule): Policy {
  return { ...policy, rules: [...policy.rules.filter(({ key }) => key !== rule.key), rule] };
}

/**
 * Throws `conflict` if two targets of erasure rules cover the same data, in one rule or in two: what is erased
 * by one cannot be masked by the other.
 */
export function requireErasedOnce(policy: Policy): void {
  const erased = policy.rules
    .filter(({ actionType }) => actionType === 'erasure')
    .flatMap(({ targets }) => targets.map(({ dataCategory }) => dataCategory));
  const pair = findOverlap(erased);
  if (pair !== undefined) {
    throw new OAuthError(
      'conflict',
      pair[0] === pair[1]
        ? `The policy ${policy.key} would erase ${pair[0]} twice.`
        : `The policy ${policy.key} would erase ${pair[0]} and ${pair[1]}, one of which is part of the other.`,
    );
  }
}
