/** An access token as its holder can read it: a JWT by RFC 9068. Nothing here is verified. */

export type Claims = Readonly<Record<string, unknown>>;

/** Undefined for any text that is not a JWS of two JSON objects. */
export function readClaims(text: string): Claims | undefined {
  const parts = text.trim().split('.');
  const [header, payload] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined) {
    return undefined;
  }
  try {
    const claims = parsePart(payload);
    return isObject(parsePart(header)) && isObject(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

function parsePart(part: string): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64Url(part)));
}

/** The scopes of a token by its `scope` claim. RFC 9068 §2.2.3. */
export function scopesOf({ scope }: Claims): string[] {
  return typeof scope === 'string' ? scope.split(' ').filter((name) => name !== '') : [];
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) {
    throw new SyntaxError('not base64url');
  }
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
