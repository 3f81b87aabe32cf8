/** Storage destinations in files. */
import { operations, type StorageElement } from '@postern/admin';
import type { FileKind, JsonObject } from './file-kind.ts';
import { simpleKind } from './simple-kind.ts';

const defaults = { format: 'json' };

const fillDetails = (storage: JsonObject): JsonObject => ({
  ...storage,
  details: { naming: 'request_id', ...(storage['details'] as JsonObject | undefined) },
});

export const storageKind: FileKind = simpleKind({
  section: 'storage',
  noun: 'storage destination',
  idMember: 'key',
  deleted: 'after',
  operations: {
    ...operations.storage,
    // The server keeps members that are not sent, so that those at their defaults are sent too.
    save: (wanted: JsonObject) => operations.storage.save([{ ...defaults, ...fillDetails(wanted) } as StorageElement]),
  },
  defaults,
  normalize: fillDetails,
});
