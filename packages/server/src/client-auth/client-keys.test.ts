/** Looking for a key among those of a client that publishes them. RFC 7591 §2, RFC 8705 §2.2.2. */
import { generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createClientKeys, hasKey } from './client-keys.ts';

// The documents age by the clock of the process, which jose reads by itself.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

/** A client that publishes `keys`, and how often they were fetched. */
function publish(keys: JWK[]) {
  let fetched = 0;
  const find = createClientKeys(async () => {
    fetched += 1;
    return Response.json({ keys });
  });
  const has = async (kid: string) => {
    const keySet = find({ jwksUri: 'https://keys.example/jwks' });
    return keySet !== undefined && (await hasKey(keySet, (jwk) => jwk.kid === kid));
  };
  return { has, fetched: () => fetched };
}

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = (kid: string): JWK => ({ ...publicKey.export({ format: 'jwk' }), kid });

test('published keys are fetched once and then found in memory', async () => {
  const { has, fetched } = publish([key('one'), key('two')]);
  expect([await has('one'), await has('two'), await has('one')]).toEqual([true, true, true]);
  expect(fetched()).toBe(1);
});

test('an unknown key makes it fetch the document again, but not each time', async () => {
  const keys = [key('one')];
  const { has, fetched } = publish(keys);
  expect([await has('one'), await has('two'), await has('two')]).toEqual([true, false, false]);
  expect(fetched()).toBe(1);
  keys.push(key('two'));
  vi.setSystemTime(Date.now() + 31_000);
  expect([await has('two'), fetched()]).toEqual([true, 2]);
});

test('a withdrawn key is accepted until the cached document expires', async () => {
  const keys = [key('one')];
  const { has } = publish(keys);
  expect(await has('one')).toBe(true);
  keys.pop();
  vi.setSystemTime(Date.now() + 299_000);
  expect(await has('one')).toBe(true);
  vi.setSystemTime(Date.now() + 2_000);
  expect(await has('one')).toBe(false);
});
