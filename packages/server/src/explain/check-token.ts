/** Whether a token is genuine, each step of it: form, issuer, signature, claims, time. RFC 9068 §4. Pure. */
import {
  type AccessToken,
  decodeAccessToken,
  decodeIssuedToken,
  maxTokenLength,
  parseClaims,
  requireIssuer,
  requireSignature,
  requireTime,
  type SignedToken,
  type VerifyIssuedTokenOptions,
} from '@postern/guard';
import { type DecodedJws, decodeJws, type ErrorReason } from '@postern/protocol';
import { type Check, failed, findReason, getNewToken, ok, reasonOf } from './check.ts';

type Json = Readonly<Record<string, unknown>>;

export interface CheckedToken {
  /** In the order of the guard, which reports the first that failed. */
  readonly checks: readonly Check[];
  /** What it says, genuine or not; undefined if it cannot be decoded. */
  readonly decoded: DecodedJws | undefined;
  /** Undefined if it is not genuine, so that nothing it says counts. It may have expired. */
  readonly token: AccessToken | undefined;
}

/** `nowSeconds`: seconds since 1970. `audience`: the API that is called, of which Postern takes no tokens of the type JWT. */
export async function checkToken(
  text: string,
  audience: string | undefined,
  nowSeconds: number,
  options: VerifyIssuedTokenOptions,
): Promise<CheckedToken> {
  const decoded = text.length > maxTokenLength ? undefined : decodeJws(text);
  let signed: SignedToken | undefined;
  const formReason = findReason(() => {
    signed = audience === options.issuer ? decodeAccessToken(text) : decodeIssuedToken(text, options.issuer);
  });
  if (signed === undefined) {
    return {
      checks: [describeForm(formReason ?? 'token_malformed', text, decoded?.header)],
      decoded,
      token: undefined,
    };
  }
  let token: AccessToken | undefined;
  const claimsReason = findReason(() => {
    token = parseClaims(signed as SignedToken);
  });
  const checks = [
    ok(
      'form',
      signed.header['typ'] === 'JWT'
        ? 'It is a JSON Web Token of the type JWT, by the access_token_typ of its resource; guards refuse it unless their acceptTyp names JWT.'
        : 'It is a JSON Web Token of the type at+jwt.',
    ),
    checkIssuer(signed, options.issuer),
    await checkSignature(signed, options),
    claimsReason === undefined
      ? ok('claims', 'It has every claim that an access token must have.')
      : failed('claims', claimsReason, 'A claim that an access token must have is missing or malformed.', getNewToken),
  ];
  const isGenuine = checks.every(({ result }) => result === 'ok');
  return {
    checks: token === undefined ? checks : [...checks, checkTime(token, nowSeconds, options.clockSkewSeconds)],
    decoded,
    token: isGenuine ? token : undefined,
  };
}

function describeForm(reason: ErrorReason, text: string, header: Json | undefined): Check {
  if (reason === 'token_type_wrong') {
    return failed(
      'form',
      reason,
      `It is not an access token: its type is ${JSON.stringify(header?.['typ'] ?? null)} and not "at+jwt".`,
      'Send the access_token of the token endpoint, and not an ID token or an assertion.',
    );
  }
  const parts = text === '' ? 0 : text.split('.').length;
  const fault =
    text.length > maxTokenLength
      ? `it has more than ${maxTokenLength} characters`
      : header !== undefined
        ? 'its header has no kid, or a critical extension that is not supported'
        : parts === 3
          ? 'one of its parts cannot be decoded, so it was cut off or changed'
          : `it has ${parts} parts separated by dots, and a token has 3`;
  return failed(
    'form',
    reason,
    text === '' ? 'There is no token.' : `It is not an access token: ${fault}.`,
    'Copy it again, as a whole and without quotes.',
  );
}

function checkIssuer(signed: SignedToken, issuer: string): Check {
  const claimed = signed.payload['iss'];
  const reason = findReason(() => requireIssuer(signed, issuer));
  return reason === undefined
    ? ok('issuer', `It was issued by ${issuer}.`)
    : failed(
        'issuer',
        reason,
        `It names ${typeof claimed === 'string' ? claimed : 'no one'} as its issuer, and this server is ${issuer}.`,
        'Get the token from this server, or ask the server that issued it: --server URL',
      );
}

async function checkSignature(signed: SignedToken, { algorithms, findKey }: VerifyIssuedTokenOptions): Promise<Check> {
  const { kid, header } = signed;
  const reason = await Promise.try(requireSignature, signed, findKey(kid), algorithms).then(() => undefined, reasonOf);
  switch (reason) {
    case undefined:
      return ok('signature', `It was signed with the key ${kid}, which this server publishes.`);
    case 'key_unknown':
      return failed(
        'signature',
        reason,
        `It names the key ${kid}, which this server does not publish.`,
        `It was issued by another server or database, or its key was retired. ${getNewToken}`,
      );
    case 'algorithm_not_allowed':
      return failed(
        'signature',
        reason,
        `Its header says alg ${JSON.stringify(header['alg'] ?? null)}, and its key is for another algorithm.`,
        getNewToken,
      );
    default:
      return failed('signature', reason, 'Its signature is wrong: it was changed after it was signed.', getNewToken);
  }
}

function checkTime(token: AccessToken, nowSeconds: number, clockSkewSeconds: number): Check {
  const { issuedAt, expiresAt, claims } = token;
  const reason = findReason(() => requireTime(token, nowSeconds, clockSkewSeconds));
  if (reason === undefined) {
    const expiry = `It expires at ${formatTime(expiresAt)}, in ${formatSpan(expiresAt - nowSeconds)}`;
    return ok('time', `${expiry}; it was issued at ${formatTime(issuedAt)}.`);
  }
  if (reason === 'token_expired') {
    const age = formatSpan(nowSeconds - expiresAt);
    return failed('time', reason, `It expired at ${formatTime(expiresAt)}, ${age} ago.`, getNewToken);
  }
  const notBefore = claims['nbf'];
  return typeof notBefore === 'number'
    ? failed(
        'time',
        reason,
        `It is not valid before ${formatTime(notBefore)}, in ${formatSpan(notBefore - nowSeconds)}.`,
        'Wait until then, or correct the clock of its issuer.',
      )
    : failed('time', reason, 'Its nbf is not a time.', getNewToken);
}

/** The last second that a date can hold. */
const lastSecond = 8.64e12;

function formatTime(seconds: number): string {
  return Math.abs(seconds) > lastSecond
    ? `second ${seconds}`
    : new Date(seconds * 1000).toISOString().replace(/\.\d+/, '');
}

const units = [
  ['days', 86_400],
  ['hours', 3_600],
  ['minutes', 60],
] as const;

/** In the largest unit of which there are two or more. */
function formatSpan(seconds: number): string {
  const [unit, length] = units.find(([, size]) => seconds >= 2 * size) ?? (['seconds', 1] as const);
  return `${Math.floor(seconds / length)} ${unit}`;
}
