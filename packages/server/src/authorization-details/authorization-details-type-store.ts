/** Types of authorization details in the database. */
import { createThingStore } from '../db/thing-store.ts';
import type { JsonSchema } from './details-schema.ts';

/** What authorization details of one type look like. RFC 9396 §2.1. */
export interface AuthorizationDetailsType {
  readonly type: string;
  readonly description: string | null;
  /** For one element of authorization_details as a whole, its `type` among it. */
  readonly schema: JsonSchema;
}

export const detailsTypes = createThingStore<AuthorizationDetailsType>('authorization_details_types', 'type', {
  schema: 'json',
});
