/** A typed client of the management API. Runs wherever there is `fetch`. */
import type { AuditEvent } from './audit-trail.ts';

export {
  type AdminClient,
  type AdminClientOptions,
  type AllOptions,
  createAdminClient,
  type SendOptions,
} from './admin-client.ts';
export { AdminError, type AdminErrorOptions } from './admin-error.ts';
export {
  type AuditEvent,
  csvHead,
  findMemberChanges,
  hasMembers,
  type MemberChange,
  memberChanges,
  membersIn,
  type NamedEvent,
  nameEvents,
  readTrail,
  remarksOn,
  toCsvLines,
  toJsonLines,
} from './audit-trail.ts';
export { withDefaultResource } from './default-resource.ts';
export {
  findManagementTokenRequest,
  type IssuedManagementToken,
  type ManagementTokenRequest,
} from './management-token.ts';
export {
  type BulkAnswer,
  type Change,
  ifUnchanged,
  type Operation,
  type Page,
  type Read,
  requireWritten,
} from './operation.ts';
export * from './operations.ts';
export { describeTokenTree, type FoundTokenTree, findTokenTree, isToken } from './token-tree.ts';

/** What an audit event can be about. */
export type EventKind = AuditEvent['kind'];
