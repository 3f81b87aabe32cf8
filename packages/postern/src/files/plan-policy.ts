/** What makes a policy what a file says: its own members, its rules, and their targets. */
import type { Policy, Rule, Target, TargetElement } from '@postern/policy-api/admin-contract';
import { path } from '../connection/path.ts';
import type { Call } from './call.ts';
import type { Entry, Thing } from './declared.ts';
import { changesBetween, type MemberChange } from './kind.ts';
import type { Step } from './yaml-source.ts';

/** As the schema has it. */
interface WantedPolicy {
  readonly key: string;
  readonly name: string;
  readonly drp_action?: string | null;
  readonly rules?: readonly WantedRule[];
}

interface WantedRule {
  readonly key: string;
  readonly name: string;
  readonly action_type: string;
  readonly storage_destination_key?: string | null;
  readonly masking_strategy?: { readonly strategy: string; readonly configuration?: object } | null;
  readonly targets?: readonly TargetElement[];
}

/** Calls in the order of the members, each of all policies before the next. */
export interface PolicyPlan {
  readonly members: readonly MemberChange[];
  /** Rules and targets that are not wanted; while they are there, others may not be. */
  readonly removals: readonly Call[];
  /** Takes its action away, which another policy may get. */
  readonly releases: readonly Call[];
  readonly policies: readonly Call[];
  readonly rules: readonly Call[];
  readonly targets: readonly Call[];
}

const policies = '/api/v1/policy';

export function planPolicy(entry: Entry, actual: Policy | undefined): PolicyPlan {
  const wanted = entry.value as unknown as WantedPolicy;
  const call = (method: 'PUT' | 'DELETE', url: string, body: unknown, at: readonly Step[]): Call => ({
    operation: { method, path: url, ...(body !== undefined && { body }) },
    what: `policy ${wanted.key}`,
    place: { entry, at },
  });
  const own = changesBetween(ownMembers(actual), ownMembers(wanted));
  const before = new Map(actual?.rules.map((rule) => [rule.key, rule]));
  const after = new Map((wanted.rules ?? []).map((rule, index) => [rule.key, { rule, index }]));

  const removals: Call[] = [];
  for (const rule of before.values()) {
    const kept = after.get(rule.key);
    if (kept === undefined) {
      removals.push(call('DELETE', rulePath(wanted.key, rule.key), undefined, []));
      continue;
    }
    for (const target of rule.targets.filter((one) => !isWanted(one, kept.rule.targets))) {
      const url = rulePath(wanted.key, rule.key) + path`/target/${target.key}`;
      removals.push(call('DELETE', url, undefined, ['rules', kept.index]));
    }
  }

  const [rules, targets]: [Call[], Call[]] = [[], []];
  for (const [key, { rule, index }] of after) {
    const actualRule = before.get(key);
    if (changesBetween(ruleMembers(actualRule), ruleMembers(rule)).length > 0) {
      rules.push(call('PUT', `${policies}${path`/${wanted.key}/rule`}`, [ruleElement(rule)], ['rules', index]));
    }
    for (const [number, target] of (rule.targets ?? []).entries()) {
      const there = actualRule?.targets.find((one) => one.data_category === target.data_category);
      if (there === undefined || !isWanted(there, [target]) || (target.name ?? there.name) !== there.name) {
        const url = `${rulePath(wanted.key, key)}/target`;
        const at = ['rules', index, 'targets', number];
        targets.push(call('PUT', url, [{ ...target, key: target.key ?? there?.key ?? null }], at));
      }
    }
  }

  const action = actual?.drp_action ?? null;
  const isReleased = action !== null && own.some(({ name }) => name === 'drp_action');
  return {
    members: [...own, ...changesBetween(membersOfRules(actual?.rules, wanted), membersOfRules(wanted.rules, wanted))],
    removals,
    releases: isReleased ? [call('PUT', policies, [{ key: wanted.key, drp_action: null }], ['drp_action'])] : [],
    policies:
      own.length > 0
        ? [call('PUT', policies, [{ key: wanted.key, name: wanted.name, drp_action: wanted.drp_action ?? null }], [])]
        : [],
    rules,
    targets,
  };
}

function rulePath(policy: string, rule: string): string {
  return path`/api/v1/policy/${policy}/rule/${rule}`;
}

/** A target that is wanted under another key goes, and comes anew. */
function isWanted({ key, data_category }: Target, wanted: readonly TargetElement[] = []): boolean {
  return wanted.some((one) => one.data_category === data_category && (one.key ?? key) === key);
}

function ownMembers(policy: Pick<WantedPolicy, 'name' | 'drp_action'> | undefined): Thing {
  return policy === undefined
    ? {}
    : { name: policy.name, ...((policy.drp_action ?? null) !== null && { drp_action: policy.drp_action }) };
}

function ruleMembers(rule: WantedRule | Rule | undefined): Thing {
  return rule === undefined
    ? {}
    : Object.fromEntries(Object.entries(ruleElement(rule)).filter(([name, value]) => name !== 'key' && value !== null));
}

function ruleElement(rule: WantedRule | Rule) {
  const { key, name, action_type, masking_strategy: masking } = rule;
  const destination = 'storage_destination' in rule ? rule.storage_destination?.key : asWanted(rule);
  return {
    key,
    name,
    action_type,
    storage_destination_key: destination ?? null,
    masking_strategy: masking ? { strategy: masking.strategy, configuration: masking.configuration ?? {} } : null,
  };
}

function asWanted(rule: WantedRule | Rule): string | null | undefined {
  return (rule as WantedRule).storage_destination_key;
}

/** With the keys and names of those targets only for which the file has them; Postern makes the others. */
function membersOfRules(rules: readonly (WantedRule | Rule)[] = [], wanted: WantedPolicy): Thing {
  return Object.fromEntries(
    rules.flatMap((rule) => {
      const named = wanted.rules?.find(({ key }) => key === rule.key)?.targets ?? [];
      const own = Object.entries(ruleMembers(rule));
      const categories = (rule.targets ?? []).map(({ data_category }) => data_category).toSorted();
      const said = (rule.targets ?? []).flatMap((target) => {
        const one = named.find(({ data_category }) => data_category === target.data_category);
        return (['key', 'name'] as const).flatMap((name): [string, unknown][] =>
          (one?.[name] ?? null) === null ? [] : [[`targets.${target.data_category}.${name}`, target[name]]],
        );
      });
      return [...own, ...(categories.length > 0 ? [['targets', categories] as const] : []), ...said].map(
        ([name, value]): [string, unknown] => [`rules.${rule.key}.${name}`, value],
      );
    }),
  );
}
