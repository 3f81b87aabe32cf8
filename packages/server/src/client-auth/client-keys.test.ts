/** Looking for a key among those of a client that publishes them. RFC 7591 §2, RFC 8705 §2.2.2. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { createClientKeys } from './client-keys.ts';

/** A client that publishes `keys`, and how often they were fetched. */
function publish(keys: object[]) {
  let fetched = 0;
  let nowMs = 0;
  let isDown = false;
  const faults: (string | undefined)[] = [];
  const load = async () => {
    fetched += 1;
    if (isDown) {
      throw new Error('connect ECONNREFUSED');
    }
    return Response.json({ keys });
  };
  const options = {
    now: () => nowMs,
    onFault: (address: string, fault: Error | undefined) => void faults.push(fault && `${address} ${fault.message}`),
  };
  const find = createClientKeys(load, options, () => undefined);
  const has = async (kid: string) => {
    const keySet = find({ id: 'a', metadata: { jwksUri: 'https://keys.example/jwks' } });
    return keySet !== undefined && (await keySet.find(({ jwk }) => jwk['kid'] === kid)).length > 0;
  };
  return {
    has,
    fetched: () => fetched,
    pass: (seconds: number) => {
      nowMs += 1000 * seconds;
    },
    setDown: (down: boolean) => {
      isDown = down;
    },
    faults,
  };
}

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = (kid: string) => ({ ...publicKey.export({ format: 'jwk' }), kid });

test('published keys are fetched once and then found in memory', async () => {
  const { has, fetched } = publish([key('one'), key('two')]);
  expect([await has('one'), await has('two'), await has('one')]).toEqual([true, true, true]);
  expect(fetched()).toBe(1);
});

test('an unknown key makes it fetch the document again, but not each time', async () => {
  const keys = [key('one')];
  const { has, fetched, pass } = publish(keys);
  expect([await has('one'), await has('two'), await has('two')]).toEqual([true, false, false]);
  expect(fetched()).toBe(1);
  keys.push(key('two'));
  pass(31);
  expect([await has('two'), fetched()]).toEqual([true, 2]);
});

test('a withdrawn key is accepted until the cached document expires', async () => {
  const keys = [key('one')];
  const { has, pass } = publish(keys);
  expect(await has('one')).toBe(true);
  keys.pop();
  pass(299);
  expect(await has('one')).toBe(true);
  pass(2);
  expect(await has('one')).toBe(false);
});

test('while they cannot be fetched, known keys are good for an hour, and nobody can tell whether others exist', async () => {
  const { has, pass, setDown, fetched, faults } = publish([key('one')]);
  const unavailable = expect.objectContaining({ code: 'temporarily_unavailable', reason: 'keys_unavailable' });
  expect(await has('one')).toBe(true);
  setDown(true);
  pass(31);
  await expect(has('two')).rejects.toEqual(unavailable);
  pass(300);
  expect(await has('one')).toBe(true);
  await expect(has('two')).rejects.toEqual(unavailable);
  pass(3_560);
  expect(await has('one')).toBe(true);
  pass(60);
  await expect(has('one')).rejects.toEqual(unavailable);
  expect(faults.at(-1)).toBe('https://keys.example/jwks connect ECONNREFUSED');
  const before = fetched();
  await expect(has('one')).rejects.toEqual(unavailable);
  expect(fetched()).toBe(before);
  setDown(false);
  pass(1);
  expect([await has('one'), await has('two'), faults.at(-1)]).toEqual([true, false, undefined]);
});
