/** What must be done so that the server has what files say: a pure comparison, and the calls in an order that works. */
import type { Policy } from '@postern/policy-api/admin-contract';
import { path } from '../connection/path.ts';
import type { Actual } from './actual.ts';
import type { Call } from './call.ts';
import { type Declared, idOf, nounOf, type Section, sections, type Thing } from './declared.ts';
import { compare, deleteOperation, type KindSection, type MemberChange, saveOperation } from './kind.ts';
import { type PolicyPlan, planPolicy } from './plan-policy.ts';
import { formatPlace } from './yaml-source.ts';

export interface Change {
  readonly action: 'create' | 'change' | 'delete';
  /** Such as "client". */
  readonly kind: string;
  readonly id: string;
  /** Where a file asks for it, as `file:line:column`; undefined for what no file has. */
  readonly place: string | undefined;
  readonly members: readonly MemberChange[];
}

export interface Plan {
  readonly changes: readonly Change[];
  readonly unchanged: number;
  /** All as one change makes the server what the files say. */
  readonly calls: readonly Call[];
}

export interface PlanOptions {
  /** Deletes what the sections of the files do not have. */
  readonly prune: boolean;
  /** The client whose token is used, which must not delete itself. */
  readonly ownClientId: string;
}

/** Sections whose things are told apart by more than their id, so that old ones must go before new ones come. */
const deletedFirst: readonly Section[] = ['policies', 'issuers', 'clients', 'resources'];

/** Others, which may be deleted only once nothing has them any more. */
const deletedLast: readonly Section[] = ['storage', 'authorization_details_types', 'scopes'];

export function makePlan(declared: Declared, actual: Actual, { prune, ownClientId }: PlanOptions): Plan {
  const changes: Change[] = [];
  const deletions = new Map<Section, Call[]>();
  const saves = new Map<Section, Call[]>();
  const policies: PolicyPlan[] = [];
  let unchanged = 0;

  for (const section of sections) {
    const wanted = declared[section] ?? [];
    const ids = new Set(wanted.map(({ value }) => idOf(section, value)));
    const gone = [...actual[section].keys()].filter((id) => prune && !ids.has(id) && !isOwn(section, id, ownClientId));
    deletions.set(
      section,
      gone.map((id) => deletion(section, id)),
    );
    for (const entry of wanted) {
      const id = idOf(section, entry.value);
      const before = actual[section].get(id);
      const members: MemberChange[] = [];
      if (section === 'policies') {
        const planned = planPolicy(entry, before as Policy | undefined);
        policies.push(planned);
        members.push(...planned.members);
      } else {
        members.push(...compare(section, entry.value, before));
        if (before === undefined || members.length > 0) {
          const operation = saveOperation(section, entry.value, before && members);
          push(saves, section, { operation, what: `${nounOf[section]} ${id}`, place: { entry, at: [] } });
        }
      }
      if (before !== undefined && members.length === 0) {
        unchanged += 1;
      } else {
        const action = before === undefined ? 'create' : 'change';
        changes.push({ action, kind: nounOf[section], id, place: formatPlace(entry.placeOf([])), members });
      }
    }
    changes.push(
      ...gone.map((id) => ({ action: 'delete' as const, kind: nounOf[section], id, place: undefined, members: [] })),
    );
  }

  const ofPolicies = (part: Exclude<keyof PolicyPlan, 'members'>) => policies.flatMap((planned) => planned[part]);
  const calls = [
    ...deletedFirst.flatMap((section) => deletions.get(section) ?? []),
    ...ofPolicies('removals'),
    ...ofPolicies('releases'),
    ...sections.flatMap((section) => saves.get(section) ?? []),
    ...ofPolicies('policies'),
    ...ofPolicies('rules'),
    ...ofPolicies('targets'),
    ...deletedLast.flatMap((section) => deletions.get(section) ?? []),
  ];
  return { changes, unchanged, calls };
}

function isOwn(section: Section, id: string, ownClientId: string): boolean {
  return section === 'clients' && id === ownClientId;
}

function deletion(section: Section, id: string): Call {
  const operation =
    section === 'policies'
      ? { method: 'DELETE' as const, path: path`/api/v1/policy/${id}` }
      : deleteOperation(section satisfies KindSection, id);
  return { operation, what: `${nounOf[section]} ${id}`, place: undefined };
}

function push(map: Map<Section, Call[]>, section: Section, call: Call): void {
  const calls = map.get(section) ?? [];
  calls.push(call);
  map.set(section, calls);
}

/** The ids of clients that are made and get a secret. */
export function newSecretHolders({ calls }: Plan): string[] {
  return calls.flatMap(({ operation }) => {
    if (operation.method !== 'POST') {
      return [];
    }
    const { client_id, token_endpoint_auth_method: method } = operation.body as Thing;
    return method === undefined || method === null || String(method).startsWith('client_secret')
      ? String(client_id)
      : [];
  });
}
