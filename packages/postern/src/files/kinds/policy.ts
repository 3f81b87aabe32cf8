/** Privacy policies in files, with their rules and the targets of these as parts. */
import {
  type Change,
  operations,
  type Policy,
  type Rule,
  type RuleElement,
  type Target,
  type TargetElement,
} from '@postern/admin';
import type { FileKind, JsonObject, MemberChange, SaveCall, Step } from './file-kind.ts';
import { findChanges } from './member-changes.ts';

/** A policy as the schema of files has it. */
interface PolicyEntry {
  readonly key: string;
  readonly name: string;
  readonly drp_action?: Policy['drp_action'];
  readonly rules?: readonly RuleEntry[];
}

interface RuleEntry extends RuleElement {
  readonly key: string;
  readonly name: string;
  readonly action_type: Rule['action_type'];
  readonly targets?: readonly TargetElement[];
}

export const policyKind: FileKind = {
  section: 'policies',
  noun: 'policy',
  idMember: 'key',
  deleted: 'before',
  read: ({ admin }) => admin.all(operations.policies.list()),
  compare: (wanted, actual) => comparePolicies(wanted as unknown as PolicyEntry, actual as Policy | undefined),
  save: (wanted, actual, changes) =>
    planCalls(wanted as unknown as PolicyEntry, (actual as Policy | undefined)?.rules ?? [], changes),
  delete: (id) => operations.policies.delete(id),
  toEntry: (actual) => toPolicyEntry(actual as unknown as Policy),
  hiddenMembers: (wanted, actual) =>
    rulesOf(wanted as unknown as PolicyEntry)
      .filter((rule) => isConfigurationHidden(rule, findRule(actual as unknown as Policy, rule.key)))
      .map(({ key }) => `rules.${key}.masking_strategy.configuration`),
  namedParts: (wanted) =>
    rulesOf(wanted as unknown as PolicyEntry).flatMap(({ key, targets = [] }, index) => [
      { name: `rule ${key}`, path: ['rules', index, 'key'] },
      ...targets.map(({ data_category }, number) => ({
        name: `target ${data_category} of the rule ${key}`,
        path: ['rules', index, 'targets', number],
      })),
    ]),
};

function toPolicyEntry({ key, name, drp_action: action, rules }: Policy): JsonObject {
  return {
    key,
    name,
    ...(action && { drp_action: action }),
    ...(rules.length > 0 && {
      rules: rules.map((rule) => ({
        key: rule.key,
        ...ruleMembers(toRuleEntry(rule)),
        ...(rule.targets.length > 0 && {
          targets: rule.targets.map((target) => ({
            data_category: target.data_category,
            key: target.key,
            name: target.name,
          })),
        }),
      })),
    }),
  };
}

function rulesOf({ rules }: PolicyEntry): readonly RuleEntry[] {
  return rules ?? [];
}

function findRule(policy: Policy | undefined, key: string): Rule | undefined {
  return policy?.rules.find((rule) => rule.key === key);
}

/** Whether the file has the configuration of a masking strategy of which the server shows only the name. */
function isConfigurationHidden({ masking_strategy: masking }: RuleEntry, actual: Rule | undefined): boolean {
  return masking?.configuration !== undefined && masking.strategy === actual?.masking_strategy?.strategy;
}

function comparePolicies(wanted: PolicyEntry, actual: Policy | undefined): MemberChange[] {
  const named = new Map(rulesOf(wanted).map(({ key, targets = [] }) => [key, targets]));
  const membersOf = ({ name, drp_action: action }: PolicyEntry | Policy, rules: readonly RuleEntry[]): JsonObject => ({
    name,
    ...(action && { drp_action: action }),
    ...Object.fromEntries(rules.flatMap((rule) => describeRule(rule, named.get(rule.key) ?? []))),
  });
  return findChanges(
    actual === undefined ? {} : membersOf(actual, actual.rules.map(toRuleEntry)),
    membersOf(
      wanted,
      rulesOf(wanted).map((rule) => withoutHidden(rule, findRule(actual, rule.key))),
    ),
  );
}

function withoutHidden(rule: RuleEntry, actual: Rule | undefined): RuleEntry {
  return isConfigurationHidden(rule, actual) ? { ...rule, masking_strategy: actual?.masking_strategy ?? null } : rule;
}

/**
 * The members of a rule that are not at their defaults. Keys and names of targets are among them only if the file has
 * them (`named`), since the server makes up the others.
 */
