/** Compares what there must be by the audit trail with what the server has: changes without an event were made in the database. */
import { operations } from '@postern/admin';
import type { ServerConnection } from '../connection/server-connection.ts';
import { allKinds } from '../files/kinds/all-kinds.ts';
import type { FileKind, JsonObject } from '../files/kinds/file-kind.ts';
import { startProgress } from '../output/progress.ts';
import { idMembers, isOmitted, type Replayed } from './replay.ts';

/** What the events do not say, or the API does not show, so that a replay cannot find a change of it. */
export const notCompared =
  'revoked tokens, initial and registration access tokens, policies, their rules and storage destinations, how long secrets are valid, the ' +
  'secrets themselves, signing keys that expired or were removed, and values that the trail omits for their length';

/** The sections of files whose entries are replayed. */
const sections = {
  client: 'clients',
  client_policy: 'client_policies',
  scope: 'scopes',
  resource: 'resources',
  issuer: 'issuers',
  authorization_details_type: 'authorization_details_types',
} as const;

/** Returns a sentence for each difference. */
export async function compareReplay(connection: ServerConnection, expected: Replayed): Promise<string[]> {
  const differences: string[] = [];
  for (const [prefix, section] of Object.entries(sections) as [keyof typeof sections, string][]) {
    const kind = allKinds.find((one) => one.section === section);
    if (kind === undefined) {
      throw new Error(`files have no section ${section}`);
    }
    const actual = (await kind.read(connection, undefined)) as readonly JsonObject[];
    const byId = new Map(actual.map((entry) => [String(entry[idMembers[prefix]]), entry]));
    differences.push(...compareEntries(kind, expected[prefix], byId));
  }
  differences.push(...(await compareSecrets(connection, expected)), ...(await compareKeys(connection, expected)));
  return differences;
}

function compareEntries(
  kind: FileKind,
  expected: ReadonlyMap<string, JsonObject>,
  actual: ReadonlyMap<string, JsonObject>,
): string[] {
  const missing = [...expected.keys()].filter((id) => !actual.has(id));
  const added = [...actual.keys()].filter((id) => !expected.has(id));
  const changed = [...expected].flatMap(([id, wanted]) => {
    const present = actual.get(id);
    const changes = present === undefined ? [] : kind.compare(wanted, present);
    return changes
      .filter(({ name }) => !isOmitted(wanted[name]))
      .map(
        ({ name, before, after }) =>
          `${name} of the ${kind.noun} ${id} is ${shown(before)}, and by the trail ${shown(after)}`,
      );
  });
  return [
    ...missing.map((id) => `the ${kind.noun} ${id} is missing: no event says that it was deleted`),
    ...added.map((id) => `the ${kind.noun} ${id} exists: no event says that it was created`),
    ...changed,
  ];
}

function shown(value: unknown): string {
  return value === undefined ? 'at its default' : JSON.stringify(value);
}

async function compareSecrets({ admin }: ServerConnection, { client, secrets }: Replayed): Promise<string[]> {
  const differences: string[] = [];
  const progress = startProgress('clients compared');
  let done = 0;
  for (const id of client.keys()) {
    const known = secrets.get(id) ?? new Set();
    // A client that is missing is reported already.
    const present = await admin.find(operations.secrets.list(id));
    const ids = present?.items.map(({ secret_id }) => secret_id) ?? [...known];
    differences.push(
      ...ids
        .filter((secretId) => !known.has(secretId))
        .map((secretId) => `the client ${id} has the secret ${secretId}: no event says that it was created`),
      ...[...known]
        .filter((secretId) => !ids.includes(secretId))
        .map((secretId) => `the client ${id} lacks the secret ${secretId}: no event says that it was deleted`),
    );
    done += 1;
    progress.report(done, client.size);
  }
  progress.end();
  return differences;
}

async function compareKeys({ all }: ServerConnection, { keys }: Replayed): Promise<string[]> {
  const present = await all(operations.keys.list(), 'signing keys read');
  return present
    .filter(({ kid }) => !keys.has(kid))
    .map(({ kid }) => `the signing key ${kid} exists: no event says that it was created`);
}
