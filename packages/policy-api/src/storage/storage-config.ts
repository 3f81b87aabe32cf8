/**
 * A storage destination: where the data of an access rule is to be uploaded. It has no credentials:
 * those belong to the program that uploads.
 */
import { OAuthError } from '@postern/protocol';

export interface StorageDetails {
  readonly naming?: 'request_id';
  readonly bucket?: string;
  readonly object_name?: string;
  readonly max_retries?: number;
  readonly auth_method?: 'automatic' | 'secret_keys';
}

export interface StorageSettings {
  readonly name: string;
  readonly type: 'local' | 's3';
  readonly format: 'json' | 'csv';
  readonly details: StorageDetails;
}

export interface StorageConfig extends StorageSettings {
  readonly key: string;
}

/** What a caller may set. A member that is missing stays as it is. */
export type StorageChange = { readonly [Member in keyof StorageSettings]?: StorageSettings[Member] | undefined };

/** The details that a destination of each type may have. */
const detailsOf: Record<StorageSettings['type'], readonly (keyof StorageDetails)[]> = {
  local: ['naming'],
  s3: ['naming', 'bucket', 'object_name', 'max_retries', 'auth_method'],
};

/**
 * The settings after the change; `before` is undefined for a destination that is new. A change of type leaves the
 * old type's details behind. Throws `invalid_parameter` if they do not fit together.
 */
export function changeStorageSettings(before: StorageSettings | undefined, change: StorageChange): StorageSettings {
  const name = change.name ?? before?.name;
  const type = change.type ?? before?.type;
  if (name === undefined || type === undefined) {
    throw refuse(`${name === undefined ? 'name' : 'type'}: is required for a new storage destination.`);
  }
  const details = change.details ?? (type === before?.type ? before.details : {});
  const settings = {
    name,
    type,
    format: change.format ?? before?.format ?? 'json',
    details: { naming: 'request_id', ...details },
  } as const;
  const foreign = Object.keys(details).find((member) => !(detailsOf[type] as readonly string[]).includes(member));
  if (foreign !== undefined) {
    throw refuse(`details.${foreign}: does not apply to a storage destination of the type ${type}.`);
  }
  if (type === 's3' && settings.details.bucket === undefined) {
    throw refuse('details.bucket: is required for a storage destination of the type s3.');
  }
  if (type === 'local' && settings.format !== 'json') {
    throw refuse('format: must be json for a storage destination of the type local.');
  }
  return settings;
}

function refuse(description: string): OAuthError {
  return new OAuthError('invalid_parameter', description);
}
