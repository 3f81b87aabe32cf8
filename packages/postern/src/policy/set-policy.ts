/** Changes a policy to what is wanted: its own members, its rules, and their targets. */
import {
  type AdminClient,
  ifUnchanged,
  operations,
  type Policy,
  type PolicyElement,
  type Rule,
  type RuleElement,
  requireWritten,
  type TargetElement,
} from '@postern/admin';
import { maxBulkElements } from '@postern/protocol/api-limits';
import { usageError } from '../command/command-error.ts';
import { sendIfUnchanged } from '../connection/thing-verbs.ts';

export interface WantedPolicy {
  readonly name: string | undefined;
  /** `none` removes it. */
  readonly drpAction: string | undefined;
  /** What the file contains; undefined leaves the rules as they are. */
  readonly rules: unknown;
}

interface WantedRule {
  readonly element: RuleElement;
  readonly targets: readonly TargetElement[];
}

/**
 * Returns the policy as it is afterwards. Changes nothing if somebody else changes it before the first write. The API writes rules and targets one after the other: if it rejects one, those
 * before it stay, and the error says which one it was. Throws `CommandError` and `AdminError`.
 */
export async function setPolicy(admin: AdminClient, key: string, wanted: WantedPolicy): Promise<Policy> {
  const rules = wanted.rules === undefined ? undefined : parseRules(wanted.rules);
  const element = {
    key,
    ...(wanted.name !== undefined && { name: wanted.name }),
    ...(wanted.drpAction !== undefined && { drp_action: wanted.drpAction === 'none' ? null : wanted.drpAction }),
  } as PolicyElement;
  const present = operations.policies.get(key);
  const change = operations.policies.save([element]);
  if (rules === undefined) {
    requireWritten(await sendIfUnchanged(admin, present, change), `the policy ${key}`);
  } else {
    const before = await admin.find(present);
    requireWritten(await admin.send(ifUnchanged(change, before)), `the policy ${key}`);
    await setRules(admin, key, before?.rules ?? [], rules);
  }
  return admin.policies.get(key);
}

/** Deletes first what is not wanted, because no two rules of a policy may erase the same data. */
async function setRules(
  admin: AdminClient,
  key: string,
  before: readonly Rule[],
  wanted: readonly WantedRule[],
): Promise<void> {
  for (const rule of before) {
    const kept = wanted.find(({ element }) => element.key === rule.key);
    if (kept === undefined) {
      await admin.rules.delete(key, rule.key);
      continue;
    }
    const categories = new Set(kept.targets.map(({ data_category }) => data_category));
    for (const target of rule.targets.filter(({ data_category }) => !categories.has(data_category))) {
      await admin.targets.delete(key, rule.key, target.key);
    }
  }
  for (const { element, targets } of wanted) {
    const name = `the rule ${element.key ?? element.name}`;
    const [rule] = requireWritten(await admin.rules.save(key, [element]), name);
    for (let first = 0; first < targets.length; first += maxBulkElements) {
      const part = targets.slice(first, first + maxBulkElements);
      requireWritten(await admin.targets.save(key, (rule as Rule).key, part), `a target of ${name}`);
    }
  }
}

/** Rules as the API takes them, or as `policy show` prints them. Throws `CommandError`. */
function parseRules(value: unknown): WantedRule[] {
  const list = Array.isArray(value) ? value : (value as { rules?: unknown } | null)?.rules;
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'object' && one !== null)) {
    throw usageError('the file of rules has neither an array of rules nor an object with one as "rules".');
  }
  return list.map(({ targets = [], storage_destination, ...element }) => ({
    element: { ...element, ...(storage_destination && { storage_destination_key: storage_destination.key }) },
    targets,
  }));
}
