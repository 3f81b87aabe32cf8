/** SPIFFE bundles, which verify the SVIDs of a trust domain. SPIFFE Trust Domain and Bundle §4, draft-ietf-oauth-spiffe-client-auth-02 §6.1. */
import { Type } from 'typebox';

/** Private members are unknown here, so that a private key sent by mistake is rejected. */
const BundleKey = Type.Object(
  {
    kty: Type.String({ maxLength: 20 }),
    use: Type.String({ maxLength: 20, description: 'jwt-svid or x509-svid; other keys are not used.' }),
    kid: Type.Optional(Type.String({ maxLength: 200 })),
    alg: Type.Optional(Type.String({ maxLength: 20 })),
    crv: Type.Optional(Type.String({ maxLength: 20 })),
    x: Type.Optional(Type.String({ maxLength: 200 })),
    y: Type.Optional(Type.String({ maxLength: 200 })),
    n: Type.Optional(Type.String({ maxLength: 1_400 })),
    e: Type.Optional(Type.String({ maxLength: 20 })),
    x5c: Type.Optional(Type.Array(Type.String({ maxLength: 8_000 }), { maxItems: 1 })),
  },
  { title: 'SpiffeBundleKey', additionalProperties: false },
);

export const SpiffeBundle = Type.Object(
  {
    keys: Type.Array(BundleKey, { minItems: 1, maxItems: 20 }),
    spiffe_sequence: Type.Optional(Type.Integer({ minimum: 0 })),
    spiffe_refresh_hint: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { title: 'SpiffeBundle', additionalProperties: false },
);

export type SvidUse = 'jwt-svid' | 'x509-svid';

/** How many keys of the bundle can be used for one kind of SVID. */
export function countUsableKeys(bundle: object, use: SvidUse): number {
  return readMarked(bundle).filter(({ svid }) => svid === use).length;
}

/** Makes the keys of a bundle ordinary keys for signatures, which say what they are for. §4.2.2: others are not used. */
export function markUses(document: unknown): { readonly keys: readonly object[] } {
  return { ...(document as object), keys: readMarked(document) };
}

function readMarked(document: unknown): { readonly svid: SvidUse }[] {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) {
    throw new Error('the document is not a SPIFFE bundle');
  }
  return keys.flatMap((key) =>
    key?.use === 'jwt-svid' || (key?.use === 'x509-svid' && typeof key.x5c?.[0] === 'string')
      ? [{ ...key, use: 'sig', svid: key.use as SvidUse }]
      : [],
  );
}
