/** An access token as its holder can read it: a JWT by RFC 9068. Nothing here is verified. */

export interface ReadToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What the signature is over, and the signature. */
  readonly signed: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Undefined for any text that is not a JWS of two JSON objects. */
export function readToken(text: string): ReadToken | undefined {
  const parts = text.trim().split('.');
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    return undefined;
  }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const parse = (part: string): unknown => JSON.parse(decoder.decode(fromBase64Url(part)));
    const read = { header: parse(header), claims: parse(payload) };
    return isObject(read.header) && isObject(read.claims)
      ? {
          header: read.header,
          claims: read.claims,
          signed: `${header}.${payload}`,
          signature: fromBase64Url(signature),
        }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The scopes of a token by its `scope` claim. RFC 9068 §2.2.3. */
export function scopesOf({ claims }: ReadToken): string[] {
  const { scope } = claims;
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
