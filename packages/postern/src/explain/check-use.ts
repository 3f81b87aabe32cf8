/** Whether a genuine token does for a certain call: its audience, its scopes, and what it is bound to. Pure. */
import type { AccessToken } from '@postern/guard';
import type { Client } from '@postern/server/admin-contract';
import { type Check, no, ok } from './check.ts';

export interface Use {
  /** Scopes that the call needs. */
  readonly needs: readonly string[];
  /** The API that is called; undefined: not asked about. */
  readonly audience: string | undefined;
  /** Whether the caller proves that the token is its own, by DPoP or by its certificate. */
  readonly hasProof: boolean;
}

/** `client`: that of the token, where it may be read. */
export function checkUse(token: AccessToken, use: Use, client: Client | undefined): Check[] {
  return [
    checkAudience(token, use.audience),
    ...use.needs.map((scope) => checkScope(token, scope, client)),
    checkBinding(token, use.hasProof),
  ];
}

function checkAudience(token: AccessToken, audience: string | undefined): Check {
  const named = token.audience.join(', ');
  if (audience === undefined || token.audience.includes(audience)) {
    return ok('audience', `It is for ${named}.`);
  }
  const resource = audience === token.issuer ? '' : ` --resource ${audience}`;
  return no(
    'audience',
    'audience_wrong',
    `It is for ${named}, and not for ${audience}.`,
    `Get one for it: postern token${resource}`,
  );
}

function checkScope(token: AccessToken, scope: string, client: Client | undefined): Check {
  if (token.scopes.has(scope)) {
    return ok('scope', `It holds the scope ${scope}.`);
  }
  const held = [...token.scopes].join(', ') || 'none';
  return no(
    'scope',
    'scope_missing',
    `It lacks the scope ${scope}. It holds: ${held}.`,
    describeWayTo(scope, token, client),
  );
}

function describeWayTo(scope: string, { clientId }: AccessToken, client: Client | undefined): string {
  if (client?.scopes.includes(scope)) {
    return `Its client holds ${scope}, but asked for a token without it: postern token --scope ${scope}`;
  }
  return `Give it to the client, and get a new token: postern client update ${clientId} --add-scope ${scope}`;
}

/** RFC 9449 §7.2, RFC 8705 §3. */
function checkBinding({ confirmation }: AccessToken, hasProof: boolean): Check {
  if (confirmation === undefined) {
    return ok('binding', 'It is a plain bearer token: whoever has it may use it.');
  }
  const [to, reason, how] =
    confirmation.jkt === undefined
      ? ['a TLS certificate', 'certificate_missing', 'Call with the certificate with which it was got']
      : [
          'a DPoP key',
          'proof_missing',
          'Send it as "Authorization: DPoP", with a proof of that key in the header DPoP',
        ];
  return hasProof
    ? ok('binding', `It is bound to ${to}, of which the caller has a proof.`)
    : no(
        'binding',
        reason,
        `It is bound to ${to}: without a proof of that, it is refused.`,
        `${how}. Add --proof if the caller does.`,
      );
}
