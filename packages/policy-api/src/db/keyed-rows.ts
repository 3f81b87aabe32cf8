/** What all tables have in common: the key and the name of a row are unique in its table. */
import { isDeepStrictEqual } from 'node:util';
import type { Place, Slice } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Append } from './change.ts';
import type { PolicyDatabase } from './schema.ts';

const kindOf = {
  policies: 'policy',
  policy_rules: 'rule',
  policy_rule_targets: 'target',
  storage_configs: 'storage destination',
} as const;

type Table = keyof typeof kindOf;

/** Kysely's types follow one table at a time; what is done here works on each. */
const anyTable = (table: Table) => table as 'policies';

/** What becomes of a row, and the event that says so. */
export interface RowChange<T extends Table> {
  /** Undefined: it is new. */
  readonly before: { readonly name: string } | undefined;
  readonly after: object;
  readonly row: Omit<PolicyDatabase[T], 'created_at'> & { readonly key: string; readonly name: string };
  readonly event: Parameters<Append>[0];
}

/** Updates or inserts the row, unless it is so already. Throws `conflict` if another row of the table has the key or the name. */
export async function saveRow<T extends Table>(
  db: Kysely<PolicyDatabase>,
  append: Append,
  table: T,
  { before, after, row, event }: RowChange<T>,
  createdAt: number,
): Promise<void> {
  if (isDeepStrictEqual(before, after)) {
    await append.unchanged(event);
    return;
  }
  if (row.name !== before?.name) {
    await requireUnused(db, table, 'name', row.name);
  }
  if (before !== undefined) {
    await db.updateTable(anyTable(table)).set(row).where('key', '=', row.key).execute();
  } else {
    await requireUnused(db, table, 'key', row.key);
    const values = { ...row, created_at: new Date(createdAt).toISOString() };
    await db
      .insertInto(anyTable(table))
      .values(values as unknown as PolicyDatabase['policies'])
      .execute();
  }
  await append(event);
}

/** The rows of other tables that belong to it are deleted too. */
export async function deleteRow(db: Kysely<PolicyDatabase>, table: Table, key: string): Promise<void> {
  await db.deleteFrom(anyTable(table)).where('key', '=', key).execute();
}

/** Lists part of the rows, oldest first. Their place is the time of their creation and their key. */
export async function listRows<T extends Table>(db: Kysely<PolicyDatabase>, table: T, { after, offset, limit }: Slice) {
  const { total } = await db
    .selectFrom(anyTable(table))
    .select((select) => select.fn.countAll().as('total'))
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom(anyTable(table))
    .selectAll()
    .$if(after !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('created_at', 'key'), '>', tuple(after?.[0] ?? '', after?.[1] ?? '')),
      ),
    )
    .orderBy('created_at')
    .orderBy('key')
    .limit(limit)
    .offset(offset)
    .execute();
  return {
    rows: rows as unknown as Selectable<PolicyDatabase[T]>[],
    places: rows.map(({ created_at, key }): Place => [created_at, key]),
    total: Number(total),
  };
}

async function requireUnused(
  db: Kysely<PolicyDatabase>,
  table: Table,
  column: 'key' | 'name',
  value: string,
): Promise<void> {
  const row = await db.selectFrom(anyTable(table)).select('key').where(column, '=', value).executeTakeFirst();
  if (row !== undefined) {
    throw new OAuthError(
      'conflict',
      column === 'key'
        ? `There is a ${kindOf[table]} with the key ${value} already. To change it, send the key.`
        : `There is a ${kindOf[table]} with the name ${value} already; its key is ${row.key}.`,
    );
  }
}
