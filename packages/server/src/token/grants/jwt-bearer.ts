/**
 * JWT bearer grant: a workload proves by the token of its platform which client it is, and needs no secret. RFC 7523
 * §2.1 and §3, RFC 7521 §4.1. The rules in `issuers/` say which token is for which client.
 */
import { jwtBearerGrant, OAuthError } from '@postern/protocol';
import type { ClientDirectory } from '../../clients/client-directory.ts';
import type { IssuerKeys } from '../../issuers/issuer-keys.ts';
import { chooseRule } from '../../issuers/rule.ts';
import type { TrustedIssuer } from '../../issuers/trusted-issuer.ts';
import type { TrustedIssuerRegistry } from '../../issuers/trusted-issuer-registry.ts';
import { findSignatureFault } from '../../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../../jwt/used-token-store.ts';
import { authorizeByPolicy } from './client-credentials.ts';
import { type IdentifyingGrant, rejectAssertion } from './grant.ts';
import {
  findAssertionFault,
  parseWorkloadAssertion,
  rememberUntil,
  type WorkloadAssertion,
} from './workload-assertion.ts';

export interface JwtBearerOptions {
  /** Postern's own, the audience of assertions unless the record of their issuer names another. */
  readonly issuer: string;
  readonly issuers: TrustedIssuerRegistry;
  readonly issuerKeys: IssuerKeys;
  readonly directory: ClientDirectory;
  readonly usedTokens: UsedTokens;
}

interface JwtBearerParameters {
  /** Verified. */
  readonly assertion: WorkloadAssertion;
  readonly trusted: TrustedIssuer;
  /** The client that the caller wants to be, if it says so. */
  readonly clientId: string | undefined;
}

export function createJwtBearer(options: JwtBearerOptions): IdentifyingGrant<JwtBearerParameters> {
  const { issuer, issuers, issuerKeys, directory, usedTokens } = options;

  const requireTrusted = async (assertion: WorkloadAssertion): Promise<TrustedIssuer> => {
    const trusted = await issuers.findByIssuer(assertion.issuer);
    if (trusted === undefined) {
      throw rejectAssertion('issuer_wrong');
    }
    return trusted;
  };

  const requireFirstUse = async (assertion: WorkloadAssertion, clientId: string): Promise<void> => {
    // Again, since the issuer may have been deleted in the meantime.
    const { singleUse } = await requireTrusted(assertion);
    const { issuer, id: jti } = assertion;
    const expiresAt = rememberUntil(assertion);
    if (singleUse && !(await usedTokens.use({ kind: 'workload', issuer, jti, expiresAt, clientId }))) {
      throw rejectAssertion('token_replayed');
    }
  };

  return {
    grantType: jwtBearerGrant,

    async parse(form, nowSeconds) {
      const text = form.get('assertion');
      if (text === undefined) {
        throw new OAuthError('invalid_request', 'The parameter assertion is missing.');
      }
      const assertion = parseWorkloadAssertion(text);
      const trusted = await requireTrusted(assertion);
      const fault = findAssertionFault(assertion, trusted, issuer, nowSeconds);
      if (fault !== undefined) {
        throw rejectAssertion(fault);
      }
      const signatureFault = await findSignatureFault(assertion, issuerKeys(trusted));
      if (signatureFault !== undefined) {
        throw rejectAssertion(signatureFault.reason, signatureFault.cause);
      }
      return { assertion, trusted, clientId: form.get('client_id') };
    },

    async identifyClient({ assertion, trusted, clientId }) {
      const rule = chooseRule(trusted.rules, assertion.claims, clientId);
      if (typeof rule === 'string') {
        throw rejectAssertion(rule);
      }
      const client = await directory.find(rule.clientId);
      // Root comes from the configuration and no rule is for it, even if it was given the id of a client later.
      if (client === undefined || client.isRoot) {
        throw rejectAssertion('client_unknown');
      }
      return rule.scopes === null ? client : { ...client, scopes: client.scopes.intersection(new Set(rule.scopes)) };
    },

    /** The workload gets what the client would get by its own credentials, limited to the scopes of its rule. */
    authorize({ assertion }, request) {
      const authorization = authorizeByPolicy(request);
      request.deferUse(() => requireFirstUse(assertion, request.client.id));
      return { ...authorization, logged: { workload_issuer: assertion.issuer, workload: assertion.subject } };
    },
  };
}
