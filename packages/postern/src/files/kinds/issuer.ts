/** Trusted issuers of workload tokens in files. */
import { operations } from '@postern/admin';
import type { JsonObject } from './file-kind.ts';
import { sortSet } from './member-changes.ts';
import { simpleKind } from './simple-kind.ts';

export const issuerKind = simpleKind({
  section: 'issuers',
  noun: 'issuer',
  idMember: 'key',
  deleted: 'before',
  operations: operations.issuers,
  defaults: { max_age_seconds: 3_600, single_use: true },
  normalize: ({ rules, ...issuer }) => ({ ...issuer, rules: (rules as readonly JsonObject[]).map(normalizeRule) }),
});

/** A rule without scopes, or with null, gives all scopes of its client. */
function normalizeRule({ scopes, ...rule }: JsonObject): JsonObject {
  return { ...rule, ...(scopes ? { scopes: sortSet(scopes) } : {}) };
}
