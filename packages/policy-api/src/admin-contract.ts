/** What the policy API takes and answers, as types alone, for whoever calls it over HTTP. */
import type { Static } from 'typebox';
import type { PolicyElement as PolicyElementSchema } from './policies/policies-endpoint.ts';
import type { PolicyView, RuleView, TargetView } from './policies/policy-views.ts';
import type { RuleElement as RuleElementSchema } from './policies/rules-endpoint.ts';
import type { TargetElement as TargetElementSchema } from './policies/targets-endpoint.ts';
import type { StorageElement as StorageElementSchema } from './storage/storage-endpoint.ts';
import type { StorageView } from './storage/storage-view.ts';

/** Every bulk write: what was written, in the order of the elements, and what was refused, with the element sent. */
export interface BulkAnswer<View> {
  readonly succeeded: View[];
  readonly failed: { readonly message: string; readonly data: unknown }[];
}

/** `PUT /api/v1/policy` takes an array of elements and answers `BulkAnswer<Policy>`; likewise the others. */
export type PolicyElement = Static<typeof PolicyElementSchema>;
export type Policy = Static<typeof PolicyView>;

/** `PUT /api/v1/policy/{policy_key}/rule`. */
export type RuleElement = Static<typeof RuleElementSchema>;
export type Rule = Static<typeof RuleView>;

/** `PUT /api/v1/policy/{policy_key}/rule/{rule_key}/target`. */
export type TargetElement = Static<typeof TargetElementSchema>;
export type Target = Static<typeof TargetView>;

/** `PUT /api/v1/storage/config`. */
export type StorageElement = Static<typeof StorageElementSchema>;
export type StorageConfig = Static<typeof StorageView>;
