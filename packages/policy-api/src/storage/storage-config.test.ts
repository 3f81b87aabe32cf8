/** What a storage destination may be, and what a change leaves of it. */
import { describe, expect, test } from 'vitest';
import { changeStorageSettings, type StorageSettings } from './storage-config.ts';

const local: StorageSettings = { name: 'L', type: 'local', format: 'json', details: { naming: 'request_id' } };
const s3: StorageSettings = {
  name: 'S',
  type: 's3',
  format: 'csv',
  details: { naming: 'request_id', bucket: 'b', max_retries: 3 },
};

describe('changeStorageSettings', () => {
  test('fills in format and naming', () => {
    expect(changeStorageSettings(undefined, { name: 'L', type: 'local' })).toEqual(local);
    expect(changeStorageSettings(undefined, { name: 'S', type: 's3', details: { bucket: 'b' } })).toEqual({
      name: 'S',
      type: 's3',
      format: 'json',
      details: { naming: 'request_id', bucket: 'b' },
    });
  });

  test.each([
    [{ type: 'local' }, 'name: is required for a new storage destination.'],
    [{ name: 'x' }, 'type: is required for a new storage destination.'],
    [{ name: 'x', type: 's3' }, 'details.bucket: is required for a storage destination of the type s3.'],
    [
      { name: 'x', type: 'local', details: { bucket: 'b' } },
      'details.bucket: does not apply to a storage destination of the',
    ],
    [{ name: 'x', type: 'local', format: 'csv' }, 'format: must be json for a storage destination of the type local.'],
  ] as const)('of %j says %j', (change, message) => {
    expect(() => changeStorageSettings(undefined, change)).toThrow(message);
  });

  test('leaves what is not sent, and takes details whole', () => {
    expect(changeStorageSettings(s3, { name: 'T' })).toEqual({ ...s3, name: 'T' });
    expect(changeStorageSettings(s3, { details: { bucket: 'c' } }).details).toEqual({
      naming: 'request_id',
      bucket: 'c',
    });
  });

  test('leaves the details of the old type behind', () => {
    expect(changeStorageSettings(s3, { type: 'local', format: 'json' })).toEqual({ ...local, name: 'S' });
    expect(() => changeStorageSettings(local, { type: 's3' })).toThrow('details.bucket: is required');
  });
});
