/** What the database says about tokens and credentials: its own rows, judged by a few lines that share nothing with the server. */
import type { PostgresPair } from './postgres-pair.ts';

export interface IssuedToken {
  /** Its `jti`. */
  readonly id: string;
  readonly text: string;
  readonly clientId: string;
  readonly generation: number;
  readonly kid: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly parents: readonly Parent[];
}

/** A token that was exchanged for another one. */
interface Parent {
  readonly jti: string;
  readonly kid: string;
  readonly clientId: string;
  readonly generation: number;
}

export interface Secret {
  readonly id: string;
  readonly clientId: string;
  readonly text: string;
}

interface ClientRow {
  readonly id: string;
  readonly enabled: boolean;
  readonly generation: number;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
}

export interface Truth {
  readonly active: readonly string[];
  /** Tokens and secrets of clients that the database does not have. */
  readonly clientless: readonly string[];
  readonly clients: ReadonlyMap<string, ClientRow>;
}

export async function readTruth(
  postgres: PostgresPair,
  tokens: Iterable<IssuedToken>,
  secrets: Iterable<Secret>,
): Promise<Truth> {
  const { rows } = await postgres.query('select id, enabled, generation, scopes, metadata from clients');
  const clients = new Map(
    rows.map((row): [string, ClientRow] => [
      row.id,
      {
        id: row.id,
        enabled: row.enabled === 1,
        generation: Number(row.generation),
        scopes: JSON.parse(row.scopes),
        resources: JSON.parse(row.metadata).resources ?? [],
      },
    ]),
  );
  const read = async (query: string) => new Set((await postgres.query(query)).rows.map(({ id }) => id as string));
  const revoked = await read('select jti as id from revoked_tokens');
  const kids = await read('select kid as id from signing_keys');
  // A secret is known by its end: the database has only a digest of it.
  const kept = await read(
    `select client_id || ' ' || last_four as id from client_secrets where expires_at is null or expires_at > to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS')`,
  );
  const floors = await postgres.query(
    "select data from events where kind = 'all_tokens.revoked' order by sequence desc limit 1",
  );
  const floor: number = floors.rows.length === 0 ? 0 : JSON.parse(floors.rows[0].data).generation;
  const isCurrent = (token: IssuedToken) =>
    [{ jti: token.id, kid: token.kid, clientId: token.clientId, generation: token.generation }, ...token.parents].every(
      ({ jti, kid, clientId, generation }) => {
        const client = clients.get(clientId);
        return (
          !revoked.has(jti) &&
          kids.has(kid) &&
          generation >= floor &&
          client?.enabled === true &&
          generation >= client.generation &&
          token.scopes.every((scope) => client.scopes.includes(scope)) &&
          token.resources.every((resource) => client.resources.includes(resource))
        );
      },
    );
  const active: string[] = [];
  const clientless: string[] = [];
  for (const token of tokens) {
    if (![token, ...token.parents].every(({ clientId }) => clients.has(clientId))) {
      clientless.push(token.id);
    } else if (isCurrent(token)) {
      active.push(token.id);
    }
  }
  for (const { id, clientId, text } of secrets) {
    if (!clients.has(clientId)) {
      clientless.push(id);
    } else if (clients.get(clientId)?.enabled === true && kept.has(`${clientId} ${text.slice(-4)}`)) {
      active.push(id);
    }
  }
  return { active, clientless, clients };
}
