/** The extensions of a certificate, each with its DER. RFC 5280 §4.1.2.9. */
import { Boolean as Asn1Boolean, type BaseBlock, ObjectIdentifier, OctetString } from 'asn1js';
import { isTagged, requireMembers } from './asn1.ts';

export interface CertificateExtension {
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

/** By object identifier. `fields` are those of the part that is signed. Throws `RangeError` if one is malformed, or there twice. */
export function readExtensions(fields: readonly BaseBlock[]): ReadonlyMap<string, CertificateExtension> {
  const tagged = fields.find((field) => isTagged(field, 3));
  const extensions = new Map<string, CertificateExtension>();
  for (const extension of tagged === undefined ? [] : requireMembers(requireMembers(tagged)[0])) {
    const [id, ...rest] = requireMembers(extension);
    const value = rest.at(-1);
    // Whether the extension is critical may stand before its value.
    const [critical] = rest.length > 1 ? rest : [];
    if (!(id instanceof ObjectIdentifier && value instanceof OctetString) || extensions.has(id.getValue())) {
      throw new RangeError('an extension has no value, or is there twice');
    }
    extensions.set(id.getValue(), {
      isCritical: critical instanceof Asn1Boolean && critical.getValue(),
      value: new Uint8Array(value.getValue()),
    });
  }
  return extensions;
}
