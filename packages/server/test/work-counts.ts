/** How much a database has to do: what tests assert instead of times. */
import { DefaultQueryExecutor, type Kysely, type KyselyPlugin, sql } from 'kysely';
import { vi } from 'vitest';

/** Returns how many rows all statements of this process have returned while `work` ran. */
export async function countRowsRead(work: () => Promise<unknown>): Promise<number> {
  let rows = 0;
  // Every executor, also that of a transaction, inherits it.
  const base: Pick<DefaultQueryExecutor, 'executeQuery'> = Object.getPrototypeOf(DefaultQueryExecutor.prototype);
  const { executeQuery } = base;
  const spy = vi.spyOn(base, 'executeQuery').mockImplementation(async function (this: typeof base, ...query) {
    const result = await executeQuery.apply(this, query);
    rows += result.rows.length;
    return result;
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  return rows;
}

/** Returns the plan of each select that `work` does on the database that it is given, as the database explains it. */
export async function explainSelects<DB>(
  db: Kysely<DB>,
  work: (db: Kysely<DB>) => Promise<unknown>,
): Promise<string[]> {
  const compiled: ReturnType<ReturnType<Kysely<DB>['getExecutor']>['compileQuery']>[] = [];
  const record: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      compiled.push(db.getExecutor().compileQuery(node, queryId));
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  await work(db.withPlugin(record));
  const plans: string[] = [];
  for (const query of compiled.filter(({ sql: text }) => text.startsWith('select'))) {
    plans.push(await explain(db, query));
  }
  return plans;
}

async function explain<DB>(
  db: Kysely<DB>,
  query: { readonly sql: string; readonly parameters: readonly unknown[] },
): Promise<string> {
  const [first = '', ...rest] = query.sql.split(/\$\d+|\?/);
  // Each parameter stands where its number says; every statement here has them in order.
  const text = rest.reduce(
    (built, part, index) => sql`${built}${query.parameters[index]}${sql.raw(part)}`,
    sql`${sql.raw(first)}`,
  );
  const isPostgres = /\$\d/.test(query.sql);
  if (!isPostgres) {
    const { rows } = await sql<{ detail: string }>`explain query plan ${text}`.execute(db);
    return rows.map(({ detail }) => detail).join('\n');
  }
  return db.transaction().execute(async (transaction) => {
    // A small table is read whole unless it is forbidden: what matters is that an index could be used.
    await sql`set local enable_seqscan = off`.execute(transaction);
    const { rows } = await sql<Record<string, string>>`explain ${text}`.execute(transaction);
    return rows.map((row) => Object.values(row)[0]).join('\n');
  });
}
