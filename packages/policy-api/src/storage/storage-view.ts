/** A storage destination as callers see it. */
import { visibleText } from '@postern/http-api';
import { Type } from 'typebox';

export const StorageDetailsSchema = Type.Object(
  {
    naming: Type.Optional(Type.Enum(['request_id'], { description: 'How files are named. Default: request_id.' })),
    bucket: Type.Optional(visibleText(255, { description: 'Required for s3.' })),
    object_name: Type.Optional(visibleText(1_000, { description: 'For s3: the name of the objects.' })),
    max_retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'For s3.' })),
    auth_method: Type.Optional(
      Type.Enum(['automatic', 'secret_keys'], {
        description: 'For s3: how the program that uploads authenticates. Credentials must not be sent.',
      }),
    ),
  },
  { title: 'StorageDetails', additionalProperties: false },
);

export const StorageTypeSchema = Type.Enum(['local', 's3']);
export const StorageFormatSchema = Type.Enum(['json', 'csv']);

export const StorageView = Type.Object(
  {
    key: Type.String(),
    name: Type.String(),
    type: StorageTypeSchema,
    format: StorageFormatSchema,
    details: StorageDetailsSchema,
  },
  { title: 'StorageConfig' },
);
