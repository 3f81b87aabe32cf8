/** Client authentication at the endpoints that need it: exactly one method, the one the client is registered for. RFC 6749 §2.3. */
import { type ErrorReason, OAuthError, parseBasicCredentials } from '@postern/protocol';
import type { ClientCertificate } from '../certificates/client-certificate.ts';
import type { Client } from '../clients/client.ts';
import type { ClientDirectory } from '../clients/client-directory.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { FailureBudgets } from '../limits/failure-budgets.ts';
import type { ClientKeys } from './client-keys.ts';
import { checkSecret } from './client-secret.ts';
import { findCertificateFault } from './mutual-tls.ts';
import { assertionType, type ClientAssertion, findAssertionFault, readClientAssertion } from './private-key-jwt.ts';

interface PresentedAssertion {
  readonly method: 'private_key_jwt';
  readonly clientId: string | undefined;
  readonly assertion: string;
}

type PresentedSecretOrCertificate =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      readonly clientId: string;
      readonly clientSecret: string;
    }
  | { readonly method: 'mutual_tls'; readonly clientId: string; readonly certificate: ClientCertificate };

type PresentedCredentials = PresentedSecretOrCertificate | PresentedAssertion;

/** Credentials, read as far as to say whose they would be. */
type Claim =
  | PresentedSecretOrCertificate
  | { readonly method: 'private_key_jwt'; readonly clientId: string; readonly assertion: ClientAssertion };

/** What of an HTTP request may authenticate its client besides the form, and where it comes from. */
export interface ClientAuthenticationRequest {
  readonly headers: { readonly authorization?: string | undefined };
  readonly clientCertificate: ClientCertificate | undefined;
  /** The address of the caller. */
  readonly ip: string;
}

/**
 * The client that a request comes from, by its `Authorization` header, its form and the certificate of its connection.
 * Throws `invalid_client` with one and the same text for an unknown client, wrong credentials, another method than the
 * client's and a disabled client; the log has the reason. Throws `too_many_requests` where that happened too often.
 */
export type AuthenticateClient = (
  request: ClientAuthenticationRequest,
  form: ReadonlyMap<string, string>,
) => Promise<Client>;

