/** Whether a genuine token is enough for a certain call: its audience, binding and scopes. Pure. */
import { type AccessToken, requireAudience, requireScope } from '@postern/guard';
import type { Client } from '../clients/client.ts';
import { type Check, failed, findReason, nameSome, ok } from './check.ts';

export function checkAudience(token: AccessToken, audience: string | undefined): Check {
  const named = nameSome(token.audience);
  const reason = audience === undefined ? undefined : findReason(() => requireAudience(token, audience));
  if (reason === undefined) {
    return ok('audience', `It is for ${named}.`);
  }
  const resource = audience === token.issuer ? '' : ` --resource ${audience}`;
  return failed(
    'audience',
    reason,
    `It is for ${named}, and not for ${audience}.`,
    `Get a token for that API: postern token${resource}`,
  );
}

/** RFC 9449 §7.2, RFC 8705 §3. `hasProof`: the caller proves that the token is its own. */
export function checkBinding({ confirmation }: AccessToken, hasProof: boolean): Check {
  if (confirmation === undefined) {
    return ok('binding', 'It is a plain bearer token: whoever has it may use it.');
  }
  const [bound, reason, advice] =
    confirmation.jkt === undefined
      ? (['a TLS certificate', 'certificate_missing', 'Call with the certificate for which it was issued.'] as const)
      : ([
          'a DPoP key',
          'proof_missing',
          'Send it as "Authorization: DPoP", with a proof by that key in the header DPoP.',
        ] as const);
  return hasProof
    ? ok('binding', `It is bound to ${bound}, which the caller proves to have.`)
    : failed('binding', reason, `It is bound to ${bound}, and is refused without a proof of it.`, advice);
}

/** `client`: that of the token; undefined if the caller may not read it. */
export function checkScope(token: AccessToken, scope: string, client: Client | undefined): Check {
  const reason = findReason(() => requireScope(token, scope, 'Bearer'));
  if (reason === undefined) {
    return ok('scope', `It has the scope ${scope}.`);
  }
  return failed(
    'scope',
    reason,
    `It lacks the scope ${scope}. It has: ${nameSome([...token.scopes]) || 'none'}.`,
    client?.scopes.has(scope) === true
      ? `Its client has ${scope}, but asked for a token without it: postern token --scope ${scope}`
      : `Give the scope to the client, and get a new token: postern client update ${token.clientId} --add-scope ${scope}`,
  );
}
