/** Public keys of third parties, as JSON Schema. RFC 7517 §4 and §5. */
import { PublicKeyFault } from '@postern/guard';
import { requirePublicKey } from '@postern/guard/node';
import { OAuthError } from '@postern/protocol';
import { type Static, Type } from 'typebox';

/** A public key. Private members are unknown here, so that a private key sent by mistake is rejected. */
const PublicJwk = Type.Object(
  {
    kty: Type.Union([Type.Literal('EC'), Type.Literal('OKP'), Type.Literal('RSA')]),
    kid: Type.Optional(Type.String({ maxLength: 200 })),
    use: Type.Optional(Type.Literal('sig')),
    alg: Type.Optional(Type.String({ maxLength: 20 })),
    key_ops: Type.Optional(Type.Array(Type.Literal('verify'), { maxItems: 1 })),
    /** Web Crypto says so of every key that it exports. */
    ext: Type.Optional(Type.Boolean()),
    crv: Type.Optional(Type.String({ maxLength: 20 })),
    x: Type.Optional(Type.String({ maxLength: 200 })),
    y: Type.Optional(Type.String({ maxLength: 200 })),
    n: Type.Optional(Type.String({ maxLength: 1_400 })),
    e: Type.Optional(Type.String({ maxLength: 20 })),
    x5c: Type.Optional(Type.Array(Type.String({ maxLength: 8_000 }), { maxItems: 5 })),
    'x5t#S256': Type.Optional(Type.String({ maxLength: 50 })),
  },
  { title: 'PublicJwk', additionalProperties: false },
);

export const JwkSet = Type.Object(
  { keys: Type.Array(PublicJwk, { minItems: 1, maxItems: 20 }) },
  { title: 'JwkSet', additionalProperties: false },
);

/** Throws `invalid_parameter` for a key that would never be used, since it is weak or malformed. */
export function requireFitKeys(jwks: object): void {
  for (const [index, jwk] of (jwks as Static<typeof JwkSet>).keys.entries()) {
    try {
      requirePublicKey(jwk);
    } catch (error) {
      if (error instanceof PublicKeyFault) {
        throw new OAuthError('invalid_parameter', `jwks.keys[${index}]: ${error.message}.`);
      }
      throw error;
    }
  }
}
