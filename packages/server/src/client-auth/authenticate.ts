/** Client authentication at the endpoints that need it: exactly one method. RFC 6749 §2.3. */
import { OAuthError, parseBasicCredentials } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import type { ClientDirectory } from '../clients/client-directory.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { findSecretFault } from './client-secret.ts';

export interface PresentedCredentials {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * The client that a request comes from. Throws `invalid_client` with one and the same text for an unknown client, a
 * wrong secret and a disabled client; the log has the reason.
 */
export async function authenticateClient(
  authorization: string | undefined,
  form: ReadonlyMap<string, string>,
  directory: ClientDirectory,
  masterKey: MasterKey,
): Promise<Client> {
  const presented = readCredentials(authorization, form);
  const client = await directory.find(presented.clientId);
  const fault = findSecretFault(client, presented.clientSecret, masterKey);
  if (client === undefined || fault !== undefined) {
    throw new OAuthError(
      'invalid_client',
      'Client authentication failed: the client is unknown or disabled, or the secret is wrong.',
      { reason: fault ?? 'client_unknown', ...schemeOf(presented) },
    );
  }
  return client;
}

/**
 * The credentials in a request, from `Authorization: Basic` or from the form. Throws `invalid_request` for both at
 * once (RFC 6749 §2.3: a client MUST NOT use more than one method) and `invalid_client` for none.
 */
export function readCredentials(
  authorization: string | undefined,
  form: ReadonlyMap<string, string>,
): PresentedCredentials {
  const clientId = form.get('client_id');
  const clientSecret = form.get('client_secret');
  if (authorization === undefined) {
    if (clientId === undefined || clientSecret === undefined) {
      throw new OAuthError(
        'invalid_client',
        'The request must authenticate its client: client_id and client_secret in the form, or HTTP Basic.',
        { reason: 'credentials_missing' },
      );
    }
    return { method: 'client_secret_post', clientId, clientSecret };
  }
  const basic = /^Basic +(\S+) *$/i.exec(authorization)?.[1];
  if (basic === undefined) {
    throw new OAuthError('invalid_client', 'The Authorization header must be: Basic <credentials>.', {
      reason: 'credentials_malformed',
      ...(/^basic\b/i.test(authorization) ? { scheme: 'Basic' } : {}),
    });
  }
  const credentials = parseBasicCredentials(basic);
  if (clientSecret !== undefined) {
    throw new OAuthError('invalid_request', 'The client authenticates in two ways at once: by Basic and in the form.');
  }
  if (clientId !== undefined && clientId !== credentials.clientId) {
    throw new OAuthError('invalid_request', 'The client_id in the form is not the one in the Basic credentials.');
  }
  return { method: 'client_secret_basic', ...credentials };
}

function schemeOf(presented: PresentedCredentials): { scheme?: 'Basic' } {
  return presented.method === 'client_secret_basic' ? { scheme: 'Basic' } : {};
}