export interface ClientAuthenticationOptions {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly directory: ClientDirectory;
  readonly masterKey: MasterKey;
  readonly keys: ClientKeys;
  readonly usedTokens: UsedTokens;
  readonly recordSecretUse: (secretId: string) => void;
  readonly failures: FailureBudgets;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createClientAuthentication(options: ClientAuthenticationOptions): AuthenticateClient {
  const { issuer, tokenEndpoint, directory, masterKey, keys, usedTokens, recordSecretUse, failures, now } = options;

  /** Why the client is not the one that asks; undefined where it is. */
  const findFault = (client: Client | undefined, claim: Claim) => {
    switch (claim.method) {
      case 'private_key_jwt':
        return (
          findMethodFault(client, claim.method) ?? findAssertionFault(client, claim.assertion, keys, issuer, usedTokens)
        );
      case 'mutual_tls':
        return findMethodFault(client, claim.method) ?? findCertificateFault(client, claim.certificate, keys, now());
      default: {
        // The secret comes first, so that what it costs does not tell which clients use secrets.
        const check = checkSecret(client, claim.clientSecret, masterKey, now());
        if ('fault' in check) {
          return check.fault;
        }
        recordSecretUse(check.secretId);
        return findMethodFault(client, claim.method);
      }
    }
  };

  const authenticate = async (claim: Claim): Promise<Client> => {
    const client = await directory.find(claim.clientId);
    const fault = await findFault(client, claim);
    if (client === undefined || fault !== undefined) {
      throw new OAuthError(
        'invalid_client',
        'Client authentication failed: the client is unknown or disabled, or these are not its credentials.',
        {
          reason: fault ?? 'client_unknown',
          ...(claim.method === 'client_secret_basic' && { scheme: 'Basic' }),
        },
      );
    }
    return client;
  };

  return async (request, form) => {
    const presented = readCredentials(request, form);
    const claim =
      presented.method === 'private_key_jwt'
        ? claimOf(presented, readClientAssertion(presented.assertion, [issuer, tokenEndpoint], now() / 1000))
        : presented;
    return failures.attempt(claim.clientId, request.ip, () => authenticate(claim));
  };
}

/** A client that registered no method has a secret, and may send it by Basic or in the form. */
function findMethodFault(client: Client | undefined, method: PresentedCredentials['method']): ErrorReason | undefined {
  if (client === undefined) {
    return 'client_unknown';
  }
  const registered = client.metadata.token_endpoint_auth_method;
  const allowed: readonly string[] =
    method === 'mutual_tls' ? ['tls_client_auth', 'self_signed_tls_client_auth'] : [method];
  return (registered === undefined ? method.startsWith('client_secret_') : allowed.includes(registered))
    ? undefined
    : 'method_not_registered';
}

function claimOf({ method, clientId }: PresentedAssertion, assertion: ClientAssertion): Claim {
  if (clientId !== undefined && clientId !== assertion.clientId) {
    throw new OAuthError('invalid_client', 'The client_id in the form is not the sub of the client assertion.', {
      reason: 'assertion_malformed',
    });
  }
  return { method, clientId: assertion.clientId, assertion };
}

/**
 * Whether a request tries to authenticate its client at all. Where a grant needs no credentials, those that come must
 * be checked all the same (RFC 7523 §3.1).
 */
export function hasCredentials({ headers }: ClientAuthenticationRequest, form: ReadonlyMap<string, string>): boolean {
  return headers.authorization !== undefined || form.has('client_secret') || form.has('client_assertion');
}

/**
 * The credentials in a request. Throws `invalid_request` for two kinds at once (RFC 6749 §2.3: a client MUST NOT use
 * more than one method) and `invalid_client` for none. A certificate counts where there is nothing else: a client with
 * another method may need its connection's certificate to bind a token to it.
 */
function readCredentials(
  request: ClientAuthenticationRequest,
  form: ReadonlyMap<string, string>,
): PresentedCredentials {
  const { authorization } = request.headers;
  const certificate = request.clientCertificate;
  const clientId = form.get('client_id');
  const clientSecret = form.get('client_secret');
  const assertion = form.get('client_assertion');
  const ways =
    Number(authorization !== undefined) + Number(clientSecret !== undefined) + Number(assertion !== undefined);
  if (ways > 1) {
    throw new OAuthError(
      'invalid_request',
      'The client authenticates in two ways at once: use HTTP Basic, client_secret or client_assertion.',
    );
  }
  if (authorization !== undefined) {
    return readBasic(authorization, clientId);
  }
  if (assertion !== undefined) {
    if (form.get('client_assertion_type') !== assertionType) {
      throw new OAuthError('invalid_request', `The parameter client_assertion_type must be ${assertionType}.`);
    }
    return { method: 'private_key_jwt', clientId, assertion };
  }
  if (clientId !== undefined && clientSecret === undefined && certificate !== undefined) {
    return { method: 'mutual_tls', clientId, certificate };
  }
  if (clientId === undefined || clientSecret === undefined) {
    throw new OAuthError(
      'invalid_client',
      'The request must authenticate its client: client_id and client_secret in the form, HTTP Basic, a ' +
        'client_assertion, or client_id with a client certificate.',
      { reason: 'credentials_missing' },
    );
  }
  return { method: 'client_secret_post', clientId, clientSecret };
}

function readBasic(authorization: string, clientId: string | undefined): PresentedCredentials {
  const basic = /^Basic +(\S+) *$/i.exec(authorization)?.[1];
  if (basic === undefined) {
    throw new OAuthError('invalid_client', 'The Authorization header must be: Basic <credentials>.', {
      reason: 'credentials_malformed',
      ...(/^basic\b/i.test(authorization) && { scheme: 'Basic' }),
    });
  }
  const credentials = parseBasicCredentials(basic);
  if (clientId !== undefined && clientId !== credentials.clientId) {
    throw new OAuthError('invalid_request', 'The client_id in the form is not the one in the Basic credentials.');
  }
  return { method: 'client_secret_basic', ...credentials };
}
