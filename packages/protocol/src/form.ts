/** `application/x-www-form-urlencoded` request bodies, read strictly. RFC 6749 §3.2 and appendix B. */
import { OAuthError } from './oauth-error.ts';
import { formParameters } from './registered-names.ts';

const mostParameters = 64;
const longestName = 128;
const longestValue = 16_384;

/** NUL and the control characters that no parameter needs; JSON values may have tabs and line breaks. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
const controlCharacter = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/**
 * Parameters of a form body. A parameter without a value counts as not sent (RFC 6749 §3.2), and one that is
 * sent twice is refused, also when nobody here knows its name.
 *
 * Limits: 64 parameters, names of 128 and values of 16,384 characters. Throws `invalid_request`, with a text that repeats
 * nothing of the body but names of registered parameters: anything else may be a secret in the wrong place.
 */
export function parseForm(body: string): ReadonlyMap<string, string> {
  if (/^\s*[{[]/.test(body)) {
    throw new OAuthError(
      'invalid_request',
      'This is JSON. Send a form instead, such as grant_type=client_credentials&client_id=...',
    );
  }
  requireNoControlCharacter(body);
  const params = new Map<string, string>();
  let hasEmpty = false;
  for (const pair of body.split('&')) {
    if (pair === '') {
      continue;
    }
    const cut = pair.indexOf('=');
    const name = decode(cut === -1 ? pair : pair.slice(0, cut));
    const value = cut === -1 ? '' : decode(pair.slice(cut + 1));
    if (cut === -1 && name.includes('=')) {
      throw new OAuthError('invalid_request', 'The form is percent-encoded as a whole: encode only names and values.');
    }
    if (name.length > longestName || value.length > longestValue) {
      throw new OAuthError('invalid_request', `${describeParameter(name)} is too long.`);
    }
    if (params.has(name)) {
      throw new OAuthError('invalid_request', `${describeParameter(name)} is sent more than once.`);
    }
    if (params.size === mostParameters) {
      throw new OAuthError('invalid_request', `The form has more than ${mostParameters} parameters.`);
    }
    params.set(name, value);
    hasEmpty ||= value === '';
  }
  return hasEmpty ? new Map([...params].filter(([, value]) => value !== '')) : params;
}

function describeParameter(name: string): string {
  return formParameters.has(name) ? `The parameter '${name}'` : 'A parameter that is not known here';
}

/**
 * One form-encoded name or value as text. Throws `invalid_request` for broken percent-encoding, for bytes that
 * are not UTF-8 (lone surrogates among them) and for control characters.
 */
export function formDecode(encoded: string): string {
  requireNoControlCharacter(encoded);
  return decode(encoded);
}

/** Decodes text that has no literal control character, but may have an encoded one. */
function decode(encoded: string): string {
  if (!encoded.includes('%') && !encoded.includes('+')) {
    return encoded;
  }
  let text: string;
  try {
    text = decodeURIComponent(encoded.includes('+') ? encoded.replaceAll('+', ' ') : encoded);
  } catch {
    throw new OAuthError('invalid_request', 'The form has text that is not percent-encoded UTF-8.');
  }
  requireNoControlCharacter(text);
  return text;
}

function requireNoControlCharacter(text: string): void {
  if (controlCharacter.test(text)) {
    throw new OAuthError('invalid_request', 'The form has a control character.');
  }
}
