/** Whether a genuine token is active: itself, and each token that was exchanged for it. RFC 7662 §4, RFC 8693. */
import { type AccessToken, detailsOf, type HeldToken, heldTokens } from '@postern/guard';
import type { ErrorReason } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { findOwnInactiveReason, type TokenStatusLookups } from '../clients/token-status.ts';
import { type Check, failed, findReason, getNewToken, nameSome, ok } from './check.ts';

/** Who asks. */
export interface Viewer {
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** It may introspect the token, and so learns whether it is active, and not why. RFC 7662 §4. */
  readonly mayIntrospect: boolean;
}

export async function checkStatus(
  token: AccessToken,
  viewer: Viewer | undefined,
  lookups: TokenStatusLookups,
): Promise<Check[]> {
  let all: readonly HeldToken[] = [];
  const reason = findReason(() => {
    all = heldTokens(token);
  });
  if (reason !== undefined) {
    return [failed('status', reason, 'Its claim parent_tokens is malformed.', getNewToken)];
  }
  return Promise.all(
    all.map(async (held) => checkOne(held, held === token, await lookups.findClient(held.clientId), viewer, lookups)),
  );
}

/** Whether `viewer` may read the settings of a client. */
export function seesClient(viewer: Viewer | undefined, clientId: string): boolean {
  return viewer !== undefined && (viewer.clientId === clientId || viewer.scopes.has('client:read'));
}

function checkOne(
  held: HeldToken,
  isItself: boolean,
  client: Client | undefined,
  viewer: Viewer | undefined,
  lookups: TokenStatusLookups,
): Check {
  const token = isItself ? 'it' : `the token ${held.jti} of the client ${held.clientId}, which was exchanged for it,`;
  const subject = token.replace(/^./, (letter) => letter.toUpperCase());
  const seesAll = viewer !== undefined && (viewer.clientId === held.clientId || viewer.scopes.has('revocation:read'));
  const reason = findOwnInactiveReason(held, client, lookups);
  const visible = seesAll
    ? reason
    : seesClient(viewer, held.clientId)
      ? findReasonInSettings(held, client, lookups)
      : undefined;
  if (visible !== undefined) {
    return failed('status', visible, `${subject} ${describe(visible, held, client)}`, adviseOn(visible, held, client));
  }
  if (seesAll || (viewer?.mayIntrospect === true && reason === undefined)) {
    return ok('status', `${subject} is active: neither it nor anything that it depends on was revoked.`);
  }
  const advice = 'Sign in as its client, or as one with the scope revocation:read: postern login';
  return viewer?.mayIntrospect === true
    ? {
        name: 'status',
        result: 'failed',
        detail: `${subject} is no longer active. You are not allowed to see why.`,
        advice,
      }
    : { name: 'status', result: 'unknown', detail: `You are not allowed to see whether ${token} was revoked.`, advice };
}

/** What the settings of a client alone show, without the revocations of tokens. */
function findReasonInSettings(
  held: HeldToken,
  client: Client | undefined,
  { issuer, now }: TokenStatusLookups,
): ErrorReason | undefined {
  const settings = client && { ...client, generation: held.generation };
  return findOwnInactiveReason(held, settings, { issuer, isRevoked: () => false, isKeyPublished: () => true, now });
}

/** What follows the subject of the sentence. */
function describe(reason: ErrorReason, held: HeldToken, client: Client | undefined): string {
  const { clientId, audience } = held;
  switch (reason) {
    case 'token_revoked':
      return 'was revoked.';
    case 'key_revoked':
      return `was signed with the key ${held.kid}, which was revoked.`;
    case 'client_unknown':
      return `is of the client ${clientId}, which was deleted.`;
    case 'client_disabled':
      return `is of the client ${clientId}, which is disabled.`;
    case 'client_expired':
      return `is of the client ${clientId}, which has expired.`;
    case 'root_disabled':
      return 'is of the root client, which OAUTH_ROOT_DISABLED switches off.';
    case 'generation_old':
      return `was issued before all tokens of its client ${clientId} were revoked.`;
    case 'scope_withdrawn':
      return `has the scope ${nameSome(lostScopes(held, client))}, which its client ${clientId} no longer has.`;
    case 'resource_withdrawn':
      return `is for ${audience.join(', ')}, for which its client ${clientId} may no longer get tokens.`;
    default: {
      const types = detailsOf(held).map(({ type }) => type);
      return `has authorization details of the type ${nameSome(types)}, which its client ${clientId} no longer has.`;
    }
  }
}

function adviseOn(reason: ErrorReason, held: HeldToken, client: Client | undefined): string {
  const { clientId } = held;
  switch (reason) {
    case 'client_unknown':
      return 'Create another client: postern client create';
    case 'client_disabled':
      return `Enable the client and get a new token: postern client enable ${clientId}`;
    case 'client_expired':
      return `Set a later end, and get a new token: postern client update ${clientId} --expires-at TIME`;
    case 'root_disabled':
      return 'Get a token as another client that may do the same';
    case 'scope_withdrawn': {
      const scopes = lostScopes(held, client).join(',');
      return `${getNewToken}. Or give the scope back: postern client update ${clientId} --add-scope ${scopes}`;
    }
    default:
      return getNewToken;
  }
}

function lostScopes({ scopes }: HeldToken, client: Client | undefined): string[] {
  return [...scopes].filter((scope) => client?.scopes.has(scope) !== true);
}
