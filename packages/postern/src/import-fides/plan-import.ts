/** Decides which clients of Fides are imported with which scopes, and what is left out and why. Pure. */
import { type Change, operations, type Scope } from '@postern/admin';
import { oneLine } from '../output/terminal-text.ts';
import type { FidesClient } from './fides-client.ts';

export interface ImportPlan {
  readonly clients: readonly ImportedClient[];
  readonly skipped: readonly SkippedClient[];
  /** Scopes that Postern does not have and that are created. */
  readonly newScopes: readonly string[];
  /** Scopes that Postern does not have and that are not created. */
  readonly lostScopes: readonly string[];
}

export interface ImportedClient {
  readonly client_id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly scopes: readonly string[];
  readonly lost_scopes: readonly string[];
  /** Roles, whose scopes are not imported. */
  readonly lost_roles: readonly string[];
}

export interface SkippedClient {
  readonly client_id: string;
  readonly reason: string;
}

export interface ImportOptions {
  /** All scopes of Postern. */
  readonly scopes: readonly Scope[];
  /** Ids of the clients of Postern. */
  readonly existing: ReadonlySet<string>;
  /** Ids of the clients to import; empty for all. */
  readonly only: readonly string[];
  readonly registerScopes: boolean;
}

export function planImport(found: readonly FidesClient[], options: ImportOptions): ImportPlan {
  const { scopes, existing, only, registerScopes } = options;
  const wanted = found.filter(({ id }) => only.length === 0 || only.includes(id));
  const skipped: SkippedClient[] = [];
  const taken: FidesClient[] = [];
  for (const client of wanted) {
    const reason = reasonToSkip(client, existing);
    if (reason === undefined) {
      taken.push(client);
    } else {
      skipped.push({ client_id: client.id, reason });
    }
  }
  for (const id of only.filter((one) => !found.some((client) => client.id === one))) {
    skipped.push({ client_id: id, reason: 'Fides does not have it' });
  }

  const known = new Set(scopes.map(({ name }) => name));
  const unknown = [...new Set(taken.flatMap((client) => client.scopes))].filter((name) => !known.has(name)).toSorted();
  const families = scopes
    .filter(({ administrative }) => administrative)
    .map(({ name }) => name.slice(0, name.indexOf(':') + 1));
  const newScopes = registerScopes ? unknown.filter((name) => canBeRegistered(name, families)) : [];
  const held = known.union(new Set(newScopes));
  return {
    clients: taken.map(({ id, name, description, scopes: own, roles }) => ({
      client_id: id,
      name: name === null || oneLine(name).trim() === '' ? null : oneLine(name).slice(0, 200),
      description: description === null ? null : oneLine(description).slice(0, 2_000),
      scopes: [...new Set(own)].filter((scope) => held.has(scope)),
      lost_scopes: [...new Set(own)].filter((scope) => !held.has(scope)),
      lost_roles: roles,
    })),
    skipped,
    newScopes,
    lostScopes: unknown.filter((name) => !newScopes.includes(name)),
  };
}

export function importOperations({ clients, newScopes }: ImportPlan): Change<unknown>[] {
  return [
    ...newScopes.map((name) => operations.scopes.save([{ name, description: `${name}, imported from Fides` }])),
    ...clients.map(({ client_id, name, description, scopes }) =>
      operations.clients.create({ client_id, name, description, scopes: [...scopes] }),
    ),
  ];
}

function reasonToSkip({ id, userId, fidesKey }: FidesClient, existing: ReadonlySet<string>): string | undefined {
  if (existing.has(id)) {
    return 'Postern already has a client with this id';
  }
  if (userId !== null) {
    return 'it is the session of a user; users do not sign in to Postern';
  }
  if (fidesKey === 'admin_ui_root') {
    return 'Fides created it for its own pages';
  }
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(id)) {
    return 'its id has characters other than letters, digits, hyphens and underscores';
  }
  return undefined;
}

/** Whether the server accepts the name: RFC 6749 §3.3, and not in a family of administrative scopes. */
function canBeRegistered(name: string, families: readonly string[]): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(name) && !families.some((family) => name.startsWith(family));
}
