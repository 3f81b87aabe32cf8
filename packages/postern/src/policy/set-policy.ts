/** Makes a policy what it should be: its own members, its rules, and their targets. */
import type {
  BulkAnswer,
  Policy,
  PolicyElement,
  Rule,
  RuleElement,
  Target,
  TargetElement,
} from '@postern/policy-api/admin-contract';
import { CommandError, usageError } from '../command/command-error.ts';
import { path } from '../connection/path.ts';
import type { ServerApi } from '../connection/server-api.ts';

export interface WantedPolicy {
  readonly name: string | undefined;
  /** `none` takes it away. */
  readonly drpAction: string | undefined;
  /** What the file held; undefined leaves the rules as they are. */
  readonly rules: unknown;
}

interface WantedRule {
  readonly element: RuleElement;
  readonly targets: readonly TargetElement[];
}

const policyPath = (key: string) => path`/api/v1/policy/${key}`;
const rulePath = (key: string, rule: string) => path`/api/v1/policy/${key}/rule/${rule}`;

/**
 * The policy as it is afterwards. The API writes rules and targets one after the other, so where one is refused, those
 * before it stay; the error says which it was. Throws `CommandError`.
 */
export async function setPolicy(api: ServerApi, key: string, wanted: WantedPolicy): Promise<Policy> {
  const rules = wanted.rules === undefined ? undefined : readRules(wanted.rules);
  const element = {
    key,
    ...(wanted.name !== undefined && { name: wanted.name }),
    ...(wanted.drpAction !== undefined && { drp_action: wanted.drpAction === 'none' ? null : wanted.drpAction }),
  } as PolicyElement;
  await write<Policy>(api, '/api/v1/policy', [element], `the policy ${key}`);
  if (rules !== undefined) {
    await setRules(api, key, rules);
  }
  return api.get<Policy>(policyPath(key));
}

/** What is not wanted goes first, for no two rules of a policy may erase the same. */
async function setRules(api: ServerApi, key: string, wanted: readonly WantedRule[]): Promise<void> {
  const before = await api.get<Policy>(policyPath(key));
  for (const rule of before.rules) {
    const kept = wanted.find(({ element }) => element.key === rule.key);
    if (kept === undefined) {
      await api.send('DELETE', rulePath(key, rule.key));
      continue;
    }
    const categories = new Set(kept.targets.map(({ data_category }) => data_category));
    for (const target of rule.targets.filter(({ data_category }) => !categories.has(data_category))) {
      await api.send('DELETE', `${rulePath(key, rule.key)}${path`/target/${target.key}`}`);
    }
  }
  for (const { element, targets } of wanted) {
    const name = `the rule ${element.key ?? element.name}`;
    const [rule] = await write<Rule>(api, `${policyPath(key)}/rule`, [element], name);
    await write<Target>(api, `${rulePath(key, (rule as Rule).key)}/target`, targets, `a target of ${name}`);
  }
}

/** As in the API, or as `policy show` prints them. */
function readRules(value: unknown): WantedRule[] {
  const list = Array.isArray(value) ? value : (value as { rules?: unknown } | null)?.rules;
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'object' && one !== null)) {
    throw usageError('the file of rules holds neither an array of rules nor an object with one as "rules".');
  }
  return list.map(({ targets = [], storage_destination, ...element }) => ({
    element: { ...element, ...(storage_destination && { storage_destination_key: storage_destination.key }) },
    targets,
  }));
}

/** At most as many at once as the API takes. */
const mostElements = 50;

async function write<View>(api: ServerApi, url: string, elements: readonly object[], what: string): Promise<View[]> {
  const written: View[] = [];
  for (let first = 0; first < elements.length; first += mostElements) {
    const { succeeded, failed } = await api.send<BulkAnswer<View>>(
      'PUT',
      url,
      elements.slice(first, first + mostElements),
    );
    written.push(...succeeded);
    const [fault] = failed;
    if (fault !== undefined) {
      throw new CommandError(`${what} is refused: ${fault.message}`);
    }
  }
  return written;
}
