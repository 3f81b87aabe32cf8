/** Plans for people: what is created, changed and deleted, member by member. */
import { paint } from '../output/paint.ts';
import { oneLine } from '../output/terminal-text.ts';
import type { MemberChange } from './kinds/file-kind.ts';
import type { Change, Plan } from './plan.ts';

/** Values with more characters are cut. */
const longestValue = 100;

const signs = { create: ['green', '+'], change: ['yellow', '~'], delete: ['red', '-'] } as const;

/** What people see of a plan. */
export type ShownPlan = Pick<Plan, 'changes' | 'resent' | 'unchanged' | 'warnings'>;

export function formatPlan({ changes, resent, unchanged, warnings }: ShownPlan): string {
  const lines = [
    ...changes.flatMap((change) => [formatHead(change), ...change.members.map(formatMember)]),
    ...resent.flatMap(({ kind, id, members }) => [
      `= ${kind} ${oneLine(id)}\n`,
      ...members.map(
        (member) => `    ${oneLine(member)}: is sent, because the server does not show whether it differs\n`,
      ),
    ]),
  ];
  const consequences = warnings.map((text) => `${paint('yellow', '!')} ${oneLine(text)}\n`);
  const counts = `${formatCounts(changes, unchanged, resent.length)}\n`;
  return [lines, consequences, [counts]]
    .filter((part) => part.length > 0)
    .map((part) => part.join(''))
    .join('\n');
}

export function countActions(changes: readonly Change[]) {
  const count = (action: Change['action']) => changes.filter((change) => change.action === action).length;
  return { create: count('create'), change: count('change'), delete: count('delete') };
}

function formatCounts(changes: readonly Change[], unchanged: number, resent: number): string {
  if (changes.length + resent === 0) {
    return `Nothing to do: ${unchanged} unchanged.`;
  }
  const counts = countActions(changes);
  return `${counts.create} to create, ${counts.change} to change, ${counts.delete} to delete, ${unchanged} unchanged.`;
}

function formatHead({ action, kind, label, place }: Change): string {
  const [colour, sign] = signs[action];
  return `${paint(colour, sign)} ${kind} ${oneLine(label)}${place === undefined ? '' : `  (${oneLine(place)})`}\n`;
}

function formatMember({ name, before, after }: MemberChange): string {
  return `    ${oneLine(name)}: ${describe(before, after)}\n`;
}

function describe(before: unknown, after: unknown): string {
  if (before === undefined) {
    return format(after);
  }
  if (isTexts(before) && (after === undefined || isTexts(after))) {
    const [old, wanted] = [new Set(before), new Set(after)];
    const added = [...wanted.difference(old)].map((text) => `+${text}`);
    const removed = [...old.difference(wanted)].map((text) => `-${text}`);
    if (added.length + removed.length > 0) {
      return oneLine([...added, ...removed].join(' '));
    }
  }
  return `${format(before)} -> ${after === undefined ? 'the default' : format(after)}`;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function format(value: unknown): string {
  const text = isTexts(value) ? value.join(' ') : JSON.stringify(value);
  return oneLine(text.length > longestValue ? `${text.slice(0, longestValue)}...` : text);
}
