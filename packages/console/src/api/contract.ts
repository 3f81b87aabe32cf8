/** What the APIs take and answer. Types alone: the server's own, and those of the policy API, which publishes none. */
export type {
  AuditEvent,
  AuditPage,
  Client,
  ClientBody,
  ClientSecret,
  ClientUsage,
  CreatedClient,
  EventKind,
  Page,
  Resource,
  RotatedSecret,
  Scope,
  SigningKey,
  Statistics,
  TrustedIssuer,
  UnusedScopes,
} from '@postern/server/admin-contract';

export interface StorageConfig {
  readonly key: string;
  readonly name: string;
  readonly type: 'local' | 's3';
  readonly format: 'json' | 'csv';
  readonly details: { readonly bucket?: string; readonly object_name?: string };
}

export interface PolicyTarget {
  readonly key: string;
  readonly name: string;
  readonly data_category: string;
}

export interface PolicyRule {
  readonly key: string;
  readonly name: string;
  readonly action_type: 'access' | 'erasure';
  readonly storage_destination: StorageConfig | null;
  readonly masking_strategy: { readonly strategy: string; readonly configuration?: Record<string, unknown> } | null;
  readonly targets: readonly PolicyTarget[];
}

export interface Policy {
  readonly key: string;
  readonly name: string;
  readonly drp_action: 'access' | 'deletion' | null;
  readonly rules: readonly PolicyRule[];
}

/** Bulk writes refuse an element by itself, and answer 200. */
export interface BulkAnswer<View> {
  readonly succeeded: readonly View[];
  readonly failed: readonly { readonly message: string }[];
}
