/**
 * Security profiles that a client may be registered for: what each requires in addition to the OAuth RFCs, as data for the
 * checks that every client passes. FAPI 2.0 Security Profile §5.3.2.1 and §5.4.1.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { OAuthError } from '@postern/protocol';

export const securityProfileNames = ['fapi2'] as const;

export interface SecurityProfile {
  /** The only methods of client authentication. */
  readonly authMethods: readonly string[];
  /** The only algorithms of JWTs that the client sends or receives. */
  readonly algorithms: readonly string[];
  /** The issuer as a string is the only audience of assertions: no array, no URL of an endpoint. */
  readonly assertsToIssuerOnly: boolean;
  /** Every token is bound to its sender, by DPoP or by a certificate. */
  readonly bindsTokens: boolean;
  /** The smallest size of keys, in bits. */
  readonly leastRsaBits: number;
  readonly leastEcBits: number;
}

// Its limits for times in the future (accepted up to 10 s, rejected from 60 s) are met by the 30 s of all clients.
const profiles: Readonly<Record<(typeof securityProfileNames)[number], SecurityProfile>> = {
  fapi2: {
    authMethods: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
    algorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
    assertsToIssuerOnly: true,
    bindsTokens: true,
    leastRsaBits: 2_048,
    leastEcBits: 224,
  },
};

/** Undefined for a client of no profile. */
export function securityProfileOf(metadata: {
  readonly securityProfile?: keyof typeof profiles;
}): SecurityProfile | undefined {
  return metadata.securityProfile === undefined ? undefined : profiles[metadata.securityProfile];
}

/** What tokens are issued to a client by: its own profile, and with it what client policies require. */
export function requirementsOf({
  requirements,
  metadata,
}: {
  readonly requirements?: SecurityProfile | undefined;
  readonly metadata: Parameters<typeof securityProfileOf>[0];
}): SecurityProfile | undefined {
  return requirements ?? securityProfileOf(metadata);
}

/** The members of client metadata that a profile limits. */
interface ProfiledMetadata {
  readonly securityProfile?: keyof typeof profiles;
  readonly tokenEndpointAuthMethod?: string;
  readonly tokenEndpointAudienceAllowed?: boolean;
  readonly jwks?: { readonly keys: readonly { readonly alg?: string }[] };
}

/** Throws `invalid_parameter` if the metadata contradicts its own profile. Does not check keys at a `jwks_uri`. */
export function requireSecurityProfile(metadata: ProfiledMetadata): void {
  const profile = securityProfileOf(metadata);
  if (profile === undefined) {
    return;
  }
  const invalid = (member: string, required: string) =>
    new OAuthError(
      'invalid_parameter',
      `${member}: the security_profile ${metadata.securityProfile} requires ${required}.`,
    );
  if (!profile.authMethods.includes(metadata.tokenEndpointAuthMethod ?? '')) {
    throw invalid('token_endpoint_auth_method', profile.authMethods.join(' or '));
  }
  if (profile.assertsToIssuerOnly && metadata.tokenEndpointAudienceAllowed === true) {
    throw invalid('token_endpoint_audience_allowed', 'the issuer as the only audience');
  }
  requireProfileKeys(metadata.jwks?.keys ?? [], profile, `security_profile ${metadata.securityProfile}`);
}

/** Throws `invalid_parameter` for a key that the profile excludes. `label` names the profile. */
export function requireProfileKeys(
  keys: readonly { readonly alg?: string }[],
  profile: SecurityProfile,
  label: string,
): void {
  const invalid = (member: string, required: string) =>
    new OAuthError('invalid_parameter', `${member}: the ${label} requires ${required}.`);
  for (const { alg, ...jwk } of keys) {
    if (alg !== undefined && !allowsAlgorithm(profile, alg)) {
      throw invalid('jwks', `keys for ${profile.algorithms.join(', ')}`);
    }
    const key = readKey(jwk);
    if (key === undefined || !allowsKey(profile, key)) {
      throw invalid('jwks', `RSA keys of ${profile.leastRsaBits} bits or more, and EC keys of ${profile.leastEcBits}`);
    }
  }
}

function readKey(jwk: object): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** Whether the profile, if there is one, allows an algorithm. */
export function allowsAlgorithm(profile: SecurityProfile | undefined, algorithm: string): boolean {
  return profile?.algorithms.includes(algorithm) ?? true;
}

/** Whether the profile, if there is one, allows a public key of that size and kind. */
export function allowsKey(profile: SecurityProfile | undefined, key: KeyObject): boolean {
  if (profile === undefined) {
    return true;
  }
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= profile.leastRsaBits;
    case 'ec':
      // The names of curves contain their size: prime256v1, secp384r1, brainpoolP320r1.
      return Number(/\d{3}/.exec(key.asymmetricKeyDetails?.namedCurve ?? '')) >= profile.leastEcBits;
    case 'ed25519':
    case 'ed448':
      return true;
    default:
      return false;
  }
}
