/** The lines for operators are whole sentences that say what to do. */
import { expect, test } from 'vitest';
import { errorDefinitions, operatorLines } from './error-table.ts';

test.each([
  ...Object.entries(errorDefinitions).map(([code, { operator }]) => [code, operator] as const),
  ...Object.entries(operatorLines),
])('%s', (_name, line) => {
  expect(line).toMatch(/^[A-Z][^\n]{30,300}\.$/);
});
