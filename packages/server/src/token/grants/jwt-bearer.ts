/**
 * JWT bearer grant: the platform's own token tells which client a workload is, and no secret is needed. RFC 7523 §2.1
 * and §3, RFC 7521 §4.1. Which token is which client is for the rules in `issuers/` to say.
 */
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { Client } from '../../clients/client.ts';
import type { ClientDirectory } from '../../clients/client-directory.ts';
import { jwtBearer } from '../../clients/client-metadata.ts';
import type { IssuerKeys } from '../../issuers/issuer-keys.ts';
import { chooseRule } from '../../issuers/rule.ts';
import type { TrustedIssuerRegistry } from '../../issuers/trusted-issuer-registry.ts';
import { findSignatureFault } from '../../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../../jwt/used-token-store.ts';
import { clientCredentials } from './client-credentials.ts';
import type { Grant } from './grant.ts';
import {
  findAssertionFault,
  parseWorkloadAssertion,
  rememberUntil,
  type WorkloadAssertion,
} from './workload-assertion.ts';

export interface JwtBearerOptions {
  /** Postern's own, the audience of assertions unless their issuer's record names another. */
  readonly issuer: string;
  readonly issuers: TrustedIssuerRegistry;
  readonly issuerKeys: IssuerKeys;
  readonly directory: ClientDirectory;
  readonly usedTokens: UsedTokens;
}

export function createJwtBearer({ issuer, issuers, issuerKeys, directory, usedTokens }: JwtBearerOptions): Grant {
  return {
    grantType: jwtBearer,

    async identifyClient(parameters, nowSeconds) {
      const assertion = parseWorkloadAssertion(requireAssertion(parameters));
      const trusted = await issuers.findByIssuer(assertion.issuer);
      if (trusted === undefined) {
        throw refused('issuer_wrong');
      }
      const fault = findAssertionFault(assertion, trusted, issuer, nowSeconds);
      if (fault !== undefined) {
        throw refused(fault);
      }
      const signatureFault = await findSignatureFault(assertion, issuerKeys(trusted));
      if (signatureFault !== undefined) {
        throw refused(signatureFault.reason, signatureFault.cause);
      }
      const rule = chooseRule(trusted.rules, assertion.claims, parameters.get('client_id'));
      if (typeof rule === 'string') {
        throw refused(rule);
      }
      const client = requireActive(await directory.find(rule.clientId));
      return rule.scopes === null ? client : { ...client, scopes: client.scopes.intersection(new Set(rule.scopes)) };
    },

    /**
     * The workload gets what the client would get by its own credentials, within what its rule gives. An assertion is
     * used up here, as the last step before a token, so that a request that was wrong in another way may be repeated.
     */
    async authorize(request) {
      const authorization = await clientCredentials.authorize(request);
      const assertion = parseWorkloadAssertion(requireAssertion(request.parameters));
      await useUp(assertion);
      return { ...authorization, logged: { workload_issuer: assertion.issuer, workload: assertion.subject } };
    },
  };

  async function useUp(assertion: WorkloadAssertion): Promise<void> {
    const trusted = await issuers.findByIssuer(assertion.issuer);
    // It may have gone while the request was dealt with.
    if (trusted === undefined) {
      throw refused('issuer_wrong');
    }
    const isFirst =
      !trusted.singleUse ||
      (await usedTokens.use('workload', assertion.issuer, assertion.id, rememberUntil(assertion)));
    if (!isFirst) {
      throw refused('token_replayed');
    }
  }
}

function requireAssertion(parameters: ReadonlyMap<string, string>): string {
  const assertion = parameters.get('assertion');
  if (assertion === undefined) {
    throw new OAuthError('invalid_request', 'The parameter assertion is missing.');
  }
  return assertion;
}

/** Root is from the configuration, and no rule is for it, whatever id it was given since. */
function requireActive(client: Client | undefined): Client {
  if (client === undefined || client.isRoot) {
    throw refused('client_unknown');
  }
  if (!client.enabled) {
    throw refused('client_disabled');
  }
  return client;
}

/** One text for all: what is trusted here is nobody's business who is not. */
function refused(reason: ErrorReason, cause?: unknown): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The assertion is not accepted: its issuer is not trusted here, its signature, audience or times are not right, ' +
      'it was used before, or no rule says which client it stands for. The log of the server says which.',
    { reason, cause },
  );
}