function describeRule(rule: RuleEntry, named: readonly TargetElement[]): [name: string, value: unknown][] {
  const { key, targets = [] } = rule;
  const categories = targets.map(({ data_category }) => data_category).toSorted();
  const members: [string, unknown][] = [
    ...Object.entries(ruleMembers(rule)),
    ...(categories.length > 0 ? [['targets', categories] as [string, unknown]] : []),
    ...targets.flatMap((target) => {
      const inFile = named.find(({ data_category }) => data_category === target.data_category);
      return (['key', 'name'] as const)
        .filter((name) => (inFile?.[name] ?? null) !== null)
        .map((name): [string, unknown] => [`targets.${target.data_category}.${name}`, target[name]]);
    }),
  ];
  return members.map(([name, value]) => [`rules.${key}.${name}`, value]);
}

/** In stages, since surplus rules, targets and actions may conflict with wanted ones, also of other policies. */
function planCalls(wanted: PolicyEntry, before: readonly Rule[], changes: readonly MemberChange[]): SaveCall[][] {
  const { key, name, drp_action = null } = wanted;
  const changed = new Map(changes.map((change) => [change.name, change]));
  const existing = new Map(before.map((rule) => [rule.key, rule]));
  const isReleased = changed.get('drp_action')?.before !== undefined;
  return [
    before.flatMap((rule) => planDeletions(wanted, rule)),
    isReleased ? [call(operations.policies.save([{ key, drp_action: null }]), ['drp_action'])] : [],
    changed.has('name') || changed.has('drp_action')
      ? [call(operations.policies.save([{ key, name, drp_action }]), [])]
      : [],
    rulesOf(wanted).flatMap((rule, index) => planRule(key, rule, existing.get(rule.key), ['rules', index])),
    rulesOf(wanted).flatMap((rule, index) => planTargets(key, rule, existing.get(rule.key), ['rules', index])),
  ];
}

function planDeletions(wanted: PolicyEntry, rule: Rule): SaveCall[] {
  const index = rulesOf(wanted).findIndex(({ key }) => key === rule.key);
  const kept = rulesOf(wanted)[index];
  if (kept === undefined) {
    return [call(operations.rules.delete(wanted.key, rule.key), [])];
  }
  return rule.targets
    .filter((target) => !isWanted(target, kept.targets))
    .map(({ key }) => call(operations.targets.delete(wanted.key, rule.key, key), ['rules', index]));
}

function planRule(policy: string, rule: RuleEntry, actual: Rule | undefined, at: readonly Step[]): SaveCall[] {
  const isSame =
    actual !== undefined &&
    !isConfigurationHidden(rule, actual) &&
    findChanges(ruleMembers(toRuleEntry(actual)), ruleMembers(rule)).length === 0;
  return isSame ? [] : [call(operations.rules.save(policy, [wholeRule(rule)]), at)];
}

function planTargets(policy: string, rule: RuleEntry, actual: Rule | undefined, at: readonly Step[]): SaveCall[] {
  return (rule.targets ?? []).flatMap((target, number) => {
    const existing = actual?.targets.find(({ data_category }) => data_category === target.data_category);
    if (existing !== undefined && isWanted(existing, [target]) && (target.name ?? existing.name) === existing.name) {
      return [];
    }
    const body = { ...target, key: target.key ?? existing?.key ?? null };
    return [call(operations.targets.save(policy, rule.key, [body]), [...at, 'targets', number])];
  });
}

/** A target that is wanted under another key is deleted and created again. */
function isWanted({ key, data_category }: Target, wanted: readonly TargetElement[] = []): boolean {
  return wanted.some((one) => one.data_category === data_category && (one.key ?? key) === key);
}

function toRuleEntry({ storage_destination: destination, ...rule }: Rule): RuleEntry {
  return { ...rule, storage_destination_key: destination?.key ?? null };
}

/** With every member, since the server keeps those that are not sent. */
function wholeRule({ key, name, action_type, storage_destination_key = null, masking_strategy = null }: RuleEntry) {
  return { key, name, action_type, storage_destination_key, masking_strategy };
}

function ruleMembers(rule: RuleEntry): JsonObject {
  return Object.fromEntries(
    Object.entries(wholeRule(rule)).filter(([name, value]) => name !== 'key' && value !== null),
  );
}

function call(operation: Change<unknown>, at: readonly Step[]): SaveCall {
  return { operation, path: at };
}
