/** What a token is bound to, in its `cnf` claim. RFC 7800 §3.1, RFC 8705 §3.1, RFC 9449 §6.1. */

/** Exactly one of the members is set. */
export interface Confirmation {
  /** Thumbprint of the key that signs its DPoP proofs. RFC 9449 §6.1. */
  readonly jkt?: string;
  /** Thumbprint of the required client certificate. RFC 8705 §3.1. */
  readonly x5tS256?: string;
}

/** Returns the `cnf` claim of a confirmation. */
export function toCnf({ jkt, x5tS256 }: Confirmation): Readonly<Record<string, string>> {
  return { ...(jkt !== undefined && { jkt }), ...(x5tS256 !== undefined && { 'x5t#S256': x5tS256 }) };
}

/** Returns the confirmation in a `cnf` claim, or undefined if it is malformed or of a kind that cannot be checked here. */
export function parseCnf(cnf: unknown): Confirmation | undefined {
  if (typeof cnf !== 'object' || cnf === null) {
    return undefined;
  }
  const [member, ...others] = Object.entries(cnf);
  if (member === undefined || others.length > 0 || typeof member[1] !== 'string') {
    return undefined;
  }
  const [name, thumbprint] = member;
  switch (name) {
    case 'jkt':
      return { jkt: thumbprint };
    case 'x5t#S256':
      return { x5tS256: thumbprint };
    default:
      return undefined;
  }
}
