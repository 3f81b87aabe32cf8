/** Client authentication at the endpoints that need it: exactly one method, the one the client is registered for. RFC 6749 §2.3. */
import { type ErrorReason, OAuthError, parseBasicCredentials } from '@postern/protocol';
import type { ClientCertificate } from '../certificates/client-certificate.ts';
import type { Client } from '../clients/client.ts';
import type { ClientDirectory } from '../clients/client-directory.ts';
import type { SecretUsage } from '../clients/secret-usage.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { ClientKeys } from './client-keys.ts';
import { checkSecret } from './client-secret.ts';
import { findCertificateFault } from './mutual-tls.ts';
import { assertionType, type ClientAssertion, findAssertionFault, readClientAssertion } from './private-key-jwt.ts';

export type PresentedCredentials =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      readonly clientId: string;
      readonly clientSecret: string;
    }
  | { readonly method: 'private_key_jwt'; readonly clientId: string | undefined; readonly assertion: string }
  | { readonly method: 'mutual_tls'; readonly clientId: string; readonly certificate: ClientCertificate };

/**
 * The client that a request comes from, by its `Authorization` header, its form and the certificate of its connection.
 * Throws `invalid_client` with one and the same text for an unknown client, wrong credentials, another method than the
 * client's and a disabled client; the log has the reason.
 */
export type AuthenticateClient = (
  authorization: string | undefined,
  form: ReadonlyMap<string, string>,
  certificate: ClientCertificate | undefined,
) => Promise<Client>;

export interface ClientAuthenticationOptions {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly directory: ClientDirectory;
  readonly masterKey: MasterKey;
  readonly keys: ClientKeys;
  readonly usedTokens: UsedTokens;
  readonly secretUsage: SecretUsage;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createClientAuthentication(options: ClientAuthenticationOptions): AuthenticateClient {
  const { issuer, tokenEndpoint, directory, masterKey, keys, usedTokens, secretUsage, now } = options;

  return async (authorization, form, certificate) => {
    const presented = readCredentials(authorization, form, certificate);
    let client: Client | undefined;
    let fault: ErrorReason | undefined;
    if (presented.method === 'private_key_jwt') {
      const assertion = readClientAssertion(presented.assertion, [issuer, tokenEndpoint], now() / 1000);
      requireSameClient(presented.clientId, assertion);
      client = await directory.find(assertion.clientId);
      fault =
        findMethodFault(client, presented.method) ??
        (await findAssertionFault(client, assertion, keys, issuer, usedTokens));
    } else if (presented.method === 'mutual_tls') {
      client = await directory.find(presented.clientId);
      fault =
        findMethodFault(client, presented.method) ??
        (await findCertificateFault(client, presented.certificate, keys, now()));
    } else {
      client = await directory.find(presented.clientId);
      // The secret comes first, so that what it costs does not tell which clients use secrets.
      const check = checkSecret(client, presented.clientSecret, masterKey, now());
      if ('fault' in check) {
        fault = check.fault;
      } else {
        fault = findMethodFault(client, presented.method);
        secretUsage.note(check.secretId, now());
      }
    }
    if (client === undefined || fault !== undefined) {
      throw new OAuthError(
        'invalid_client',
        'Client authentication failed: the client is unknown or disabled, or these are not its credentials.',
        {
          reason: fault ?? 'client_unknown',
          ...(presented.method === 'client_secret_basic' && { scheme: 'Basic' }),
        },
      );
    }
    return client;
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

function requireSameClient(clientId: string | undefined, assertion: ClientAssertion): void {
  if (clientId !== undefined && clientId !== assertion.clientId) {
    throw new OAuthError('invalid_client', 'The client_id in the form is not the sub of the client assertion.', {
      reason: 'assertion_malformed',
    });
  }
}

/**
 * Whether a request tries to authenticate its client at all. Where a grant needs no credentials, those that come must
 * be checked all the same (RFC 7523 §3.1).
 */
export function hasCredentials(authorization: string | undefined, form: ReadonlyMap<string, string>): boolean {
  return authorization !== undefined || form.has('client_secret') || form.has('client_assertion');
}

/**
 * The credentials in a request. Throws `invalid_request` for two kinds at once (RFC 6749 §2.3: a client MUST NOT use
 * more than one method) and `invalid_client` for none. A certificate counts where there is nothing else: a client with
 * another method may need its connection's certificate to bind a token to it.
 */
export function readCredentials(
  authorization: string | undefined,
  form: ReadonlyMap<string, string>,
  certificate: ClientCertificate | undefined,
): PresentedCredentials {
  const clientId = form.get('client_id');
  const clientSecret = form.get('client_secret');
  const assertion = form.get('client_assertion');
  const ways = [authorization, clientSecret, assertion].filter((way) => way !== undefined);
  if (ways.length > 1) {
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
