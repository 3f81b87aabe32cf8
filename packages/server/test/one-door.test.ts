/** What changes something goes through `EventLog.change`: nothing else in the source opens a transaction. */
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Counts of uses, which are no change that anybody makes. */
const counts = 'packages/server/src/usage/usage.ts';

test('only the event log opens a transaction for a change', () => {
  const cwd = new URL('../../../', import.meta.url);
  const opening = globSync('packages/*/src/**/*.ts', { cwd: cwd.pathname }).filter(
    (path) =>
      !path.endsWith('.test.ts') &&
      /\.(?:transaction|startTransaction)\(|^\s*begin\b/m.test(readFileSync(new URL(path, cwd), 'utf8')),
  );
  expect(opening.toSorted()).toEqual(['packages/server/src/events/event-log.ts', counts]);
});
