/**
 * Reads values in DER, as far as the names in a certificate need it. X.690 §8 and §10. For certificates that OpenSSL has
 * read before.
 */

export interface DerValue {
  /** Class, form and number as they stand in the first byte. */
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly encoded: Buffer;
}

/** The values that stand one after another in `bytes`. Throws `RangeError` where they are cut short or too long. */
export function readAll(bytes: Buffer): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = readOne(bytes.subarray(at));
    values.push(value);
    at += value.encoded.length;
  }
  return values;
}

/** The text of a string value of any type that certificates use, or undefined where it is none. */
export function readText({ tag, content }: DerValue): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
      return content.toString('utf8');
    case 0x12: // NumericString
    case 0x13: // PrintableString
    case 0x16: // IA5String
    case 0x1a: // VisibleString
    case 0x14: // TeletexString, which is Latin 1 in practice
      return content.toString('latin1');
    case 0x1e: // BMPString
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined;
    default:
      return undefined;
  }
}

/** An object identifier in dotted decimals. X.690 §8.19. */
export function readOid({ content }: DerValue): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of content) {
    arc = arc * 128n + BigInt(byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

function readOne(bytes: Buffer): DerValue {
  const [tag, length] = bytes;
  if (tag === undefined || length === undefined) {
    throw new RangeError('a value ends before it begins');
  }
  const lengthBytes = length < 0x80 ? 0 : length & 0x7f;
  if (lengthBytes > 4) {
    throw new RangeError('a value is longer than any certificate');
  }
  const start = 2 + lengthBytes;
  const end = start + (lengthBytes === 0 ? length : bytes.readUIntBE(2, lengthBytes));
  if (end > bytes.length || length === 0x80) {
    throw new RangeError('a value is cut short');
  }
  return { tag, content: bytes.subarray(start, end), encoded: bytes.subarray(0, end) };
}
