/** Sealing and digests under the master key. */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMasterKey } from './master-key.ts';

const masterKey = createMasterKey(randomBytes(32));
const other = createMasterKey(randomBytes(32));
const bytes = fc.uint8Array({ maxLength: 300 }).map((content) => Buffer.from(content));

describe('seal and open', () => {
  test('what was sealed comes back under the same label', () => {
    fc.assert(
      fc.property(bytes, fc.string(), (plaintext, label) => {
        expect(masterKey.open(masterKey.seal(plaintext, label), label)).toEqual(plaintext);
      }),
    );
  });

  test('not under another label', () => {
    fc.assert(
      fc.property(bytes, fc.string(), fc.string(), (plaintext, label, wrong) => {
        fc.pre(label !== wrong);
        expect(() => masterKey.open(masterKey.seal(plaintext, label), wrong)).toThrow();
      }),
    );
  });

  test('not under another master key', () => {
    expect(() => other.open(masterKey.seal(Buffer.from('key'), 'kid'), 'kid')).toThrow();
  });

  test('not with any bit changed', () => {
    const sealed = Buffer.from(masterKey.seal(Buffer.from('private key'), 'kid'), 'base64url');
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => masterKey.open(changed.toString('base64url'), 'kid')).toThrow();
    }
  });

  test('not when cut short or made longer', () => {
    const sealed = Buffer.from(masterKey.seal(Buffer.from('private key'), 'kid'), 'base64url');
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => masterKey.open(sealed.subarray(0, length).toString('base64url'), 'kid')).toThrow();
    }
    expect(() => masterKey.open(Buffer.concat([sealed, Buffer.alloc(1)]).toString('base64url'), 'kid')).toThrow();
  });

  test('the same text is sealed differently each time, and does not show', () => {
    const plaintext = Buffer.from('private key');
    const [first, second] = [masterKey.seal(plaintext, 'kid'), masterKey.seal(plaintext, 'kid')];
    expect(first).not.toBe(second);
    expect(Buffer.from(first, 'base64url').includes(plaintext)).toBe(false);
  });
});

describe('digests', () => {
  test('are the same for the same purpose, text and key, and for nothing else', () => {
    const digest = masterKey.digest('client secrets', 'a');
    expect(digest).toHaveLength(32);
    expect(masterKey.digest('client secrets', 'a')).toEqual(digest);
    expect(masterKey.digest('client secrets', 'b')).not.toEqual(digest);
    expect(masterKey.digest('fingerprints', 'a')).not.toEqual(digest);
    expect(other.digest('client secrets', 'a')).not.toEqual(digest);
  });

  test('RFC 2104 are HMACs under a key that RFC 5869 derives for their purpose', () => {
    const bytes = randomBytes(32);
    const key = Buffer.from(hkdfSync('sha256', bytes, '', 'postern client secrets', 32));
    const expected = createHmac('sha256', key).update('secret').digest();
    expect(createMasterKey(bytes).digest('client secrets', 'secret')).toEqual(expected);
  });
});
