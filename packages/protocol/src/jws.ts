/** Compact JWS as text, before any key is involved. RFC 7515 §3.1 and §7.1. */
import { Buffer } from 'node:buffer';

export interface DecodedJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The bytes that the signature covers, as ASCII text. */
  readonly signingInput: string;
  readonly signature: Buffer;
}

/**
 * The parts of a compact JWS whose header and payload are JSON objects, or undefined where `token` is not one.
 * Takes canonical base64url only, so that one token has one text.
 *
 * Does not check the signature, the algorithm or any claim: nothing in the result may be trusted yet.
 */
export function decodeJws(token: string): DecodedJws | undefined {
  const firstDot = token.indexOf('.');
  const lastDot = token.lastIndexOf('.');
  if (firstDot <= 0 || lastDot === firstDot || token.indexOf('.', firstDot + 1) !== lastDot) {
    return undefined;
  }
  const header = decodeObject(token.slice(0, firstDot));
  const payload = decodeObject(token.slice(firstDot + 1, lastDot));
  const signature = decodeBase64Url(token.slice(lastDot + 1));
  if (header === undefined || payload === undefined || signature === undefined) {
    return undefined;
  }
  return { header, payload, signingInput: token.slice(0, lastDot), signature };
}

function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length > 0 && bytes.toString('base64url') === text ? bytes : undefined;
}

function decodeObject(text: string): Record<string, unknown> | undefined {
  const bytes = decodeBase64Url(text);
  if (bytes === undefined) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
