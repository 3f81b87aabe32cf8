import { expect, test } from 'vitest';
import { dataText } from './event.ts';

test('the text of data leaves out what is long, except the status of a client, which others follow', () => {
  const long = 'x'.repeat(16_383);
  const status = { scopes: [long, long] };
  expect(JSON.parse(dataText({ short: long.slice(1), long, none: undefined, status }))).toEqual({
    short: long.slice(1),
    long: { omitted_characters: 16_385 },
    status,
  });
});
