/** Storage destinations in files. */
import type { FileKind, JsonObject } from './file-kind.ts';
import { simpleKind } from './simple-kind.ts';

const url = '/api/v1/storage/config';
const defaults = { format: 'json' };

const fillDetails = (storage: JsonObject): JsonObject => ({
  ...storage,
  details: { naming: 'request_id', ...(storage['details'] as JsonObject | undefined) },
});

export const storageKind: FileKind = {
  ...simpleKind({
    section: 'storage',
    noun: 'storage destination',
    idMember: 'key',
    deleted: 'after',
    url,
    defaults,
    normalize: fillDetails,
  }),
  // The server keeps members that are not sent, so that those at their defaults are sent too.
  save: (wanted) => {
    const body = [{ ...defaults, ...fillDetails(wanted) }];
    return [[{ operation: { method: 'PUT', path: url, body }, path: [] }]];
  },
};
