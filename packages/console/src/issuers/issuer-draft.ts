/** The form values of a trusted issuer, as text. */
import type { TrustedIssuer, TrustedIssuerBody } from '@postern/admin';
import { parseKeys } from '../api/parse-keys.ts';

type KeySource = 'discovery' | 'jwks_uri' | 'jwks';

export interface ClaimDraft {
  /** A key for React, and what a field changes it by. */
  readonly id: number;
  readonly name: string;
  /** One pattern per line. */
  readonly patterns: string;
}

export interface RuleDraft {
  /** As of a claim. */
  readonly id: number;
  readonly clientId: string;
  readonly claims: readonly ClaimDraft[];
  /** Whether it is for people and not for workloads. */
  readonly people: boolean;
  /** One scope per line; empty: all that the client has. */
  readonly scopes: string;
}

export interface IssuerDraft {
  readonly key: string;
  readonly issuer: string;
  readonly keySource: KeySource;
  readonly jwksUri: string;
  readonly jwks: string;
  readonly audience: string;
  readonly maxAgeSeconds: string;
  readonly singleUse: boolean;
  readonly rules: readonly RuleDraft[];
}

let lastId = 0;

export function newClaim(name: string, patterns: string): ClaimDraft {
  lastId += 1;
  return { id: lastId, name, patterns };
}

export function newRule(claims: readonly ClaimDraft[] = [newClaim('sub', '')], clientId = ''): RuleDraft {
  lastId += 1;
  return { id: lastId, clientId, claims, people: false, scopes: '' };
}

export const emptyDraft: IssuerDraft = {
  key: '',
  issuer: '',
  keySource: 'discovery',
  jwksUri: '',
  jwks: '',
  audience: '',
  maxAgeSeconds: '3600',
  singleUse: true,
  rules: [],
};

export function toDraft(trusted: TrustedIssuer): IssuerDraft {
  const keySource = trusted.jwks ? 'jwks' : trusted.jwks_uri ? 'jwks_uri' : 'discovery';
  return {
    key: trusted.key,
    issuer: trusted.issuer,
    keySource,
    jwksUri: trusted.jwks_uri ?? '',
    jwks: trusted.jwks ? JSON.stringify(trusted.jwks, null, 2) : '',
    audience: trusted.audience ?? '',
    maxAgeSeconds: String(trusted.max_age_seconds),
    singleUse: trusted.single_use,
    rules: trusted.rules.map(({ client_id, claims, people, scopes }) => ({
      ...newRule(Object.entries(claims).map(([name, patterns]) => newClaim(name, [patterns].flat().join('\n')))),
      clientId: client_id,
      people: people === true,
      scopes: (scopes ?? []).join('\n'),
    })),
  };
}

/** Returns what is sent. Throws if the keys are not JSON; the server validates everything else. */
export function fromDraft(draft: IssuerDraft): TrustedIssuerBody {
  return {
    key: draft.key,
    issuer: draft.issuer,
    jwks: draft.keySource === 'jwks' ? parseKeys(draft.jwks) : null,
    jwks_uri: draft.keySource === 'jwks_uri' ? draft.jwksUri : null,
    audience: draft.audience === '' ? null : draft.audience,
    max_age_seconds: Number(draft.maxAgeSeconds),
    single_use: draft.singleUse,
    rules: draft.rules.map(({ clientId, claims, people, scopes }) => ({
      client_id: clientId,
      claims: Object.fromEntries(claims.map(({ name, patterns }) => [name, oneOrMany(linesOf(patterns))])),
      people,
      scopes: linesOf(scopes).length === 0 ? null : linesOf(scopes),
    })),
  };
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function oneOrMany(patterns: string[]): string | string[] {
  return patterns.length > 1 ? patterns : (patterns[0] ?? '');
}
