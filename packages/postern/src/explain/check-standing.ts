/** Whether a genuine token still stands: it dies the moment its ground goes. Pure. */
import { type AccessToken, findRevocationReason, type HeldToken, heldTokens } from '@postern/guard';
import type { Client } from '@postern/server/admin-contract';
import { type Check, no, ok, unknown } from './check.ts';

/** What the signed-in client could learn. */
export interface StandingFacts {
  /** What introspection says; undefined where it would say nothing to this client. */
  readonly isActive: boolean | undefined;
  /** The clients behind the token; `gone` where there is none of that id. Those that may not be read are missing. */
  readonly clients: ReadonlyMap<string, Client | 'gone'>;
  /** What the revocation feed has of them; undefined where it may not be read. */
  readonly feed: RevocationFacts | undefined;
}

export interface RevocationFacts {
  readonly revokedTokens: ReadonlySet<string>;
  /** The lowest generation whose tokens are good; `ended` for a client that is gone or disabled. */
  readonly generations: ReadonlyMap<string, { readonly least: number; readonly isExact: boolean } | 'ended'>;
}

const again = 'Get a new one: postern token';

export function checkStanding(token: AccessToken, issuer: string, facts: StandingFacts): Check {
  if (facts.isActive === true) {
    return ok('standing', 'The server says that it is good: it is not revoked, and its client stands.');
  }
  const all = heldTokens(token);
  for (const held of all) {
    const fault = findFault(held, issuer, facts);
    if (fault !== undefined) {
      return held === token
        ? fault
        : { ...fault, text: `It stands on a token that it was exchanged for, and that one fell. ${fault.text}` };
    }
  }
  if (facts.isActive === false) {
    return no(
      'standing',
      'token_revoked',
      'The server says that it is not good any more: it was revoked, or all tokens of its client were.',
      again,
    );
  }
  if (facts.feed !== undefined) {
    return ok('standing', 'It is not revoked, and its client stands.');
  }
  const isSeen = all.every(({ clientId }) => facts.clients.has(clientId));
  return unknown(
    'standing',
    `${isSeen ? 'Its client is there and still holds what it holds. ' : ''}Whether it was revoked could not be seen.`,
    'Ask as the client of the token, or as one that holds revocation:read.',
  );
}

function findFault(held: HeldToken, issuer: string, { clients, feed }: StandingFacts): Check | undefined {
  const client = clients.get(held.clientId);
  const generation = feed?.generations.get(held.clientId);
  if (feed?.revokedTokens.has(held.jti)) {
    return no('standing', 'token_revoked', 'It was revoked.', again);
  }
  if (client === 'gone' || client?.enabled === false || generation === 'ended') {
    return describeEndedClient(held.clientId, client);
  }
  const reason = findRevocationReason(
    held,
    {
      generation: generation?.least ?? 0,
      // Without the feed nothing is known of root's generation, the one that must be met exactly.
      isGenerationExact: generation?.isExact ?? false,
      scopes: client && new Set(client.scopes),
      resources: client && (client.resources ?? []),
      detailsTypes: client && (client.authorization_details_types ?? []),
    },
    issuer,
  );
  return reason === undefined ? undefined : describeLoss(reason, held, client);
}

function describeEndedClient(id: string, client: Client | 'gone' | undefined): Check {
  if (client === 'gone') {
    return no(
      'standing',
      'client_unknown',
      `Its client ${id} is gone: it was deleted.`,
      'Make another: postern client create',
    );
  }
  return client === undefined
    ? no('standing', 'client_unknown', `Its client ${id} is deleted or disabled.`, 'Ask who runs the server.')
    : no(
        'standing',
        'client_disabled',
        `Its client ${id} is disabled.`,
        `Enable it, and get a new token: postern client enable ${id}`,
      );
}

function describeLoss(reason: string, { clientId, scopes, audience }: HeldToken, client: Client | undefined): Check {
  switch (reason) {
    case 'generation_old':
      return no('standing', reason, `All tokens of its client ${clientId} were ended after it was issued.`, again);
    case 'scope_withdrawn': {
      const lost = [...scopes].filter((scope) => !client?.scopes.includes(scope));
      return no(
        'standing',
        reason,
        `Its client ${clientId} does not hold ${lost.join(' and ')} any more, which the token holds.`,
        `${again}. Or give it back: postern client update ${clientId} --add-scope ${lost.join(',')}`,
      );
    }
    case 'audience_wrong':
      return no(
        'standing',
        'resource_withdrawn',
        `Its client ${clientId} may not get tokens for ${audience.join(', ')} any more.`,
        again,
      );
    default:
      return no('standing', reason, `Its client ${clientId} may not have its authorization details any more.`, again);
  }
}
