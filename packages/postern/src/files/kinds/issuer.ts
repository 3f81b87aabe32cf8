/** Trusted issuers of tokens of workloads and people in files. */
import { isDeepStrictEqual } from 'node:util';
import { operations } from '@postern/admin';
import type { FileKind, JsonObject, MemberChange } from './file-kind.ts';
import { sortSet } from './member-changes.ts';
import { simpleKind } from './simple-kind.ts';

export const issuerKind: FileKind = {
  ...simpleKind({
    section: 'issuers',
    noun: 'issuer',
    idMember: 'key',
    deleted: 'before',
    operations: operations.issuers,
    defaults: { max_age_seconds: 3_600, single_use: true },
    normalize: ({ rules, ...issuer }) => ({ ...issuer, rules: (rules as readonly JsonObject[]).map(normalizeRule) }),
  }),
  tokenConsequences,
};

/** The server revokes the tokens of the clients of rules that are deleted or changed. */
function tokenConsequences(before: JsonObject, changes: readonly MemberChange[] | undefined): string[] {
  const change = changes?.find(({ name }) => name === 'rules');
  if (changes !== undefined && change === undefined) {
    return [];
  }
  const kept = (change?.after ?? []) as readonly JsonObject[];
  const lost = ((change?.before ?? before['rules']) as readonly JsonObject[]).filter(
    (rule) => !kept.some((one) => isDeepStrictEqual(one, rule)),
  );
  const clients = [...new Set(lost.map((rule) => String(rule['client_id'])))];
  return clients.length === 0
    ? []
    : [`Tokens that the clients ${clients.join(', ')} got through the issuer ${before['key']} are revoked for good.`];
}

/** A rule without scopes, or with null, gives all scopes of its client; one that does not say so is not for people. */
function normalizeRule({ scopes, people, ...rule }: JsonObject): JsonObject {
  return { ...rule, ...(people === true && { people }), ...(scopes ? { scopes: sortSet(scopes) } : {}) };
}
