/** Client credentials in HTTP Basic. RFC 7617 §2, and RFC 6749 §2.3.1 for the form-encoding inside. */
import { Buffer } from 'node:buffer';
import { formDecode } from './form.ts';
import { OAuthError } from './oauth-error.ts';

export interface BasicCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Id and secret from the part of an `Authorization` header that follows `Basic `.
 *
 * Clients in the wild encode them fully, partly or not at all before the base64; decoding once gives the same
 * answer for all three as long as both have unreserved characters only, as those that Postern generates do.
 * Throws `invalid_client` with a Basic challenge if the text is malformed.
 */
export function parseBasicCredentials(encoded: string): BasicCredentials {
  if (!base64.test(encoded)) {
    throw malformed('The Basic credentials are not base64.');
  }
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon === -1) {
    throw malformed('The Basic credentials have no colon between client id and secret.');
  }
  try {
    return { clientId: formDecode(text.slice(0, colon)), clientSecret: formDecode(text.slice(colon + 1)) };
  } catch (error) {
    throw malformed('The Basic credentials are not percent-encoded UTF-8.', error);
  }
}

function malformed(description: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_client', description, { reason: 'credentials_malformed', scheme: 'Basic', cause });
}
