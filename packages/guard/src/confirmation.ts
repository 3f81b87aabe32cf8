/** What a token is bound to, and how its `cnf` claim says so. RFC 7800 §3.1, RFC 8705 §3.1, RFC 9449 §6.1. */

/** Exactly one of these. */
export interface Confirmation {
  /** Thumbprint of the key of its DPoP proofs. RFC 9449 §6.1. */
  readonly jkt?: string;
  /** Thumbprint of the client certificate that must come with it. RFC 8705 §3.1. */
  readonly x5tS256?: string;
}

/** The `cnf` claim of a confirmation. */
export function toCnf({ jkt, x5tS256 }: Confirmation): Readonly<Record<string, string>> {
  return { ...(jkt !== undefined && { jkt }), ...(x5tS256 !== undefined && { 'x5t#S256': x5tS256 }) };
}

/** The confirmation that a `cnf` claim holds, or undefined for one that cannot be checked here, whatever it holds. */
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
