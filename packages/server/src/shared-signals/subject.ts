/** Whom an event is about. SSF 1.0 §3, RFC 9493 §3. Pure. */
import { OAuthError } from '@postern/protocol';

/** A client, as the subject of the tokens that it gets in its own name. RFC 9493 §3.2.4. */
interface IssSub {
  readonly format: 'iss_sub';
  readonly iss: string;
  readonly sub: string;
}

/** A token. SSF 1.0 §3.5.1. */
interface JwtId {
  readonly format: 'jwt_id';
  readonly iss: string;
  readonly jti: string;
}

/** A session or a stream. RFC 9493 §3.2.5. */
interface Opaque {
  readonly format: 'opaque';
  readonly id: string;
}

/** What a receiver can add to a stream or remove from it. */
export type SimpleSubject = IssSub | JwtId | Opaque;

export type Subject =
  | SimpleSubject
  /** The server itself, with all of its tokens. RFC 9493 §3.2.7. */
  | { readonly format: 'uri'; readonly uri: string }
  /** A session and who is signed in. SSF 1.0 §3.3. */
  | { readonly format: 'complex'; readonly session: Opaque; readonly user: IssSub };

/** The members of each format, of which there must be no other. */
const members: Readonly<Record<SimpleSubject['format'], readonly string[]>> = {
  iss_sub: ['iss', 'sub'],
  jwt_id: ['iss', 'jti'],
  opaque: ['id'],
};

/** The longest member of a subject, in characters. */
const longest = 500;

/** Identical subjects have the same key. SSF 1.0 §8.1.3.1. */
export function keyOf(subject: SimpleSubject): string {
  const [first, ...rest] = members[subject.format].map((name) => (subject as unknown as Record<string, string>)[name]);
  return JSON.stringify([subject.format, first, ...rest]);
}

/**
 * Reads the subject that a receiver adds or removes. Throws `invalid_request`, and `not_found` if it is one of another issuer.
 * Does not check that it exists, so that nobody can find out. SSF 1.0 §9.1.
 */
export function parseSubject(value: Readonly<Record<string, unknown>>, issuer: string): SimpleSubject {
  const { format, ...rest } = value;
  const isKnown = typeof format === 'string' && Object.hasOwn(members, format);
  const names = isKnown ? members[format as SimpleSubject['format']] : undefined;
  if (names === undefined) {
    throw new OAuthError(
      'invalid_request',
      `subject: format must be one of ${Object.keys(members).join(', ')}: a client, a token, or a session.`,
    );
  }
  const isComplete = names.every((name) => {
    const member = rest[name];
    return typeof member === 'string' && member !== '' && member.length <= longest && !member.includes('\0');
  });
  if (!isComplete || Object.keys(rest).length !== names.length) {
    throw new OAuthError(
      'invalid_request',
      `subject: with the format ${format} it must have ${names.join(' and ')}, of 1 to ${longest} characters, and nothing else.`,
    );
  }
  if (rest['iss'] !== undefined && rest['iss'] !== issuer) {
    throw new OAuthError('not_found', `subject: iss must be ${issuer}, since this server knows no subjects of others.`);
  }
  return value as unknown as SimpleSubject;
}
