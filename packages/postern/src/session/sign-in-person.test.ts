/** Signing in on another device: how long the command waits. RFC 8628 §3.5. */
import { expect, test } from 'vitest';
import { signInWithDevice } from './sign-in-person.ts';

const device = {
  device_code: 'd',
  user_code: 'AB-CD',
  verification_uri: 'https://idp.example',
  interval: 5,
  expires_in: 60,
};

async function waits(answers: readonly ('authorization_pending' | 'slow_down' | { secret: string })[]) {
  const waited: number[] = [];
  const left = [...answers];
  const result = await signInWithDevice(
    {
      beginDevice: async () => device,
      finishDevice: async () => left.shift() ?? 'authorization_pending',
    },
    async (ms) => void waited.push(ms / 1000),
  ).catch((error: Error) => error.message);
  return { waited, result };
}

test('after slow_down the interval is five seconds longer, for good', async () => {
  const { waited, result } = await waits([
    'authorization_pending',
    'slow_down',
    'authorization_pending',
    'slow_down',
    { secret: 's' },
  ]);
  expect([waited, result]).toEqual([[5, 5, 10, 10, 15], 's']);
});

test('it ends with the code', async () => {
  const { waited, result } = await waits([]);
  expect(waited).toHaveLength(12);
  expect(result).toContain('expired');
});
