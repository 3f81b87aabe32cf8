/** What changes something goes through `EventLog.change`: nothing else in the source opens a transaction. */
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Counts of failures and of uses, which are no change that anybody makes. */
const failureCounts = 'packages/server/src/failures/failures.ts';
const useCounts = 'packages/server/src/usage/usage.ts';
const treeCounts = 'packages/server/src/descendants/descendants.ts';

/** No caller creates tables, or copies all rows into an empty database. */
const beforeTheStart = ['packages/server/src/db/copy/copy-database.ts', 'packages/server/src/db/migrate.ts'];

/** The first start creates it. */
const rootSecret = 'packages/server/src/keys/root-secret-store.ts';

const eventLog = 'packages/server/src/events/event-log.ts';
/** Where `runApart` is written for each kind of database: transactions of batches, which the event log asks for. */
const drivers = [
  'packages/server/src/db/postgres.ts',
  'packages/server/src/db/sqlite-dialect.ts',
  'packages/server/src/db/sqlite.ts',
];

test('only the event log opens a transaction for a change', () => {
  expect(
    filesWith(/\.(?:transaction|startTransaction)\(|\bbegin (?:immediate|deferred|exclusive|transaction)\b/i),
  ).toEqual([...beforeTheStart, ...drivers, treeCounts, eventLog, failureCounts, rootSecret, useCounts]);
  expect(filesWith(/\.runApart\(/)).toEqual([eventLog]);
});

/** The source files that match, sorted. */
function filesWith(pattern: RegExp): string[] {
  const cwd = new URL('../../../', import.meta.url);
  return globSync('packages/*/src/**/*.ts', { cwd: cwd.pathname })
    .filter((path) => !path.endsWith('.test.ts') && pattern.test(readFileSync(new URL(path, cwd), 'utf8')))
    .toSorted();
}
