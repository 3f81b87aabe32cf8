/** Compact JWS as text, before any key is involved. RFC 7515 §3.1 and §7.1. */
import { decodeBase64Url, decodeBase64UrlText } from './base64url.ts';

export interface DecodedJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The bytes that the signature covers: the text of header and payload, and the dot between. */
  readonly signingInput: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
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
  const header = decodeHeader(token.slice(0, firstDot));
  const bytes = header && encodeAscii(token);
  if (header === undefined || bytes === undefined) {
    return undefined;
  }
  const payload = parseObject(decodeBase64UrlText(bytes, firstDot + 1, lastDot));
  const signature = decodeBase64Url(bytes, lastDot + 1, token.length);
  if (payload === undefined || signature === undefined) {
    return undefined;
  }
  return { header, payload, signingInput: bytes.slice(0, lastDot), signature };
}

/** Header or payload of a JWS. */
export function decodeJwsPart(text: string): Record<string, unknown> | undefined {
  const bytes = encodeAscii(text);
  return bytes && parseObject(decodeBase64UrlText(bytes, 0, text.length));
}

const encoder = new TextEncoder();

/** Texts up to this length are encoded without new memory for their bytes. */
const scratch = new Uint8Array(16_384);

/** Returns memory that begins with the bytes of `text`, and that the next call may write to; undefined if not all are ASCII. */
function encodeAscii(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = text.length > scratch.length ? new Uint8Array(text.length) : scratch;
  const { read, written } = encoder.encodeInto(text, bytes);
  return read === text.length && written === text.length ? bytes : undefined;
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
