/** What a token says of itself, and whether it is genuine: form, issuer, signature, times. RFC 9068 §4. Pure. */
import { type AccessToken, signingAlgorithms, type VerificationKey, verifyIssuedToken } from '@postern/guard';
import { decodeJws, OAuthError } from '@postern/protocol';
import { type Check, no, ok } from './check.ts';

export interface Issuer {
  readonly issuer: string;
  readonly keys: readonly VerificationKey[];
  /** The server's clock, in seconds since 1970. */
  readonly nowSeconds: number;
}

export interface CheckedToken {
  readonly checks: readonly Check[];
  /** Undefined where it is not genuine, so that nothing it says counts. */
  readonly token: AccessToken | undefined;
}

type Json = Readonly<Record<string, unknown>>;

const again = 'Get a new one: postern token';

export function checkToken(text: string, { issuer, keys, nowSeconds }: Issuer): CheckedToken {
  const jws = decodeJws(text);
  if (jws === undefined) {
    return { checks: [describeNoJwt(text)], token: undefined };
  }
  const issuerCheck = checkIssuer(jws.payload['iss'], issuer);
  const times = checkTimes(jws.payload, nowSeconds);
  try {
    // Issuer and times have checks of their own, so that each cause is told, and not only the first.
    const token = verifyIssuedToken(text, 0, {
      issuer: String(jws.payload['iss']),
      algorithms: signingAlgorithms,
      clockSkewSeconds: Number.POSITIVE_INFINITY,
      findKey: (kid) => keys.find((key) => key.kid === kid),
    });
    const checks = [
      ok('form', 'It is an access token of the form that RFC 9068 gives it.'),
      issuerCheck,
      ok('signature', `It was signed by the key ${jws.header['kid']}, which this server publishes.`),
      times,
    ];
    return { checks, token: issuerCheck.finding === 'ok' ? token : undefined };
  } catch (error) {
    if (!(error instanceof OAuthError)) {
      throw error;
    }
    const fault = describeFault(error.reason, jws.header);
    // A token of another issuer has a key of another issuer: the issuer is the cause.
    const checks = fault.about === 'form' ? [fault, issuerCheck, times] : [issuerCheck, fault, times];
    return { checks, token: undefined };
  }
}

function describeNoJwt(text: string): Check {
  const parts = text === '' ? 0 : text.split('.').length;
  const fault =
    parts === 3
      ? 'one of its parts cannot be decoded: it was cut off or changed'
      : `it has ${parts} parts between dots, and a token has 3`;
  const copy = 'Copy it again, as a whole and without quotes.';
  return no('form', 'token_malformed', text === '' ? 'There is no token.' : `It is no JSON Web Token: ${fault}.`, copy);
}

function checkIssuer(claimed: unknown, issuer: string): Check {
  return claimed === issuer
    ? ok('issuer', `It is from ${issuer}.`)
    : no(
        'issuer',
        'issuer_wrong',
        `It says that it is from ${typeof claimed === 'string' ? claimed : 'nobody'}, and this server is ${issuer}.`,
        'Get the token from this server, or ask the one that issued it: --server URL',
      );
}

function describeFault(reason: string | undefined, header: Json): Check {
  const named = (member: string) => JSON.stringify(header[member] ?? null);
  switch (reason) {
    case 'token_type_wrong':
      return no(
        'form',
        reason,
        `It is not an access token: its type is ${named('typ')} and not "at+jwt".`,
        'Send the access_token of the token endpoint, and not an ID token or an assertion.',
      );
    case 'key_unknown':
      return no(
        'signature',
        reason,
        `It was signed by the key ${named('kid')}, which this server does not publish.`,
        `It is from another server, or from before this one lost or long retired that key. ${again}`,
      );
    case 'algorithm_not_allowed':
      return no(
        'signature',
        reason,
        `It says that it was signed with ${named('alg')}, and its key is for another algorithm.`,
        again,
      );
    case 'signature_wrong':
      return no('signature', reason, 'Its signature does not fit: it was changed after it was signed.', again);
    case 'claims_malformed':
    case 'audience_wrong':
      return no('form', 'claims_malformed', 'A claim that every access token has is missing or cannot be read.', again);
    default:
      return no('form', reason ?? 'token_malformed', 'It cannot be read as an access token.', again);
  }
}

function checkTimes({ exp, nbf }: Json, nowSeconds: number): Check {
  if (typeof exp !== 'number') {
    return no('time', 'claims_malformed', 'It does not say when it expires.', again);
  }
  if (nowSeconds >= exp) {
    return no('time', 'token_expired', `It expired at ${toTime(exp)}, ${toSpan(nowSeconds - exp)} ago.`, again);
  }
  if (typeof nbf === 'number' && nbf > nowSeconds) {
    const wait = 'Wait until then, or set the clock of its issuer right.';
    return no(
      'time',
      'token_not_yet_valid',
      `It is not valid before ${toTime(nbf)}, in ${toSpan(nbf - nowSeconds)}.`,
      wait,
    );
  }
  return ok('time', `It expires at ${toTime(exp)}, in ${toSpan(exp - nowSeconds)}.`);
}

/** The last second that a date can hold. */
const lastSecond = 8.64e12;

function toTime(seconds: number): string {
  return Math.abs(seconds) > lastSecond
    ? `second ${seconds}`
    : new Date(seconds * 1000).toISOString().replace(/\.\d+/, '');
}

/** In the largest unit of which there are two or more. */
function toSpan(seconds: number): string {
  const units = [
    ['days', 86_400],
    ['hours', 3_600],
    ['minutes', 60],
  ] as const;
  const [unit, length] = units.find(([, size]) => seconds >= 2 * size) ?? (['seconds', 1] as const);
  return `${Math.floor(seconds / length)} ${unit}`;
}
