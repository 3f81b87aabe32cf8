/** Policies as people read them. */
import type { Policy } from '@postern/admin';
import { formatRecord, formatTable } from '../output/table.ts';

export function formatPolicies(policies: readonly Policy[]): string {
  return policies.length === 0
    ? 'No policies. Create one: postern policy set KEY --name NAME\n'
    : formatTable(
        ['key', 'name', 'answers', 'rules'],
        policies.map(({ key, name, drp_action, rules }) => [key, name, drp_action, rules.length]),
      );
}

export function formatPolicy({ key, name, drp_action, rules }: Policy): string {
  const record = formatRecord([
    ['key', key],
    ['name', name],
    ['answers', drp_action],
  ]);
  const table = formatTable(
    ['rule', 'name', 'action', 'with', 'targets'],
    rules.map((rule) => [
      rule.key,
      rule.name,
      rule.action_type,
      rule.masking_strategy?.strategy ?? rule.storage_destination?.key,
      rule.targets.map((target) => target.data_category),
    ]),
  );
  return rules.length === 0 ? record : `${record}\n${table}`;
}
