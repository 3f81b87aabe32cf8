/** Pauses that end early. */
import { expect, test } from 'vitest';
import { sleep } from './platform.ts';

test('a pause ends with its signal, and does not begin after it', async () => {
  const controller = new AbortController();
  const long = sleep(3_600_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(long).rejects.toThrow('enough');
  await expect(sleep(3_600_000, controller.signal)).rejects.toThrow('enough');
  await expect(sleep(0)).resolves.toBeUndefined();
});
