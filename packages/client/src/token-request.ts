/** Asks the token endpoint. RFC 6749 §3.2, RFC 9449 §5 and §8. */
import { idJagTokenType } from '@postern/protocol';
import type { ClientAuthentication } from './client-authentication.ts';
import type { Discovery } from './discovery.ts';
import type { Dpop } from './dpop.ts';
import { type Platform, untilAborted } from './platform.ts';
import { isBusy, pauseMs } from './retry.ts';
import { send } from './send.ts';
import { type IssuedToken, readTokenAnswer, type TokenAnswer } from './token-answer.ts';
import { TokenError } from './token-error.ts';

export interface TokenRequestContext {
  readonly issuer: string;
  readonly authentication: ClientAuthentication;
  readonly discovery: Discovery;
  /** Undefined: plain bearer tokens. */
  readonly dpop: Dpop | undefined;
  readonly platform: Platform;
}

/** Parameters of a request; undefined ones are not sent. */
export type TokenForm = Readonly<Record<string, string | undefined>>;

/**
 * A token for `form`. Tries again, a few times and with growing pauses, while the server is busy or out of reach; each
 * try authenticates again. Throws `TokenError`.
 */
export async function requestToken(
  context: TokenRequestContext,
  form: TokenForm,
  signal?: AbortSignal,
): Promise<IssuedToken> {
  const { discovery, platform } = context;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await requestOnce(context, form, signal);
    } catch (error) {
      if (!(error instanceof TokenError)) {
        throw error;
      }
      if (isElsewhere(error)) {
        discovery.forget();
      }
      const pause = isTransient(error) ? pauseMs(attempt, error.retryAfterSeconds, platform) : undefined;
      if (pause === undefined) {
        throw error;
      }
      await platform.sleep(pause, signal);
    }
  }
}

function isTransient({ code, status }: TokenError): boolean {
  return code === 'unreachable' || code === 'timeout' || isBusy(status);
}

/** Not an answer of a token endpoint, so the endpoint may have moved. */
function isElsewhere({ code }: TokenError): boolean {
  return code === 'unreachable' || code === 'timeout' || code === 'invalid_response';
}

async function requestOnce(context: TokenRequestContext, form: TokenForm, signal?: AbortSignal): Promise<IssuedToken> {
  const { discovery, dpop, platform } = context;
  const url = await untilAborted(discovery.find(), signal);
  const sentAtMs = platform.now();
  let { answer, wantsNonce } = await post(context, url, form, signal);
  if (wantsNonce) {
    ({ answer } = await post(context, url, form, signal));
  }
  return readTokenAnswer(answer, {
    scope: form['scope'],
    isIdJag: form['requested_token_type'] === idJagTokenType,
    isBound: dpop !== undefined,
    sentAtMs,
  });
}

/** `wantsNonce`: the server wants one in the proof, and gave it. RFC 9449 §8. */
async function post(
  { authentication, issuer, dpop, platform }: TokenRequestContext,
  url: string,
  form: TokenForm,
  signal?: AbortSignal,
): Promise<{ answer: TokenAnswer; wantsNonce: boolean }> {
  const parts = await authentication.authenticate(issuer, platform.now() / 1000);
  const parameters = Object.entries({ ...form, ...parts.form }).filter(([, value]) => value !== undefined);
  const proof = await dpop?.prove('POST', url);
  const headers = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    ...parts.headers,
    ...(proof !== undefined && { dpop: proof.header }),
  };
  const body = new URLSearchParams(parameters as [string, string][]).toString();
  const answer = await send(platform, url, { method: 'POST', headers, body }, signal);
  const hasNonce = proof !== undefined && dpop?.learnNonce(url, answer.headers, proof) === true;
  return { answer, wantsNonce: hasNonce && answer.body?.['error'] === 'use_dpop_nonce' };
}
