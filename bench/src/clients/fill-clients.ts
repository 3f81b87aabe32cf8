/** Many clients in an SQLite database, in no time: copies of one that was made through the API. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The id of the copy of that number, from 0. */
export function clientIdOf(number: number): string {
  return `bench${String(number).padStart(17, '0')}`;
}

/**
 * Copies the client, and the digest of its secret, `count` times. All authenticate with its secret. Postern must not
 * run on the directory.
 */
export function fillClients(dataDirectory: string, clientId: string, count: number): void {
  const database = new DatabaseSync(join(dataDirectory, 'postern.db'));
  database.exec('pragma synchronous = off');
  database.exec('begin');
  const copyId = "printf('bench%017d', number)";
  copyRows(database, 'clients', `id = '${clientId}'`, count, {
    id: copyId,
    name: "printf('Client %d', number)",
    created_at: "strftime('%Y-%m-%dT%H:%M:%fZ', 1600000000 + number, 'unixepoch')",
  });
  copyRows(database, 'client_secrets', `client_id = '${clientId}'`, count, { id: copyId, client_id: copyId });
  database.exec('commit');
  database.exec('analyze');
  database.close();
}

/** Inserts copies of the one row that `where` finds, with some columns by an expression over their `number`. */
function copyRows(
  database: DatabaseSync,
  table: string,
  where: string,
  count: number,
  changed: Readonly<Record<string, string>>,
): void {
  const columns = database
    .prepare(`select name from pragma_table_info('${table}')`)
    .all()
    .map(({ name }) => String(name));
  database.exec(
    `with recursive numbers(number) as (select 0 union all select number + 1 from numbers where number < ${count - 1})
     insert into ${table} (${columns.join(', ')})
     select ${columns.map((column) => changed[column] ?? column).join(', ')} from numbers, (select * from ${table} where ${where})`,
  );
}
