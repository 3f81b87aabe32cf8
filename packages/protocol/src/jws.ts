/** Compact JWS as text, before any key is involved. RFC 7515 §3.1 and §7.1. */
import { Buffer } from 'node:buffer';
import { decodeBase64Url, decodeBase64UrlText } from './base64url.ts';

export interface DecodedJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The bytes that the signature covers: the text of header and payload, and the dot between. */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

/** A JSON object in base64url; undefined for anything else. */
export type DecodePart = (text: string) => Readonly<Record<string, unknown>> | undefined;

/**
 * The parts of a compact JWS whose header and payload are JSON objects, or undefined if `token` is not one.
 * Takes canonical base64url only, so that one token has one text.
 *
 * Does not check the signature, the algorithm or any claim: nothing in the result may be trusted yet.
 *
 * `decodeHeader` may remember what it decoded.
 */
export function decodeJws(token: string, decodeHeader: DecodePart = decodeJwsPart): DecodedJws | undefined {
  const firstDot = token.indexOf('.');
  const lastDot = token.lastIndexOf('.');
  if (firstDot <= 0 || lastDot === firstDot || token.indexOf('.', firstDot + 1) !== lastDot) {
    return undefined;
  }
  const bytes = Buffer.from(token, 'latin1');
  // A character outside Latin 1 would have become another one.
  if (bytes.toString('latin1') !== token) {
    return undefined;
  }
  const header = decodeHeader(token.slice(0, firstDot));
  const payload = parseObject(decodeBase64UrlText(bytes, firstDot + 1, lastDot));
  const signature = decodeBase64Url(bytes, lastDot + 1, bytes.length);
  if (header === undefined || payload === undefined || signature === undefined) {
    return undefined;
  }
  return { header, payload, signingInput: bytes.subarray(0, lastDot), signature };
}

/** Header or payload of a JWS whose text was checked before: characters outside Latin 1 are not detected. */
export function decodeJwsPart(text: string): Record<string, unknown> | undefined {
  return parseObject(decodeBase64UrlText(Buffer.from(text, 'latin1'), 0, text.length));
}

function parseObject(json: string | undefined): Record<string, unknown> | undefined {
  if (json === undefined) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
