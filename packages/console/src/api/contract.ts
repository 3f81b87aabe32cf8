/** What the APIs take and answer: types alone, derived from the schemas that the servers check by. */
export type { BulkAnswer, Policy, Rule, StorageConfig, Target } from '@postern/policy-api/admin-contract';
export type {
  AuditEvent,
  AuditPage,
  Client,
  ClientBody,
  ClientSecret,
  ClientUsage,
  CreatedClient,
  EventKind,
  Explanation,
  Page,
  Resource,
  RotatedSecret,
  Scope,
  SigningKey,
  Statistics,
  TrustedIssuer,
  UnusedScopes,
} from '@postern/server/admin-contract';
