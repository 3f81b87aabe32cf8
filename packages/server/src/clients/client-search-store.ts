/** The text by which clients are found and sorted: converted to lower case here, so that every database does the same. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { certificateMethods } from './client-metadata.ts';

/** The lines that a search reads, and the name by which lists are sorted; a client without a name comes first. */
export function searchColumnsOf(client: {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
}) {
  const { id, name, description } = client;
  return {
    search_text: [id, name ?? '', description ?? ''].join('\n').toLowerCase(),
    sort_name: (name ?? '').toLowerCase(),
  };
}

/** SQL for whether the column contains the text, in which no character is a wildcard. */
function holdsText(column: string, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`;
}

/** SQL for whether the column contains exactly this text. The `like` of SQLite takes letters in any case for the same. */
export function holdsExactly(column: string, text: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`replace(${sql.ref(column)}, ${text}, '') <> ${sql.ref(column)}`;
}

/** Which clients are listed. A member that is undefined says nothing. */
export interface ClientFilter {
  /** Part of the id, the name or the description, in any case. */
  readonly search?: string | undefined;
  readonly scope?: string | undefined;
  /** The identifier of a resource. */
  readonly resource?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly authentication?: AuthenticationKind | undefined;
  /** They have expired, or do before then: RFC 3339, UTC. */
  readonly expiresBefore?: string | undefined;
  /** They got no token since then: RFC 3339, UTC. */
  readonly unusedSince?: string | undefined;
  /** Whether a request of theirs for a token failed since then: RFC 3339, UTC. */
  readonly failing?: { readonly since: string; readonly is: boolean } | undefined;
}

export const authenticationKinds = ['secret', 'private_key', 'certificate', 'workload'] as const;
export type AuthenticationKind = (typeof authenticationKinds)[number];

/** The registered methods of each kind; a client that registered none has a secret. */
const methodsOf: Readonly<Record<Exclude<AuthenticationKind, 'secret'>, readonly string[]>> = {
  private_key: ['private_key_jwt'],
  certificate: certificateMethods,
  workload: ['none', 'spiffe_jwt'],
};

/** SQL for whether the client in the table `part` passes the filter. */
export function passesFilter(filter: ClientFilter): RawBuilder<SqlBool> {
  const { search, scope, resource, enabled, authentication, expiresBefore, unusedSince, failing } = filter;
  const conditions = [
    search !== undefined && holdsText('search_text', search.toLowerCase()),
    scope !== undefined && holdsExactly('scopes', JSON.stringify(scope)),
    resource !== undefined && holdsExactly('metadata', JSON.stringify(resource)),
    enabled !== undefined && sql<SqlBool>`enabled = ${enabled ? 1 : 0}`,
    authentication !== undefined && authenticatesBy(authentication),
    expiresBefore !== undefined && sql<SqlBool>`expires_at < ${expiresBefore}`,
    unusedSince !== undefined &&
      sql<SqlBool>`not exists (select 1 from client_usage where client_usage.client_id = part.id and last_issued_at >= ${unusedSince})`,
    failing !== undefined &&
      sql<SqlBool>`${sql.raw(failing.is ? '' : 'not ')}exists (select 1 from token_failures where token_failures.client_id = part.id and last_at >= ${failing.since})`,
  ].filter((condition) => condition !== false);
  return conditions.length === 0 ? sql`1 = 1` : sql`${sql.join(conditions, sql` and `)}`;
}

/** SQL for whether the client whose column `metadata` is in the query authenticates that way. */
export function authenticatesBy(kind: AuthenticationKind): RawBuilder<SqlBool> {
  const usesOneOf = (methods: readonly string[]) =>
    sql<SqlBool>`(${sql.join(
      methods.map((method) => holdsExactly('metadata', `"token_endpoint_auth_method":"${method}"`)),
      sql` or `,
    )})`;
  return kind === 'secret'
    ? sql<SqlBool>`not ${usesOneOf(Object.values(methodsOf).flat())}`
    : usesOneOf(methodsOf[kind]);
}
