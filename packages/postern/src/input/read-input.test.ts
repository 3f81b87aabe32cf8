import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readInput, readSecret } from './read-input.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-input-'));
afterAll(() => rmSync(directory, { recursive: true }));

const fileOf = (bytes: Buffer) => {
  const path = join(directory, 'file');
  writeFileSync(path, bytes);
  return path;
};

test('a file in Latin-1 is an error that names the file and the place', async () => {
  const file = fileOf(Buffer.from('a: b\nname: caf\xe9\n', 'latin1'));
  await expect(readInput(file)).rejects.toThrow(`${file}: line 2, byte 10: 0xE9 is not UTF-8: save it as UTF-8.`);
  await expect(readSecret(file)).rejects.toThrow('is not UTF-8');
});

test('a file in UTF-16 is an error that says so', async () => {
  const file = fileOf(Buffer.from('\ufeffname: a', 'utf16le'));
  await expect(readInput(file)).rejects.toThrow(`${file}: is UTF-16 by its first bytes, and must be UTF-8`);
});

test('a byte order mark is no part of a secret', async () => {
  expect(await readSecret(fileOf(Buffer.from('\ufeffsecret\n')))).toBe('secret');
});
