/**
 * Why a guard accepts or refuses an access token: every check with its result, as far as the caller may learn it.
 * RFC 9068 §4.
 *
 * The checks are those of the guard, by its own functions and in its order, so that both give the same reason.
 */
import { type AccessToken, heldTokens, type VerifyIssuedTokenOptions } from '@postern/guard';
import type { ErrorReason } from '@postern/protocol';
import { findBoundsFault } from '../authorization-details/json-bounds.ts';
import type { TokenStatusLookups } from '../clients/token-status.ts';
import type { Check } from './check.ts';
import { checkAudience, checkBinding, checkScope } from './check-call.ts';
import { checkStatus, seesClient } from './check-status.ts';
import { checkToken } from './check-token.ts';

export interface Question {
  /** Scopes that the call needs. */
  readonly scopes: readonly string[];
  /** The API that is called; undefined: any. */
  readonly audience: string | undefined;
  /** Whether the caller proves that a bound token is its own, with a DPoP proof or its certificate. */
  readonly hasProof: boolean;
}

export interface Facts extends TokenStatusLookups {
  readonly verification: VerifyIssuedTokenOptions;
  readonly mayIntrospect: (clientId: string, token: AccessToken) => boolean;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
}

type Json = Readonly<Record<string, unknown>>;

export interface Explanation {
  readonly verdict: 'passes' | 'refused';
  /** Of the first check that failed; null for a token that passes, or if the caller may not learn it. */
  readonly reason: ErrorReason | null;
  readonly checks: readonly Check[];
  /** Null if they cannot be decoded or shown. */
  readonly header: Json | null;
  readonly claims: Json | null;
  /** The clients on whose status a genuine token depends. */
  readonly clients: readonly string[];
}

/** `caller`: the token of the caller; undefined for one without. */
export async function explainToken(
  text: string,
  question: Question,
  caller: AccessToken | undefined,
  facts: Facts,
): Promise<Explanation> {
  const { checks, decoded, token } = await checkToken(text, question.audience, facts.nowSeconds, facts.verification);
  const all = token === undefined ? checks : [...checks, ...(await checkUse(token, question, caller, facts))];
  const fault = all.find(({ result }) => result === 'failed');
  return {
    verdict: fault === undefined ? 'passes' : 'refused',
    reason: fault?.reason ?? null,
    checks: all,
    header: toShown(decoded?.header),
    claims: toShown(decoded?.payload),
    clients: token === undefined ? [] : clientsOf(token),
  };
}

async function checkUse(
  token: AccessToken,
  { scopes, audience, hasProof }: Question,
  caller: AccessToken | undefined,
  facts: Facts,
): Promise<Check[]> {
  const viewer = caller && {
    clientId: caller.clientId,
    scopes: caller.scopes,
    mayIntrospect: facts.mayIntrospect(caller.clientId, token),
  };
  const client = seesClient(viewer, token.clientId) ? await facts.findClient(token.clientId) : undefined;
  return [
    checkAudience(token, audience),
    checkBinding(token, hasProof),
    ...(await checkStatus(token, viewer, facts)),
    ...scopes.map((scope) => checkScope(token, scope, client)),
  ];
}

function clientsOf(token: AccessToken): string[] {
  try {
    return [...new Set(heldTokens(token).map(({ clientId }) => clientId))];
  } catch {
    return [token.clientId];
  }
}

/** What a stranger nests more deeply than any token does is not written out again. */
const shownBounds = { bytes: 65_536, depth: 30, entries: 1_000, stringLength: 65_536 };

function toShown(part: Json | undefined): Json | null {
  return part === undefined || findBoundsFault(part, shownBounds) !== undefined ? null : part;
}
