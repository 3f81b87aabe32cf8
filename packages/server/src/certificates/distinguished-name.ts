/** Distinguished names: from text (RFC 4514) and from certificates (RFC 5280 §4.1.2.4), and whether two are the same. */
import { type BaseBlock, ObjectIdentifier } from 'asn1js';
import { findText, parseValue, requireMembers } from './asn1.ts';

/** One attribute, as a text that is the same for equal attributes. */
type Attribute = string;

/** From the root of the tree to the leaf, as in a certificate; each a set of one or more attributes, sorted. */
export type DistinguishedName = readonly (readonly Attribute[])[];

/** Attribute types by their names in lower case. RFC 4514 §3, RFC 4519, RFC 2985. */
const types: ReadonlyMap<string, string> = new Map([
  ['cn', '2.5.4.3'],
  ['commonname', '2.5.4.3'],
  ['sn', '2.5.4.4'],
  ['surname', '2.5.4.4'],
  ['serialnumber', '2.5.4.5'],
  ['c', '2.5.4.6'],
  ['countryname', '2.5.4.6'],
  ['l', '2.5.4.7'],
  ['localityname', '2.5.4.7'],
  ['st', '2.5.4.8'],
  ['stateorprovincename', '2.5.4.8'],
  ['street', '2.5.4.9'],
  ['streetaddress', '2.5.4.9'],
  ['o', '2.5.4.10'],
  ['organizationname', '2.5.4.10'],
  ['ou', '2.5.4.11'],
  ['organizationalunitname', '2.5.4.11'],
  ['title', '2.5.4.12'],
  ['businesscategory', '2.5.4.15'],
  ['postalcode', '2.5.4.17'],
  ['gn', '2.5.4.42'],
  ['givenname', '2.5.4.42'],
  ['dnqualifier', '2.5.4.46'],
  ['pseudonym', '2.5.4.65'],
  ['organizationidentifier', '2.5.4.97'],
  ['uid', '0.9.2342.19200300.100.1.1'],
  ['userid', '0.9.2342.19200300.100.1.1'],
  ['dc', '0.9.2342.19200300.100.1.25'],
  ['domaincomponent', '0.9.2342.19200300.100.1.25'],
  ['e', '1.2.840.113549.1.9.1'],
  ['emailaddress', '1.2.840.113549.1.9.1'],
  ['jurisdictionl', '1.3.6.1.4.1.311.60.2.1.1'],
  ['jurisdictionst', '1.3.6.1.4.1.311.60.2.1.2'],
  ['jurisdictionc', '1.3.6.1.4.1.311.60.2.1.3'],
]);

const knownOids = new Set(types.values());

/** The name that `text` says, last attribute first, or undefined if it is no RFC 4514 string of a known form. */
export function parseDistinguishedName(text: string): DistinguishedName | undefined {
  const relativeNames: Attribute[][] = [];
  let current: Attribute[] = [];
  let rest = text;
  for (;;) {
    const read = readAttribute(rest);
    if (read === undefined) {
      return undefined;
    }
    current.push(read.attribute);
    if (read.separator !== '+') {
      relativeNames.push(current.sort());
      current = [];
    }
    if (read.separator === '') {
      return relativeNames.reverse();
    }
    rest = read.rest;
  }
}

/** The name in a `Name` of a certificate. Throws `RangeError` if it is malformed. */
export function readDistinguishedName(name: BaseBlock): DistinguishedName {
  return requireMembers(name).map((relativeName) =>
    requireMembers(relativeName)
      .map((attribute) => {
        const [type, value] = requireMembers(attribute);
        if (!(type instanceof ObjectIdentifier) || value === undefined) {
          throw new RangeError('an attribute has no type or no value');
        }
        return toAttribute(type.getValue(), value);
      })
      .sort(),
  );
}

/** Whether the attributes are the same in the same order; within one relative name, their order does not matter. RFC 5280 §7.1. */
export function isSameName(one: DistinguishedName, other: DistinguishedName): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A value in hexadecimal, or text in which special characters are escaped by a backslash. RFC 4514 §3. */
const attributePattern =
  /^ *(?<type>[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+) *= *(?! )(?:#(?<hex>(?:[0-9A-Fa-f]{2})+)|(?!#)(?<text>(?:\\[0-9A-Fa-f]{2}|\\[ "#+,;<=>\\]|[^"+,;<>\\\0])*?)) *(?:(?<separator>[,+])(?<rest>.*))?$/su;

function readAttribute(text: string) {
  const groups = attributePattern.exec(text)?.groups;
  if (groups === undefined) {
    return undefined;
  }
  const name = (groups['type'] as string).toLowerCase();
  const oid = /^\d/.test(name) ? name : types.get(name);
  const attribute = oid === undefined ? undefined : readValue(oid, groups['hex'], groups['text']);
  if (attribute === undefined) {
    return undefined;
  }
  return { attribute, separator: groups['separator'] ?? '', rest: groups['rest'] ?? '' };
}

function readValue(oid: string, hex: string | undefined, text: string | undefined): Attribute | undefined {
  if (hex === undefined) {
    return textAttribute(oid, unescapeText(text ?? ''));
  }
  try {
    return toAttribute(oid, parseValue(Buffer.from(hex, 'hex')));
  } catch {
    return undefined;
  }
}

/** `\2C` is a byte of UTF-8, `\,` the character itself. */
function unescapeText(text: string): string {
  return text.replace(/((?:\\[0-9A-Fa-f]{2})+)|\\(.)/gsu, (_match, bytes?: string, character?: string) =>
    bytes === undefined ? (character as string) : Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('utf8'),
  );
}

function toAttribute(oid: string, value: BaseBlock): Attribute {
  const text = findText(value);
  return text === undefined
    ? `${oid}#${Buffer.from(value.valueBeforeDecodeView).toString('hex')}`
    : textAttribute(oid, text);
}

/**
 * Types with a name above are compared without regard to the case of ASCII letters and to the amount of white space
 * (RFC 4517 §4.2.11, narrowed: other letters keep their case); any other type is compared exactly.
 */
function textAttribute(oid: string, text: string): Attribute {
  const comparable = knownOids.has(oid)
    ? text
        .trim()
        .replace(/\s+/g, ' ')
        .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    : text;
  return `${oid}=${comparable}`;
}
