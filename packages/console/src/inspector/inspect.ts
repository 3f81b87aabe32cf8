/**
 * Why a token would be refused, from what is known of it. Pure: the evidence is gathered elsewhere. Follows what the
 * server's own guard checks, in its order. RFC 9068 §4.
 */
import { type ReadToken, scopesOf } from '../session/access-token.ts';

/** Where it is undefined, the session may not see it, or it could not be had. */
export interface Evidence {
  readonly issuer: string;
  /** In seconds since 1970. */
  readonly now: number;
  readonly signature: 'good' | 'bad' | 'unknown_key' | undefined;
  /** Null: there is none of that id. */
  readonly client: { readonly enabled: boolean; readonly scopes: readonly string[] } | null | undefined;
  /** When it was revoked by itself, RFC 3339; null: it was not. */
  readonly revokedAt: string | null | undefined;
  /** What ended all tokens of the client since this one was issued; null: nothing did. */
  readonly ended: { readonly by: 'revocation' | 'disabling'; readonly at: string } | null | undefined;
  /** Whether the server took the token just now, as an API would. */
  readonly accepted: boolean | undefined;
}

export interface Question {
  /** What the call would need; empty: any token does. */
  readonly scope: string;
  /** Who the API is; empty: the server's own APIs. */
  readonly audience: string;
}

export interface Finding {
  readonly state: 'good' | 'bad' | 'unknown';
  readonly title: string;
  readonly text: string;
}

export function inspectToken(token: ReadToken, evidence: Evidence, question: Question): Finding[] {
  return [
    checkType(token),
    checkIssuer(token, evidence),
    checkSignature(token, evidence),
    checkTime(token, evidence),
    checkAudience(token, evidence, question),
    checkRevocation(evidence),
    checkClient(token, evidence),
    checkEnd(evidence),
    checkHeldScopes(token, evidence),
    checkBinding(token),
    checkServer(evidence),
    checkScope(token, question),
  ].filter((finding) => finding !== undefined);
}

const good = (title: string, text: string): Finding => ({ state: 'good', title, text });
const bad = (title: string, text: string): Finding => ({ state: 'bad', title, text });
const unknown = (title: string, text: string): Finding => ({ state: 'unknown', title, text });

function checkType({ header }: ReadToken): Finding {
  return header['typ'] === 'at+jwt' || header['typ'] === 'application/at+jwt'
    ? good('Kind', `An access token, signed with ${header['alg']}.`)
    : bad('Not an access token', `Its type is ${quote(header['typ'])}, and an access token’s is at+jwt (RFC 9068).`);
}

function checkIssuer({ claims }: ReadToken, { issuer }: Evidence): Finding {
  return claims['iss'] === issuer
    ? good('Issuer', `Issued by ${issuer}, this server.`)
    : bad('Wrong issuer', `It names the issuer ${quote(claims['iss'])}. This server is ${issuer}.`);
}

function checkSignature({ header }: ReadToken, { signature }: Evidence): Finding {
  switch (signature) {
    case 'good':
      return good('Signature', `Made with the key ${header['kid']}, which this server publishes.`);
    case 'bad':
      return bad('Wrong signature', 'The signature does not fit: the token was changed, cut, or made by someone else.');
    case 'unknown_key':
      return bad(
        'Unknown key',
        `It names the key ${quote(header['kid'])}, which this server does not publish (any more). ` +
          'It comes from another server or database, or its key is gone.',
      );
    default:
      return unknown(
        'Signature not checked',
        'This browser does not verify it here: it takes a page over https or on localhost, and an algorithm that it knows.',
      );
  }
}

function checkTime({ claims }: ReadToken, { now }: Evidence): Finding {
  const { exp, iat } = claims;
  if (typeof exp !== 'number') {
    return bad('No expiry', 'It says not when it expires, and every access token must.');
  }
  if (exp <= now) {
    return bad('Expired', `It expired ${formatAge(now - exp)} ago. The client gets a new one from the token endpoint.`);
  }
  if (typeof iat === 'number' && iat > now + 60) {
    return bad(
      'From the future',
      `By this computer’s clock it was issued in ${formatAge(iat - now)}. One clock is wrong.`,
    );
  }
  return good('Lifetime', `It expires in ${formatAge(exp - now)}.`);
}

