/** What must be done so that the server has what files say: a pure comparison, and the calls in an order that works. */
import { ifUnchanged } from '@postern/admin';
import type { Actual } from './actual.ts';
import type { Call } from './call.ts';
import { type Declared, type Entry, idOf } from './declared.ts';
import { type FileKind, type JsonObject, type MemberChange, nameWithId } from './kinds/file-kind.ts';
import { placeOfRefusal } from './refused-call.ts';
import { formatPlace } from './yaml-source.ts';

export interface Change {
  readonly action: 'create' | 'change' | 'delete';
  /** Such as "client". */
  readonly kind: string;
  readonly id: string;
  /** The id, with the name of the entry if it has another one. */
  readonly label: string;
  /** Where a file asks for it, as `file:line:column`; undefined for a deletion. */
  readonly place: string | undefined;
  readonly members: readonly MemberChange[];
}

/** An entry with members that are sent although they may be on the server: it does not show them. */
export interface Resent {
  readonly kind: string;
  readonly id: string;
  readonly members: readonly string[];
}

export interface Plan {
  readonly changes: readonly Change[];
  readonly resent: readonly Resent[];
  readonly unchanged: number;
  /** What happens to tokens that are active now, a sentence each. */
  readonly warnings: readonly string[];
  /** Sent as one batch, they make the server match the files. */
  readonly calls: readonly Call[];
  /** How many of the new entries get a secret. */
  readonly newSecrets: number;
}

export interface PlanOptions {
  /** Deletes what the sections of the files do not have. */
  readonly prune: boolean;
  /** The client whose token is used, which must not delete itself. */
  readonly ownClientId: string;
}

export function makePlan(declared: Declared, actual: Actual, options: PlanOptions): Plan {
  const plans = [...declared].map(([kind, entries]) => planKind(kind, entries, actual.get(kind) ?? new Map(), options));
  // What refers to others is deleted before them.
  const deletions = (when: FileKind['deleted']) =>
    plans.toReversed().flatMap(({ kind, deletions: calls }) => (kind.deleted === when ? calls : []));
  return {
    changes: plans.flatMap(({ changes }) => changes),
    resent: plans.flatMap(({ resent }) => resent),
    warnings: plans.flatMap(({ warnings }) => warnings),
    unchanged: plans.reduce((sum, { unchanged }) => sum + unchanged, 0),
    calls: [...deletions('before'), ...plans.flatMap(({ stages }) => stages.flat()), ...deletions('after')],
    newSecrets: plans.reduce((sum, { newSecrets }) => sum + newSecrets, 0),
  };
}

interface KindPlan {
  readonly kind: FileKind;
  readonly changes: readonly Change[];
  readonly resent: readonly Resent[];
  readonly unchanged: number;
  readonly warnings: readonly string[];
  /** As in `FileKind.save`, of all entries together. */
  readonly stages: readonly (readonly Call[])[];
  readonly deletions: readonly Call[];
  readonly newSecrets: number;
}

function planKind(
  kind: FileKind,
  entries: readonly Entry[],
  existing: ReadonlyMap<string, JsonObject>,
  { prune, ownClientId }: PlanOptions,
): KindPlan {
  const changes: Change[] = [];
  const resent: Resent[] = [];
  const warnings: string[] = [];
  const stages: Call[][] = [];
  let newSecrets = 0;
  for (const entry of entries) {
    const id = idOf(kind, entry.value);
    const before = existing.get(id);
    const members = kind.compare(entry.value, before);
    const hidden = (before !== undefined && kind.hiddenMembers?.(entry.value, before)) || [];
    if (hidden.length > 0) {
      resent.push({ kind: kind.noun, id, members: hidden });
    }
    if (before === undefined || members.length > 0) {
      const action = before === undefined ? 'create' : 'change';
      const label = nameWithId({ ...before, ...entry.value }, kind.idMember);
      changes.push({ action, kind: kind.noun, id, label, place: formatPlace(entry.placeOf([])), members });
      warnings.push(...((before !== undefined && kind.tokenConsequences?.(before, members)) || []));
    } else if (hidden.length === 0) {
      continue;
    }
    newSecrets += before === undefined && kind.getsSecret?.(entry.value) ? 1 : 0;
    for (const [stage, calls] of kind.save(entry.value, before, members).entries()) {
      stages[stage] ??= [];
      stages[stage].push(
        ...calls.map(({ operation, path }) => ({
          operation: ifUnchanged(operation, before),
          describe: (refusal: string) => `${formatPlace(placeOfRefusal({ entry, path }, refusal))}: ${kind.noun} ${id}`,
        })),
      );
    }
  }

  const ids = new Set(entries.map(({ value }) => idOf(kind, value)));
  const surplus = prune
    ? [...existing.keys()].filter((id) => !ids.has(id) && !kind.isProtected?.(id, ownClientId))
    : [];
  return {
    kind,
    changes: [
      ...changes,
      ...surplus.map((id) => ({
        action: 'delete' as const,
        kind: kind.noun,
        id,
        label: nameWithId(existing.get(id) ?? {}, kind.idMember),
        place: undefined,
        members: [],
      })),
    ],
    resent,
    unchanged: entries.length - changes.length,
    warnings: [
      ...warnings,
      ...surplus.flatMap((id) => kind.tokenConsequences?.(existing.get(id) ?? {}, undefined) ?? []),
    ],
    stages,
    deletions: surplus.map((id) => ({
      operation: ifUnchanged(kind.delete(id), existing.get(id)),
      describe: () => `deleting the ${kind.noun} ${id}`,
    })),
    newSecrets,
  };
}
