/** Parses ASN.1 values, in which certificates are encoded. X.690. `asn1js` does it, within limits for untrusted bytes. */
import { type BaseBlock, BaseStringBlock, Constructed, fromBER } from 'asn1js';

/** Throws `RangeError` unless `bytes` encode exactly one value. */
export function parseValue(bytes: Uint8Array): BaseBlock {
  const { value, length } = parseFirst(bytes);
  if (length !== bytes.length) {
    throw new RangeError('not one ASN.1 value');
  }
  return value;
}

/** The value that `bytes` begin with, and how many of them encode it. Throws `RangeError` if there is none. */
export function parseFirst(bytes: Uint8Array): { readonly value: BaseBlock; readonly length: number } {
  let parsed: ReturnType<typeof fromBER>;
  try {
    parsed = fromBER(bytes, { parseEmbedded: false, maxDepth: 20, maxNodes: 10_000 });
  } catch (cause) {
    throw new RangeError('not an ASN.1 value', { cause });
  }
  if (parsed.offset === -1) {
    throw new RangeError('not an ASN.1 value');
  }
  return { value: parsed.result, length: parsed.offset };
}

/** How many bytes come before the content of a value that uses one byte for its tag: the tag and the length. X.690 §8.1.3. */
export function headerLength(bytes: Uint8Array): number {
  const [, length = 0] = bytes;
  return length < 0x80 ? 2 : 2 + (length & 0x7f);
}

/** The values inside of a sequence, a set or an explicit tag. Throws `RangeError` if it is none of these. */
export function requireMembers(value: BaseBlock | undefined): readonly BaseBlock[] {
  if (!(value instanceof Constructed)) {
    throw new RangeError('a value has no members');
  }
  return value.valueBlock.value;
}

/** Whether the value has the context-specific tag `[number]`. */
export function isTagged(value: BaseBlock | undefined, number: number): boolean {
  return value?.idBlock.tagClass === 3 && value.idBlock.tagNumber === number;
}

/**
 * UTF8String, NumericString, PrintableString, TeletexString (in practice Latin 1), IA5String, VisibleString and BMPString,
 * by their universal tags. Classes do not tell: in `asn1js`, a time is a string too.
 */
const textTags = new Set([12, 18, 19, 20, 22, 26, 30]);

/** The text of a string value of any type that certificates use, or undefined if it is none. */
export function findText(value: BaseBlock): string | undefined {
  const { tagClass, tagNumber } = value.idBlock;
  return tagClass === 1 && textTags.has(tagNumber) && value instanceof BaseStringBlock ? value.getValue() : undefined;
}