function checkAudience({ claims }: ReadToken, { issuer }: Evidence, question: Question): Finding {
  const audience = [claims['aud']].flat().map(String);
  const wanted = question.audience === '' ? issuer : question.audience;
  return audience.includes(wanted)
    ? good('Audience', `It is for ${wanted}.`)
    : bad('Wrong audience', `It is for ${audience.join(', ')}. An API that is ${wanted} refuses it.`);
}

/** What the server itself says tells more than the session may see. */
const orRefused = 'or the server would not have accepted it just now.';

function checkRevocation({ revokedAt, accepted }: Evidence): Finding {
  if (revokedAt === undefined) {
    return accepted === true
      ? good('Revocation', `It was not revoked, ${orRefused}`)
      : unknown('Revocation', 'Whether it was revoked by itself takes the scope audit:read to see.');
  }
  return revokedAt === null
    ? good('Revocation', 'It was not revoked.')
    : bad('Revoked', `It was revoked on ${revokedAt}. The client needs a new one.`);
}

function checkClient({ claims }: ReadToken, { client, accepted }: Evidence): Finding {
  const id = quote(claims['client_id']);
  if (client === undefined) {
    return accepted === true
      ? good('Client', `Its client ${id} is there and enabled, ${orRefused}`)
      : unknown('Client', 'What became of its client takes the scope client:read to see.');
  }
  if (client === null) {
    return bad('Client gone', `There is no client ${id}: it was deleted, and its tokens ended with it.`);
  }
  return client.enabled
    ? good('Client', `Its client ${id} is there and enabled.`)
    : bad('Client disabled', `Its client ${id} is disabled. Its tokens stay dead when it is enabled again.`);
}

function checkEnd({ ended }: Evidence): Finding | undefined {
  if (ended === undefined || ended === null) {
    return undefined;
  }
  return ended.by === 'revocation'
    ? bad('All tokens revoked', `All tokens of its client were revoked on ${ended.at}. The client needs a new one.`)
    : bad('Client was disabled', `Its client was disabled on ${ended.at}; tokens from before stay dead ever after.`);
}

function checkHeldScopes(token: ReadToken, { client }: Evidence): Finding | undefined {
  if (client === undefined || client === null) {
    return undefined;
  }
  const withdrawn = scopesOf(token).filter((scope) => !client.scopes.includes(scope));
  return withdrawn.length === 0
    ? good('Scopes still held', 'Its client still holds every scope of it.')
    : bad(
        'Scope withdrawn',
        `Its client does not hold ${withdrawn.join(', ')} any more. The whole token is refused for that; ` +
          'the client gets a new one without.',
      );
}

function checkBinding({ claims }: ReadToken): Finding | undefined {
  const { jkt, 'x5t#S256': thumbprint } = (claims['cnf'] ?? {}) as Record<string, unknown>;
  if (jkt !== undefined) {
    return unknown('Bound to a key', 'Each call needs a DPoP proof by the key that it is bound to, or it is refused.');
  }
  return thumbprint === undefined
    ? undefined
    : unknown('Bound to a certificate', 'It is refused on every connection without the certificate it is bound to.');
}

function checkServer({ accepted }: Evidence): Finding | undefined {
  if (accepted === undefined) {
    return undefined;
  }
  return accepted
    ? good('Asked the server', 'It accepted the token just now.')
    : bad('The server refuses it', 'It was tried just now, and not accepted: expired, revoked, or its client changed.');
}

function checkScope(token: ReadToken, { scope }: Question): Finding | undefined {
  const held = scopesOf(token);
  if (scope === '') {
    return undefined;
  }
  return held.includes(scope)
    ? good('Scope', `It holds ${scope}.`)
    : bad(
        'Scope missing',
        `A call that needs ${scope} is answered with 403 insufficient_scope. ` +
          (held.length === 0 ? 'It holds no scope.' : `It holds ${sayScopes(held)}.`),
      );
}

/** The first cause by which it is refused; undefined where none is known. */
export function findCause(findings: readonly Finding[]): Finding | undefined {
  return findings.find(({ state }) => state === 'bad');
}

const quote = (value: unknown): string => (value === undefined ? 'none' : `“${String(value)}”`);

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** A time in whole units: `3 hours`. */
function formatAge(seconds: number): string {
  const [unit, length] = units.find(([, size]) => seconds >= size) ?? ['second', 1];
  const count = Math.floor(seconds / length);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

const mostNamed = 10;

function sayScopes(scopes: readonly string[]): string {
  const more = scopes.length - mostNamed;
  return scopes.slice(0, mostNamed).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
