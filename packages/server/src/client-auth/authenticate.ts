/** Client authentication at the endpoints that need it: exactly one method, the one the client is registered for. RFC 6749 §2.3. */
import { type ErrorReason, jwtBearerAssertion, jwtSpiffeAssertion, OAuthError } from '@postern/protocol';
import { parseBasicCredentials } from '@postern/protocol/node';
import type { ClientCertificate } from '../certificates/client-certificate.ts';
import { isAllowedFrom } from '../clients/allowed-networks.ts';
import type { Client } from '../clients/client.ts';
import type { ClientDirectory } from '../clients/client-directory.ts';
import { certificateMethods } from '../clients/client-metadata.ts';
import { requirementsOf } from '../clients/security-profile.ts';
import { findStatusFault } from '../clients/token-status.ts';
import type { ThirdPartyJwt } from '../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { FailureBudgets } from '../limits/failure-budgets.ts';
import type { BundleKeys } from './bundle-keys.ts';
import type { ClientKeys } from './client-keys.ts';
import { findSecret, findSecretFault, type Secret } from './client-secret.ts';
import type { ImportedSecrets } from './imported-secrets.ts';
import { findJwtSvidFault, parseJwtSvid, svidAudienceError, useJwtSvid } from './jwt-svid.ts';
import { findCertificateFault } from './mutual-tls.ts';
import {
  audienceError,
  type ClientAssertion,
  findAssertionFault,
  parseClientAssertion,
  useAssertion,
} from './private-key-jwt.ts';
import { createSecretDigests, noPresentedDigest } from './secret-digests.ts';

/** The credentials in a request, parsed far enough to know which client they would authenticate. */
type PresentedCredentials =
  | SecretCredentials
  | { readonly method: 'private_key_jwt'; readonly clientId: string; readonly assertion: ClientAssertion }
  | { readonly method: 'spiffe_jwt'; readonly clientId: string; readonly svid: ThirdPartyJwt }
  | { readonly method: 'mutual_tls'; readonly clientId: string; readonly certificate: ClientCertificate };

interface SecretCredentials {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly clientSecret: string;
}

interface Caller {
  readonly address: string;
  /** Of the secret that was presented; of no secret if there is none. */
  readonly digest: Buffer;
}

/** What an HTTP request has in addition to its form that may authenticate its client. */
export interface ClientAuthenticationRequest {
  readonly headers: { readonly authorization?: string | undefined };
  readonly clientCertificate: ClientCertificate | undefined;
  /** The address of the caller. */
  readonly ip: string;
}

/**
 * Authenticates the client of a request by its `Authorization` header, its form or the certificate of its connection.
 * Throws `invalid_client` with the same text for an unknown client, an address that it may not use, wrong credentials, another
 * method than the client's and a disabled client; the log has the reason. Only for an assertion that an enabled client signed for another audience, the
 * text says which is due, and for a client that is known by its metadata document what is wrong with that. Throws `unauthorized_client`
 * if an administrator has not approved such a client, and `too_many_requests` instead of `invalid_client` if that happened too often.
 *
 * Uses up an assertion, unless `deferUse` is passed.
 */
export type AuthenticateClient = (
  request: ClientAuthenticationRequest,
  form: ReadonlyMap<string, string>,
  deferUse?: DeferUse,
) => Promise<Client>;

/**
 * Takes the step that uses up a one-time token, and throws if that was used before. Whoever defers it must run it when
 * nothing else is wrong with the request, before anything is done for it.
 */
export type DeferUse = (use: () => Promise<void>) => void;

