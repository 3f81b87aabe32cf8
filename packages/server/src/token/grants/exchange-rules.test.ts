/**
 * Trees of exchanges, narrowings and delegations: no token can do more than one that it was exchanged for, and every token ends with
 * each of those, and with no other. RFC 8693 §5. Nor can an ID-JAG that is got by one of them.
 * draft-ietf-oauth-identity-assertion-authz-grant-04 §4.3.3.
 *
 * POSTERN_TEST_TREES sets how many random trees there are, and POSTERN_TEST_SEED repeats the same ones. A million take some minutes.
 */
import { isDeepStrictEqual } from 'node:util';
import { type AccessToken, type Confirmation, detailsOf, parentTokensOf, parseClaims } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Authorization } from '../../access-token/authorization.ts';
import { accessTokenClaims } from '../../access-token/issue.ts';
import { idJagClaims } from '../../access-token/issue-id-jag.ts';
import { type Client, newClient } from '../../clients/client.ts';
import { findInactiveReason } from '../../clients/token-status.ts';
import {
  decideExchange,
  type Exchange,
  maxExchanges,
  requireActorUsable,
  requireSubjectUsable,
} from './exchange-rules.ts';
import { toIdJag } from './id-jag-exchange.ts';

const trees = Number(process.env['POSTERN_TEST_TREES'] ?? 2_000);
const seed = Number(process.env['POSTERN_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

const issuer = 'https://auth.example.com';
const audiences = [issuer, 'https://orders.example.com', 'https://stock.example.com'];
const scopeNames = ['policy:read', 'rule:read', 'rule:delete', 'scope:read'];
const detailsTypes = ['payment', 'account'];
const confirmations: readonly (Confirmation | undefined)[] = [
  undefined,
  { jkt: 'a'.repeat(43) },
  { jkt: 'b'.repeat(43) },
  { x5tS256: 'c'.repeat(43) },
];
/** Attempts of one tree. Most are refused, as most of what clients could ask for is. */
const attempts = 24;

type Random = () => number;

/** A token of a tree, with what the test itself knows of those behind it. */
interface Node {
  readonly token: AccessToken;
  readonly subject: Node | undefined;
  readonly actor: Node | undefined;
  /** What the same exchange would get as an ID-JAG; undefined if it gets none. */
  readonly idJag?: AccessToken | undefined;
}

/** Numbers from 0 to below 1, the same for the same seed: Mulberry32. */
function createRandom(start: number): Random {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const oneOf = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
const someOf = <T>(random: Random, values: readonly T[], share: number): T[] => values.filter(() => random() < share);

function createClients(random: Random): Client[] {
  const ids = ['agent-a', 'agent-b', 'agent-c'];
  return ids.map((id) => ({
    ...newClient(id, 0),
    scopes: new Set(someOf(random, scopeNames, 0.8)),
    generation: Math.floor(random() * 3),
    metadata: {
      resources: audiences.slice(1),
      authorizationDetailsTypes: someOf(random, detailsTypes, 0.8),
      ...(random() < 0.3 && { mayAct: oneOf(random, ids) }),
    },
  }));
}

let tokens = 0;

/** The token as a guard reads it after it was sent as JSON. */
function toToken(payload: object): AccessToken {
  return parseClaims({
    header: {},
    payload: JSON.parse(JSON.stringify(payload)) as Record<string, unknown>,
    signingInput: new Uint8Array(),
    signature: new Uint8Array(),
    kid: 'key',
  } as unknown as Parameters<typeof parseClaims>[0]);
}

/** A token that a client got by itself. */
function createOwnToken(random: Random, client: Client, nowSeconds: number): Node {
  tokens += 1;
  const { mayAct } = client.metadata;
  const types = someOf(random, client.metadata.authorizationDetailsTypes ?? [], 0.3);
  const scopes = someOf(random, [...client.scopes], 0.8);
  const authorization = {
    client,
    scopes,
    audience: oneOf(random, audiences),
    ttlSeconds: 1 + Math.floor(random() * 1_000),
    ...(types.length > 0 && {
      authorizationDetails: types.map((type) => ({ type, amount: Math.floor(random() * 9) })),
    }),
    ...(mayAct !== undefined && { claims: { may_act: { sub: mayAct } } }),
  };
  const confirmation = random() < 0.7 ? undefined : oneOf(random, confirmations);
  const request = { authorization, scope: scopes.join(' '), confirmation, nowSeconds };
  return { token: toToken(accessTokenClaims(issuer, request, `jti-${tokens}`)), subject: undefined, actor: undefined };
}

/** As the token endpoint does. Undefined if it is refused. */
function tryExchange(exchange: Exchange, { subject, actor }: Pick<Node, 'subject' | 'actor'>): Node | undefined {
  try {
    requireSubjectUsable(exchange);
    if (exchange.actorToken !== undefined) {
      requireActorUsable(exchange, exchange.actorToken);
    }
    tokens += 1;
    const authorization = decideExchange(exchange);
    const { confirmation, nowSeconds } = exchange;
    const request = { authorization, scope: authorization.scopes.join(' '), confirmation, nowSeconds };
    const idJag = tryIdJag(exchange, authorization);
    return { token: toToken(accessTokenClaims(issuer, request, `jti-${tokens}`)), subject, actor, idJag };
  } catch (error) {
    if (error instanceof OAuthError) {
      return undefined;
    }
    throw error;
  }
}

/** The claims of the ID-JAG, as if it were a token. */
function tryIdJag({ confirmation, nowSeconds }: Exchange, exchanged: Authorization): AccessToken | undefined {
  try {
    const authorization = toIdJag(exchanged, { resource: undefined }, issuer);
    const request = { authorization, scope: authorization.scopes.join(' '), confirmation, nowSeconds };
    return toToken({ ...idJagClaims(issuer, request, 'id-jag'), gen: 0 });
  } catch (error) {
    if (error instanceof OAuthError) {
      return undefined;
    }
    throw error;
  }
}

/** Makes one tree: tokens that clients got by themselves, and those that were exchanged for these or for one another. */
function growTree(random: Random): { readonly clients: readonly Client[]; readonly nodes: readonly Node[] } {
  const clients = createClients(random);
  let nowSeconds = 1_000_000 + random();
  const nodes = clients.map((client) => createOwnToken(random, client, nowSeconds));
  const isDeep = random() < 0.3;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    nowSeconds += random() < 0.2 ? random() * 100 : 0;
    const subject = isDeep ? (nodes.at(-1) as Node) : oneOf(random, nodes);
    const client = oneOf(random, clients);
    const actor =
      random() < 0.2 ? (random() < 0.8 ? createOwnToken(random, client, nowSeconds) : oneOf(random, nodes)) : undefined;
    const behind = [subject, ...(actor === undefined ? [] : [actor])];
    if (behind.some(({ token }) => token.expiresAt <= nowSeconds)) {
      continue;
    }
    const exchange = {
      client,
      subjectToken: subject.token,
      actorToken: actor?.token,
      actsForResource: random() < 0.5,
      confirmation: random() < 0.7 ? subject.token.confirmation : oneOf(random, confirmations),
      target: {
        audience: random() < 0.9 ? (subject.token.audience[0] as string) : oneOf(random, audiences),
        scopes: client.scopes,
        ttlSeconds: 1 + Math.floor(random() * 1_000),
      },
      scopes: random() < 0.6 ? undefined : someOf(random, scopeNames, 0.4),
      nowSeconds,
    };
    const node = tryExchange(exchange, { subject, actor });
    if (node !== undefined) {
      nodes.push(...(actor !== undefined && !nodes.includes(actor) ? [actor] : []), node);
    }
  }
  return { clients, nodes };
}

/** Why the child is wider than a token that it was exchanged for; undefined if it is not. */
function findExcess({ token: child }: Node, { token: parent }: Node): string | undefined {
  if (!child.scopes.isSubsetOf(parent.scopes)) {
    return 'scope';
  }
  if (!child.audience.every((one) => parent.audience.includes(one))) {
    return 'audience';
  }
  // They may limit each other and the scopes, so none is added, changed or left out.
  if (!isDeepStrictEqual(detailsOf(child), detailsOf(parent))) {
    return 'authorization details';
  }
  return findExcessOfUse(child, parent);
}

/** The same for an actor token, which says who acts and not what it may do: the new token never outlives it, nor leaves its key. */
function findExcessOfUse(child: AccessToken, parent: AccessToken): string | undefined {
  if (child.expiresAt > parent.expiresAt) {
    return 'life';
  }
  return parent.confirmation !== undefined && !isDeepStrictEqual(child.confirmation, parent.confirmation)
    ? 'sender'
    : undefined;
}

/** All that are behind a token, by the test's own book. */
function behind({ subject, actor }: Node): Node[] {
  return [...(subject === undefined ? [] : [...behind(subject), subject]), ...(actor === undefined ? [] : [actor])];
}

/** Those behind it that were exchanged, one for the other. */
function exchangedFor({ subject }: Node): Node[] {
  return subject === undefined ? [] : [...exchangedFor(subject), subject];
}

test(`in ${trees} random trees, no token is wider than one that it was exchanged for, and each is behind no other (seed ${seed})`, () => {
  // Most attempts are refused, and the stack of each refusal would take longer than all else.
  const { stackTraceLimit } = Error;
  onTestFinished(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  Error.stackTraceLimit = 0;
  const random = createRandom(seed);
  const seen = { idJags: 0, exchanged: 0, delegated: 0, withActor: 0, deepest: 0 };
  for (let tree = 0; tree < trees; tree += 1) {
    for (const node of growTree(random).nodes) {
      const exchanged = exchangedFor(node);
      for (const parent of exchanged) {
        expectNothing(findExcess(node, parent), node, parent);
        if (node.idJag !== undefined) {
          const idJag = { ...node, token: node.idJag };
          expectNothing(findExcess(idJag, parent), idJag, parent);
        }
      }
      const all = behind(node);
      for (const parent of all) {
        expectNothing(findExcessOfUse(node.token, parent.token), node, parent);
      }
      // Whatever ends one of them ends this token, and nothing else does.
      const named = parentTokensOf(node.token).map(({ jti }) => jti);
      const known = all.map(({ token }) => token.jti);
      if (named.length !== known.length || named.some((jti, index) => jti !== known[index])) {
        expect(named).toEqual(known);
      }
      seen.idJags += node.idJag === undefined ? 0 : 1;
      seen.exchanged += node.subject === undefined ? 0 : 1;
      seen.delegated += node.token.clientId !== node.token.subject ? 1 : 0;
      seen.withActor += node.actor === undefined ? 0 : 1;
      seen.deepest = Math.max(seen.deepest, exchanged.length);
    }
  }
  // The trees are not empty: about four tokens of each come from an exchange.
  expect(seen.exchanged).toBeGreaterThan(trees);
  expect(seen.idJags).toBeGreaterThan(trees / 4);
  expect(seen.delegated).toBeGreaterThan(trees / 4);
  expect(seen.withActor).toBeGreaterThan(trees / 20);
  expect(seen.deepest).toBe(maxExchanges);
}, 3_600_000);

function expectNothing(excess: string | undefined, child: Node, parent: Node): void {
  if (excess !== undefined) {
    expect.fail(`wider in ${excess}: ${JSON.stringify([child.token, parent.token])}`);
  }
}

test('in random trees, a revoked token ends itself and all that was exchanged for it, and leaves all others', async () => {
  const random = createRandom(seed);
  for (let tree = 0; tree < Math.min(trees, 200); tree += 1) {
    const { clients, nodes } = growTree(random);
    const killed = oneOf(random, nodes);
    for (const node of nodes) {
      const reason = await findInactiveReason(node.token, {
        issuer,
        findClient: async (id) => clients.find((client) => client.id === id),
        isRevoked: (jti) => jti === killed.token.jti,
        isKeyPublished: () => true,
        now: () => 0,
      });
      const isBelow = node === killed || behind(node).includes(killed);
      expect(reason).toBe(isBelow ? 'token_revoked' : undefined);
    }
  }
});

describe('the depth of a tree', () => {
  const client: Client = { ...newClient('agent', 0), scopes: new Set(scopeNames) };
  const target = { audience: issuer, scopes: client.scopes, ttlSeconds: 100 };
  const nowSeconds = 1_000_000;
  const own = () => {
    const authorization = { client, scopes: scopeNames, audience: issuer, ttlSeconds: 100 };
    const request = { authorization, scope: scopeNames.join(' '), confirmation: undefined, nowSeconds };
    tokens += 1;
    return toToken(accessTokenClaims(issuer, request, `jti-${tokens}`));
  };
  const exchangeOnce = (subjectToken: AccessToken, actorToken?: AccessToken) => {
    const exchange = {
      ...{ client, subjectToken, actorToken, target, nowSeconds },
      actsForResource: true,
      confirmation: undefined,
      scopes: undefined,
    };
    const authorization = decideExchange(exchange);
    tokens += 1;
    const request = { authorization, scope: authorization.scopes.join(' '), confirmation: undefined, nowSeconds };
    return toToken(accessTokenClaims(issuer, request, `jti-${tokens}`));
  };

  test('is at most eight, and a deeper exchange says so', () => {
    let token = own();
    for (let depth = 0; depth < 8; depth += 1) {
      token = exchangeOnce(token);
    }
    expect(() => exchangeOnce(token)).toThrow(/exchanged too many times: 8 exchanges lie behind it/);
  });

  test('does not count actor tokens, which end what they were used for as the others do', () => {
    const actor = own();
    let token = own();
    for (let depth = 0; depth < 4; depth += 1) {
      token = exchangeOnce(token, actor);
    }
    for (let depth = 4; depth < 8; depth += 1) {
      token = exchangeOnce(token);
    }
    expect(parentTokensOf(token)).toHaveLength(12);
    expect(() => exchangeOnce(token)).toThrow(/too many times/);
  });
});

describe('a lineage that no exchange can have', () => {
  const client: Client = { ...newClient('agent', 0), scopes: new Set(scopeNames) };
  const parent = (jti: string) => ({ jti, kid: 'key', client_id: 'agent', gen: 0, aud: [issuer] });
  const loop = toToken({
    ...accessTokenClaims(
      issuer,
      {
        authorization: { client, scopes: [], audience: issuer, ttlSeconds: 100 },
        scope: '',
        confirmation: undefined,
        nowSeconds: 1_000_000,
      },
      'a',
    ),
    // The token is behind itself, and b and c are behind each other.
    parent_tokens: ['b', 'c', 'b', 'a', 'c'].map(parent),
  });
  const reasonIf = (revoked: string) =>
    findInactiveReason(loop, {
      issuer,
      findClient: async () => client,
      isRevoked: (jti) => jti === revoked,
      isKeyPublished: () => true,
      now: () => 0,
    });

  test('with loops is judged once for each entry, and ends with each of them', async () => {
    expect(await reasonIf('d')).toBeUndefined();
    for (const jti of ['a', 'b', 'c']) {
      expect(await reasonIf(jti)).toBe('token_revoked');
    }
  });
});