export interface ClientAuthenticationOptions {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly directory: ClientDirectory;
  readonly masterKey: MasterKey;
  readonly keys: ClientKeys;
  readonly bundleKeys: BundleKeys;
  /** Why the assertion of a client that does not exist authenticates nobody. Throws what the caller may know. */
  readonly findStrangerFault: (assertion: ClientAssertion) => Promise<ErrorReason>;
  readonly importedSecrets: Pick<ImportedSecrets, 'arePending' | 'find'>;
  readonly usedTokens: UsedTokens;
  readonly recordSecretUse: (secretId: string, secrets: number) => void;
  readonly failures: FailureBudgets;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createClientAuthentication(options: ClientAuthenticationOptions): AuthenticateClient {
  const { issuer, tokenEndpoint, directory, masterKey, keys, bundleKeys, importedSecrets, usedTokens } = options;
  const { findStrangerFault, recordSecretUse, failures, now } = options;
  const audiences = { issuer, tokenEndpoint };
  const digestOf = createSecretDigests(masterKey);

  /** Looks for the secret also if the client is unknown or uses none, so that the time it takes discloses neither. */
  const findBySecret = async (
    client: Client | undefined,
    { clientId, clientSecret }: SecretCredentials,
    by: Caller,
  ) => {
    const { address, digest } = by;
    const secret = findSecret(client, digest);
    const imported = secret ?? (await importedSecrets.find(client, { clientId, clientSecret, address }));
    if (secret !== undefined || imported === undefined) {
      return { client, secret };
    }
    // The client may have changed during the check.
    const present = await directory.find(clientId);
    return { client: present, secret: present?.secrets.find(({ id }) => id === imported.id) };
  };

  const authenticate = async (
    found: Client | undefined,
    credentials: PresentedCredentials,
    caller: Caller,
  ): Promise<Client> => {
    const isAllowed = found === undefined || isAllowedFrom(found, caller.address);
    // From an address that it may not use, a client is one that does not exist: none of its secrets and keys is looked at.
    const known = isAllowed ? found : undefined;
    const { client, secret } =
      'clientSecret' in credentials
        ? await findBySecret(known, credentials, caller)
        : { client: known, secret: undefined };
    const fault =
      client === undefined
        ? isAllowed
          ? await findUnknownFault(credentials)
          : 'address_not_allowed'
        : (findMethodFault(client, credentials.method) ??
          (await findCredentialsFault(client, credentials, secret)) ??
          findStatusFault(client, now()));
    if (client === undefined || fault !== undefined) {
      // Whoever has the key of the client may know what is wrong with an assertion.
      if (client !== undefined && fault === 'client_expired') {
        throw expiredError(client, credentials);
      }
      const knows = client !== undefined && fault === 'audience_wrong' && findStatusFault(client, now()) === undefined;
      if (knows && 'assertion' in credentials) {
        throw audienceError(client, credentials.assertion, audiences);
      }
      throw knows && 'svid' in credentials ? svidAudienceError(issuer) : rejectCredentials(credentials, fault);
    }
    if (secret !== undefined) {
      recordSecretUse(secret.id, client.secrets.length);
    }
    return client;
  };

  const findUnknownFault = async (credentials: PresentedCredentials): Promise<ErrorReason> =>
    credentials.method === 'private_key_jwt' ? findStrangerFault(credentials.assertion) : 'client_unknown';

  const findCredentialsFault = (client: Client, credentials: PresentedCredentials, secret: Secret | undefined) => {
    switch (credentials.method) {
      case 'private_key_jwt':
        return findAssertionFault(client, credentials.assertion, keys, audiences);
      case 'spiffe_jwt':
        return findJwtSvidFault(client, credentials.svid, bundleKeys, issuer);
      case 'mutual_tls':
        return findCertificateFault(client, credentials.certificate, { keys, bundleKeys }, now());
      default:
        return findSecretFault(secret, now());
    }
  };

  /** Whether the check is the digest of a secret alone: not if it, or its failure, takes the check of an imported one. */
  const isCheap = (credentials: PresentedCredentials, inMemory: Client | undefined, { digest }: Caller): boolean =>
    'clientSecret' in credentials &&
    (importedSecrets.arePending() ? findSecret(inMemory, digest) !== undefined : inMemory !== undefined);

  return async (request, form, deferUse) => {
    const credentials = parseCredentials(request, form, now() / 1000);
    const { clientId } = credentials;
    const inMemory = directory.findInMemory(clientId);
    const presented = 'clientSecret' in credentials ? digestOf(credentials.clientSecret) : noPresentedDigest;
    const caller = { address: request.ip, digest: presented.digest };
    const attempt = { clientId, address: request.ip, isCheap: isCheap(credentials, inMemory, caller) };
    const judgeAgain =
      inMemory &&
      (async () => {
        const changed = await directory.reread(inMemory);
        return changed && authenticate(changed.client, credentials, caller);
      });
    const client = await failures
      .attempt({ ...attempt, judgeAgain }, async () =>
        authenticate(await directory.find(clientId), credentials, caller),
      )
      .catch((error) => {
        presented.makeUp();
        throw error;
      });
    presented.keep();
    if (credentials.method === 'private_key_jwt' || credentials.method === 'spiffe_jwt') {
      const use = () =>
        failures.attempt(attempt, async () => {
          const isFirst =
            'svid' in credentials
              ? useJwtSvid(client, credentials.svid, usedTokens)
              : useAssertion(credentials.assertion, usedTokens);
          if (!(await isFirst)) {
            throw rejectCredentials(credentials, 'token_replayed');
          }
        });
      await (deferUse === undefined ? use() : deferUse(use));
    }
    return client;
  };
}

/**
 * The id of the client that a request names, whether it is authenticated or exists; undefined if it names none. For
 * records of failures only.
 */
export function findNamedClientId(
  { headers, clientCertificate, ip }: ClientAuthenticationRequest,
  form: ReadonlyMap<string, string>,
  nowSeconds: number,
): string | undefined {
  try {
    return parseCredentials({ headers, clientCertificate, ip }, form, nowSeconds).clientId;
  } catch {
    return form.get('client_id');
  }
}

/** Only for whoever has the right credentials of the client. */
function expiredError({ expiresAt }: Client, { method }: PresentedCredentials): OAuthError {
  return new OAuthError(
    'invalid_client',
    `The client expired at ${new Date(expiresAt ?? 0).toISOString()}. Ask an administrator to set a later expires_at.`,
    { reason: 'client_expired', ...(method === 'client_secret_basic' && { scheme: 'Basic' }) },
  );
}

/** The same text for every reason. */
function rejectCredentials({ method }: PresentedCredentials, reason: ErrorReason | undefined): OAuthError {
  return new OAuthError(
    'invalid_client',
    'Client authentication failed: the client is unknown or disabled, or these are not its credentials. Check both, or ask an administrator for new ones.',
    { reason, ...(method === 'client_secret_basic' && { scheme: 'Basic' }) },
  );
}

/** A client that registered no method has a secret, and may send it by Basic or in the form. */
export function findMethodFault(client: Client, method: PresentedCredentials['method']): ErrorReason | undefined {
  const { tokenEndpointAuthMethod: registered } = client.metadata;
  const required = requirementsOf(client)?.authMethods;
  const used = method === 'mutual_tls' ? registered : method;
  if (required !== undefined && !required.includes(used ?? '')) {
    return 'method_not_registered';
  }
  const allowed: readonly string[] = method === 'mutual_tls' ? certificateMethods : [method];
  return (registered === undefined ? method.startsWith('client_secret_') : allowed.includes(registered))
    ? undefined
    : 'method_not_registered';
}

/**
 * Whether a request tries to authenticate its client at all. If a grant needs no credentials, those that are sent must
 * still be valid (RFC 7523 §3.1).
 */
export function hasCredentials(request: ClientAuthenticationRequest, form: ReadonlyMap<string, string>): boolean {
  return hasSecret(request, form) || form.has('client_assertion');
}

/** Whether a request has a shared secret, by which its client must then authenticate. */
export function hasSecret(
  { headers }: Pick<ClientAuthenticationRequest, 'headers'>,
  form: ReadonlyMap<string, string>,
): boolean {
  return headers.authorization !== undefined || form.has('client_secret');
}

/**
 * The credentials in a request. Throws `invalid_request` for two kinds at once (RFC 6749 §2.3: a client MUST NOT use
 * more than one method) and `invalid_client` for none. A certificate counts only if there is nothing else: a client
 * with another method may need its connection's certificate to bind a token to it.
 */
function parseCredentials(
  request: ClientAuthenticationRequest,
  form: ReadonlyMap<string, string>,
  nowSeconds: number,
): PresentedCredentials {
  const { authorization } = request.headers;
  const certificate = request.clientCertificate;
  const clientId = form.get('client_id');
  const clientSecret = form.get('client_secret');
  const clientAssertion = form.get('client_assertion');
  if ([authorization, clientSecret, clientAssertion].filter((one) => one !== undefined).length > 1) {
    throw new OAuthError(
      'invalid_request',
      'The client authenticates in two ways at once: use HTTP Basic, client_secret or client_assertion.',
    );
  }
  if (authorization !== undefined) {
    return parseBasic(authorization, clientId);
  }
  if (clientAssertion !== undefined) {
    const type = form.get('client_assertion_type');
    if (type === jwtSpiffeAssertion) {
      const svid = parseJwtSvid(clientAssertion, nowSeconds);
      return { method: 'spiffe_jwt', clientId: clientId ?? svid.subject, svid };
    }
    if (type !== jwtBearerAssertion) {
      throw new OAuthError(
        'invalid_request',
        `The parameter client_assertion_type must be ${jwtBearerAssertion}, or ${jwtSpiffeAssertion} for a JWT-SVID.`,
      );
    }
    const assertion = parseClientAssertion(clientAssertion, nowSeconds);
    if (clientId !== undefined && clientId !== assertion.clientId) {
      throw new OAuthError('invalid_client', 'The client_id in the form is not the sub of the client assertion.', {
        reason: 'assertion_malformed',
      });
    }
    return { method: 'private_key_jwt', clientId: assertion.clientId, assertion };
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

function parseBasic(authorization: string, clientId: string | undefined): PresentedCredentials {
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
