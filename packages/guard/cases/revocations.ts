/** What the guard knows from the revocation feed, and how old it is. docs/revocation-feed.md. RFC 7009 §2.2, RFC 8693 §4.1. */
import {
  audience,
  claims,
  type FeedAnswer,
  insufficientScope,
  invalidToken,
  issuer,
  manySteps,
  now,
  passes,
  requestStep,
  tokenOf,
  unavailable,
} from './build.ts';
import type { CaseOptions, Expectation, GuardCase, RequestStep } from './guard-case.ts';

export const closed = { revocations: { max_staleness_seconds: 60, when_stale: 'closed' } } as const;
const open = { revocations: { max_staleness_seconds: 60, when_stale: 'open' } } as const;

const stale = unavailable('revocations_stale');
const revoked = invalidToken('token_revoked');
const old = invalidToken('generation_old');

let pages = 0;

/** An answer of the feed without news, other than these entries. */
export function page(
  at: number,
  entries: readonly unknown[],
  over: object = {},
): FeedAnswer & { readonly page: { readonly cursor?: unknown } } {
  pages += 1;
  const answer = {
    cursor: `page-${pages}`,
    snapshot: false,
    history_changed: false,
    more: false,
    lag_seconds: 0,
    entries,
    ...over,
  };
  return { at, page: answer };
}

export const snapshot = (at: number, entries: readonly object[], over: object = {}) =>
  page(at, entries, { snapshot: true, ...over });

function cased(
  name: string,
  title: string,
  steps: readonly (RequestStep | FeedAnswer)[],
  guard: Partial<CaseOptions> = closed,
): GuardCase {
  return manySteps(`revocations/${name}`, title, { guard }, steps);
}

export const revokedToken = { type: 'token', jti: claims.jti, exp: claims.exp };
const token = revokedToken;
const client = { type: 'client', client_id: claims.client_id, active: true, gen: 3, gen_exact: false };
const lists = {
  scopes: ['orders:read', 'orders:write'],
  resources: [audience],
  authorization_details_types: ['payment'],
};

type Row = readonly [name: string, title: string, entries: readonly object[], expect: Expectation, claims?: object];

const details = { authorization_details: [{ type: 'payment', amount: 7 }] };

const entries: readonly Row[] = [
  ['nothing', 'the feed says nothing about the token', [], passes()],
  ['token', 'the token was revoked', [token], revoked],
  [
    'token-of-client',
    'the token was revoked, and the entry names its client',
    [{ ...token, client_id: claims.client_id, gen: 3 }],
    revoked,
  ],
  ['token-other', 'another token was revoked', [{ ...token, jti: '0b9f7a52-6a2c-4f0e-9d0c-5a1b8c9d0e10' }], passes()],
  [
    'token-other-case',
    'a token was revoked whose jti differs by case',
    [{ ...token, jti: claims.jti.toUpperCase() }],
    passes(),
  ],
  [
    'token-other-client',
    'a token with the same jti, but of another client, was revoked',
    [{ ...token, client_id: 'other', gen: 3 }],
    passes(),
  ],
  [
    'token-jti-text',
    'a token was revoked whose jti is no UUID',
    [{ ...token, jti: 'order 66' }],
    revoked,
    { jti: 'order 66' },
  ],
  [
    'token-jti-text-other',
    'the jti of the revoked token begins with that of the token',
    [{ ...token, jti: 'order 66' }],
    passes({ jti: 'order 6' }),
    { jti: 'order 6' },
  ],
  [
    'client-deleted',
    'the client was deleted or disabled',
    [{ type: 'client', client_id: claims.client_id, active: false }],
    invalidToken('client_unknown'),
  ],
  ['client-other', 'another client was deleted', [{ type: 'client', client_id: 'other', active: false }], passes()],
  [
    'client-other-case',
    'a client was deleted whose id differs by case',
    [{ type: 'client', client_id: 'ORDERS-SYNC', active: false }],
    passes(),
  ],
  [
    'client-subject',
    'a client was deleted whose id is the subject of the token',
    [{ type: 'client', client_id: 'alice', active: false }],
    passes({ sub: 'alice' }),
    { sub: 'alice' },
  ],
  [
    'client-enabled-again',
    'the client was disabled and enabled again',
    [
      { type: 'client', client_id: claims.client_id, active: false },
      { ...client, ...lists },
    ],
    passes(),
  ],
  [
    'client-disabled-later',
    'the client was changed and then disabled',
    [
      { ...client, ...lists },
      { type: 'client', client_id: claims.client_id, active: false },
    ],
    invalidToken('client_unknown'),
  ],
  ['generation-same', 'the client has the generation of the token', [{ ...client, ...lists }], passes()],
  [
    'generation-older',
    'the client has an older generation: the token comes from a node that is ahead',
    [{ ...client, ...lists, gen: 2 }],
    passes(),
  ],
  ['generation-newer', 'all tokens of the client were revoked', [{ ...client, ...lists, gen: 4 }], old],
  ['generation-exact-same', 'the generation must be equal, and is', [{ ...client, gen_exact: true }], passes()],
  [
    'generation-exact-older',
    'the generation must be equal, and the one of the client is older',
    [{ ...client, gen: 2, gen_exact: true }],
    old,
  ],
  [
    'generation-exact-newer',
    'the generation must be equal, and the one of the client is newer',
    [{ ...client, gen: 4, gen_exact: true }],
    old,
  ],
  [
    'all-same',
    'all tokens before the generation of the token were revoked',
    [{ type: 'all_tokens', gen: 3 }],
    passes(),
  ],
  ['all-newer', 'all tokens before a later generation were revoked', [{ type: 'all_tokens', gen: 4 }], old],
  [
    'all-and-client',
    'all tokens before a later generation were revoked, and the client has an older one',
    [
      { ...client, ...lists },
      { type: 'all_tokens', gen: 4 },
    ],
    old,
  ],
  [
    'key',
    'the key of the token was revoked, which is published still',
    [{ type: 'signing_key', kid: 'es256' }],
    invalidToken('key_revoked'),
  ],
  ['key-other', 'another key was revoked', [{ type: 'signing_key', kid: 'another' }], passes()],
  ['key-other-case', 'a key was revoked whose kid differs by case', [{ type: 'signing_key', kid: 'ES256' }], passes()],
  [
    'scope-withdrawn',
    'the client has lost a scope of the token, not the one that is required',
    [{ ...client, ...lists, scopes: ['orders:read'] }],
    invalidToken('scope_withdrawn'),
  ],
  [
    'scopes-none',
    'the client has no scopes any more',
    [{ ...client, ...lists, scopes: [] }],
    invalidToken('scope_withdrawn'),
  ],
  [
    'scopes-more',
    'the client has more scopes',
    [{ ...client, ...lists, scopes: ['a', 'orders:write', 'orders:read'] }],
    passes(),
  ],
  [
    'resource-withdrawn',
    'the client may no longer call the API',
    [{ ...client, ...lists, resources: ['https://other.example.com'] }],
    invalidToken('resource_withdrawn'),
  ],
  [
    'resources-none',
    'the client may call no API',
    [{ ...client, ...lists, resources: [] }],
    invalidToken('resource_withdrawn'),
  ],
  [
    'resource-issuer',
    'the token is for the issuer too, which is no resource',
    [{ ...client, ...lists }],
    passes(),
    { aud: [audience, issuer] },
  ],
  [
    'resource-one-of-two',
    'the client may no longer call the other API of the token',
    [{ ...client, ...lists }],
    invalidToken('resource_withdrawn'),
    { aud: [audience, 'https://other.example.com'] },
  ],
  ['details-allowed', 'the client may have the details of the token', [{ ...client, ...lists }], passes(), details],
  [
    'details-withdrawn',
    'the client may no longer have the details of the token',
    [{ ...client, ...lists, authorization_details_types: [] }],
    invalidToken('details_type_withdrawn'),
    details,
  ],
  [
    'details-one-of-two',
    'the client may have one of the two types of the token',
    [{ ...client, ...lists }],
    invalidToken('details_type_withdrawn'),
    { authorization_details: [{ type: 'payment' }, { type: 'export' }] },
  ],
  [
    'details-none',
    'the client may have no details, and the token has none',
    [{ ...client, ...lists, authorization_details_types: [] }],
    passes(),
  ],
  ['lists-missing', 'nothing limits the client', [client], passes(), details],
];

const parent = { jti: 'first', kid: 'older', client_id: 'portal', gen: 1, aud: [audience] };
const portal = { type: 'client', client_id: 'portal', active: true, gen: 1, gen_exact: false };
const child = (...parents: readonly unknown[]) => ({ parent_tokens: parents });

/** Tokens that were exchanged for others. */
const lineage: readonly Row[] = [
  ['nothing', 'the feed says nothing about the token that was exchanged', [], passes(), child(parent)],
  ['no-parents', 'no token was exchanged', [{ ...token, jti: 'first' }], passes(), child()],
  ['token', 'the token that was exchanged was revoked', [{ ...token, jti: 'first' }], revoked, child(parent)],
  [
    'token-of-client',
    'the token that was exchanged was revoked, and the entry names its client',
    [{ ...token, jti: 'first', client_id: 'portal', gen: 1 }],
    revoked,
    child(parent),
  ],
  ['token-other', 'another token of its client was revoked', [{ ...token, jti: 'second' }], passes(), child(parent)],
  [
    'second',
    'the second of two tokens was revoked',
    [{ ...token, jti: 'second' }],
    revoked,
    child(parent, { ...parent, jti: 'second' }),
  ],
  [
    'client-deleted',
    'the client of the token that was exchanged was deleted',
    [{ type: 'client', client_id: 'portal', active: false }],
    invalidToken('client_unknown'),
    child(parent),
  ],
  [
    'client-other',
    'a client that has nothing to do with it was deleted',
    [{ type: 'client', client_id: 'other', active: false }],
    passes(),
    child(parent),
  ],
  [
    'generation-same',
    'the generation of the token that was exchanged is that of its client',
    [portal],
    passes(),
    child(parent),
  ],
  [
    'generation-newer',
    'all tokens of the client of the token that was exchanged were revoked',
    [{ ...portal, gen: 2 }],
    old,
    child(parent),
  ],
  [
    'all-same',
    'all tokens before the generation of the exchanged one were revoked',
    [{ type: 'all_tokens', gen: 1 }],
    passes(),
    child(parent),
  ],
  [
    'all-newer',
    'all tokens before a generation between the two were revoked',
    [{ type: 'all_tokens', gen: 2 }],
    old,
    child(parent),
  ],
  [
    'key',
    'the key of the token that was exchanged was revoked',
    [{ type: 'signing_key', kid: 'older' }],
    invalidToken('key_revoked'),
    child(parent),
  ],
  [
    'scope-withdrawn',
    'the client of the token that was exchanged has lost a scope of the token',
    [{ ...portal, scopes: ['orders:read'] }],
    invalidToken('scope_withdrawn'),
    child(parent),
  ],
  [
    'resource-withdrawn',
    'the client of the token that was exchanged may no longer call the API that it was for',
    [{ ...portal, resources: ['https://other.example.com'] }],
    invalidToken('resource_withdrawn'),
    child(parent),
  ],
  [
    'resource-of-parent',
    'it may call the API that the exchanged token was for',
    [{ ...portal, resources: ['https://other.example.com'] }],
    passes(),
    child({ ...parent, aud: ['https://other.example.com'] }),
  ],
  [
    'details-withdrawn',
    'the client of the token that was exchanged may no longer have the details of the token',
    [{ ...portal, authorization_details_types: [] }],
    invalidToken('details_type_withdrawn'),
    { ...child(parent), ...details },
  ],
  ['text', 'parent_tokens is a text', [], invalidToken('claims_malformed'), { parent_tokens: 'first' }],
  ['object', 'parent_tokens is an object', [], invalidToken('claims_malformed'), { parent_tokens: parent }],
  ['null', 'parent_tokens is null', [], invalidToken('claims_malformed'), { parent_tokens: null }],
  ['element-null', 'an element is null', [], invalidToken('claims_malformed'), child(null)],
  ['element-text', 'an element is a text', [], invalidToken('claims_malformed'), child('first')],
  ...Object.keys(parent).map(
    (name): Row => [
      `${name.replace('_', '-')}-missing`,
      `an element has no ${name}`,
      [],
      invalidToken('claims_malformed'),
      child({ ...parent, [name]: undefined }),
    ],
  ),
  ['gen-text', 'gen of an element is a text', [], invalidToken('claims_malformed'), child({ ...parent, gen: '1' })],
  [
    'aud-text',
    'aud of an element is a text',
    [],
    invalidToken('claims_malformed'),
    child({ ...parent, aud: audience }),
  ],
  [
    'aud-number',
    'aud of an element has a number',
    [],
    invalidToken('claims_malformed'),
    child({ ...parent, aud: [1] }),
  ],
];

const toCases = (file: string, rows: readonly Row[]) =>
  rows.map(([name, title, news, expect, payload = {}]) =>
    manySteps(`${file}/${name}`, title, { guard: closed }, [
      snapshot(now, news),
      requestStep(now, expect, tokenOf({ payload })),
    ]),
  );

const later = (seconds: number, expect: Expectation, payload: object = {}) =>
  requestStep(now + seconds, expect, tokenOf({ payload }));

const ages: readonly GuardCase[] = [
  cased('age-limit', 'the news is 60 seconds old, and may be', [snapshot(now, []), later(60, passes())]),
  cased('age-over-limit', 'the news is 60.001 seconds old, and may be 60', [snapshot(now, []), later(60.001, stale)]),
  cased('lag-within', 'the news was 30 seconds old when it was sent, 30 seconds ago', [
    snapshot(now, [], { lag_seconds: 30 }),
    later(30, passes()),
  ]),
  cased('lag-over', 'the news was 30.5 seconds old when it was sent, 30 seconds ago', [
    snapshot(now, [], { lag_seconds: 30.5 }),
    later(30, stale),
  ]),
  cased('lag-at-once', 'the issuer says that it knows no news of the last 61 seconds', [
    snapshot(now, [], { lag_seconds: 61 }),
    later(0, stale),
  ]),
  cased('age-renewed', 'the news is old, and then newer', [
    snapshot(now, []),
    page(now + 15, [{ ...token, jti: 'other' }]),
    later(75, passes()),
  ]),
  cased('age-not-renewed', 'the news of 15 seconds after the first is too old in turn', [
    snapshot(now, []),
    page(now + 15, [{ ...token, jti: 'other' }]),
    later(75.001, stale),
  ]),
  cased(
    'stale-open',
    'the news is old, and the guard continues with what it knows',
    [snapshot(now, []), later(61, passes())],
    open,
  ),
  cased(
    'stale-open-revoked',
    'the news is old, but the token is known to be revoked, and the guard continues',
    [snapshot(now, [token]), later(61, revoked)],
    open,
  ),
  cased('stale-revoked', 'the news is old, but the token is known to be revoked', [
    snapshot(now, [token]),
    later(61, revoked),
  ]),
  cased('stale-forged', 'the news is old, and the signature wrong', [
    snapshot(now, []),
    requestStep(now + 61, invalidToken('signature_wrong'), `${tokenOf().slice(0, -86)}${'A'.repeat(86)}`),
  ]),
  cased('stale-scope', 'the news is old, and the token lacks the scope', [
    snapshot(now, []),
    later(61, stale, { scope: 'other' }),
  ]),
  cased('stale-short', 'the news is 2.001 seconds old, and may be 2', [snapshot(now, []), later(2.001, stale)], {
    revocations: { max_staleness_seconds: 2, when_stale: 'closed' },
  }),
  cased('never', 'the feed has never answered', [later(0, stale)]),
  cased('never-open', 'the feed has never answered, and the guard continues', [later(0, passes())], open),
  cased('never-forged', 'the feed has never answered, and the signature is wrong', [
    requestStep(now, invalidToken('signature_wrong'), `${tokenOf().slice(0, -86)}${'A'.repeat(86)}`),
  ]),
  cased('not-followed', 'the guard follows no revocations', [later(0, passes())], {}),
];

const sequences: readonly GuardCase[] = [
  cased('between', 'the token was revoked between two requests', [
    snapshot(now, []),
    later(0, passes()),
    page(now + 1, [token]),
    later(1, revoked),
  ]),
  cased('between-client', 'the client was disabled between two requests', [
    snapshot(now, []),
    later(0, passes()),
    page(now + 1, [{ type: 'client', client_id: claims.client_id, active: false }]),
    later(1, invalidToken('client_unknown')),
  ]),
  cased('between-key', 'the key was revoked between two requests', [
    snapshot(now, []),
    later(0, passes()),
    page(now + 1, [{ type: 'signing_key', kid: 'es256' }]),
    later(1, invalidToken('key_revoked')),
  ]),
  cased('between-all', 'all tokens were revoked between two requests', [
    snapshot(now, []),
    later(0, passes()),
    page(now + 1, [{ type: 'all_tokens', gen: 4 }]),
    later(1, old),
  ]),
  cased('expires-between', 'the token expired between two requests', [
    snapshot(now, []),
    later(0, passes(), { exp: now + 20 }),
    later(25, invalidToken('token_expired'), { exp: now + 20 }),
  ]),
  cased('new-token', 'a token of the new generation passes, and one of the old does not', [
    snapshot(now, [{ ...client, ...lists, gen: 4 }]),
    later(0, old),
    later(0, passes(), { gen: 4 }),
  ]),
  cased('two-pages', 'the snapshot has two pages, and the token is in the first', [
    snapshot(now, [token], { more: true }),
    page(now, [{ ...token, jti: 'other' }]),
    later(0, revoked),
  ]),
  cased('two-pages-second', 'the snapshot has two pages, and the token is in the second', [
    snapshot(now, [{ ...token, jti: 'other' }], { more: true }),
    page(now, [token]),
    later(0, revoked),
  ]),
  cased('scope-after', 'a token that is active and lacks the scope', [
    snapshot(now, []),
    later(0, insufficientScope('orders:read', 'orders:read'), { scope: 'orders:write' }),
  ]),
  cased('scope-and-revoked', 'a revoked token that lacks the scope is refused as revoked', [
    snapshot(now, [token]),
    later(0, revoked, { scope: 'other' }),
  ]),
];

/** Answers that are not understood, or are no news. */
const faults: readonly (readonly [name: string, title: string, step: FeedAnswer])[] = [
  ['entry-unknown', 'has an entry of a type that is not known', page(now + 5, [{ type: 'tenant', id: 1 }, token])],
  ['entry-null', 'has an entry that is null', page(now + 5, [null, token])],
  ['token-without-exp', 'has a token without exp', page(now + 5, [{ type: 'token', jti: claims.jti }])],
  [
    'token-without-gen',
    'has a token with its client, without its generation',
    page(now + 5, [{ ...token, client_id: claims.client_id }]),
  ],
  [
    'client-without-gen',
    'has a client without its generation',
    page(now + 5, [{ type: 'client', client_id: claims.client_id, active: true, gen_exact: false }]),
  ],
  ['client-gen-text', 'has a client whose generation is a text', page(now + 5, [{ ...client, gen: '4' }])],
  [
    'client-without-exact',
    'has a client without gen_exact',
    page(now + 5, [{ type: 'client', client_id: claims.client_id, active: true, gen: 4 }]),
  ],
  [
    'client-active-text',
    'has a client that is neither active nor inactive',
    page(now + 5, [{ ...client, active: 'no' }]),
  ],
  ['client-scopes-text', 'has a client whose scopes are a text', page(now + 5, [{ ...client, scopes: 'orders:read' }])],
  ['all-gen-text', 'has a generation of all tokens that is a text', page(now + 5, [{ type: 'all_tokens', gen: '4' }])],
  ['key-without-kid', 'has a key without kid', page(now + 5, [{ type: 'signing_key' }, token])],
  ['cursor-missing', 'has no cursor', page(now + 5, [token], { cursor: undefined })],
  ['snapshot-missing', 'does not say whether it is a snapshot', page(now + 5, [token], { snapshot: undefined })],
  ['more-text', 'says neither that there is more nor that there is none', page(now + 5, [token], { more: 'no' })],
  ['lag-negative', 'has a negative lag', page(now + 5, [token], { lag_seconds: -1 })],
  ['lag-missing', 'has no lag', page(now + 5, [token], { lag_seconds: undefined })],
  ['entries-object', 'has an object for entries', page(now + 5, [], { entries: {} })],
  ['more-empty', 'promises more and has no entries', page(now + 5, [], { more: true })],
  ['list', 'is a list', { at: now + 5, page: [token] }],
  ['status-503', 'has status 503', { at: now + 5, status: 503, page: { error: 'temporarily_unavailable' } }],
  ['status-401', 'has status 401', { at: now + 5, status: 401, page: { error: 'invalid_token' } }],
  ['status-201', 'has status 201, and looks like a page', { ...page(now + 5, [token]), status: 201 }],
];

/** The issuer turns out to have another history than the guard knows. */
const history: readonly GuardCase[] = (() => {
  const lost = (entries: readonly object[] = []) => snapshot(now + 10, entries, { history_changed: true });
  const issuedLater = { iat: now + 40 };
  const unsaid = snapshot(now + 10, []);
  return [
    cased('history-token', 'the issuer has lost that the token was revoked', [
      snapshot(now, [token]),
      lost(),
      later(10, revoked),
    ]),
    cased('history-token-unsaid', 'the feed begins again although it was asked with a cursor', [
      snapshot(now, [token]),
      unsaid,
      later(10, revoked),
    ]),
    cased('history-key', 'the issuer has lost that the key was revoked', [
      snapshot(now, [{ type: 'signing_key', kid: 'es256' }]),
      lost(),
      later(10, invalidToken('key_revoked')),
    ]),
    cased('history-client', 'the issuer has lost that the client was disabled, and the token is from before', [
      snapshot(now, [{ type: 'client', client_id: claims.client_id, active: false }]),
      lost(),
      later(10, invalidToken('client_unknown')),
    ]),
    cased('history-client-later', 'the issuer has lost that the client was disabled, and the token is from after', [
      snapshot(now, [{ type: 'client', client_id: claims.client_id, active: false }]),
      lost(),
      later(50, passes(), issuedLater),
    ]),
    cased('history-generation', 'the issuer has lost a generation, and the token is from before', [
      snapshot(now, [{ ...client, gen: 4 }]),
      lost(),
      later(10, old),
    ]),
    cased('history-generation-later', 'the issuer has lost a generation, and the token is from after', [
      snapshot(now, [{ ...client, gen: 4 }]),
      lost(),
      later(50, passes(), issuedLater),
    ]),
    cased('history-all', 'the issuer has lost that all tokens were revoked, and the token is from before', [
      snapshot(now, [{ type: 'all_tokens', gen: 4 }]),
      lost(),
      later(10, old),
    ]),
    cased('history-all-later', 'the issuer has lost that all tokens were revoked, and the token is from after', [
      snapshot(now, [{ type: 'all_tokens', gen: 4 }]),
      lost(),
      later(50, passes(), issuedLater),
    ]),
    cased('history-issued-at-edge', 'the token is from 5 seconds after the change, by which clocks may differ', [
      snapshot(now, [{ ...client, gen: 4 }]),
      lost(),
      later(20, old, { iat: now + 15 }),
    ]),
    cased('history-issued-after-edge', 'the token is from more than 5 seconds after the change', [
      snapshot(now, [{ ...client, gen: 4 }]),
      lost(),
      later(20, passes(), { iat: now + 15.001 }),
    ]),
    cased('history-other-token', 'the issuer has lost that another token was revoked', [
      snapshot(now, [{ ...token, jti: 'other' }]),
      lost(),
      later(10, passes()),
    ]),
    cased('history-new-entries', 'the new history has an entry about the token', [
      snapshot(now, []),
      lost([token]),
      later(10, revoked),
    ]),
    cased('history-incomplete', 'the new history is not complete yet, so that the one before holds', [
      snapshot(now, [token]),
      snapshot(now + 10, [{ ...token, jti: 'other' }], { history_changed: true, more: true }),
      later(10, revoked),
    ]),
  ];
})();

export const revocationCases: readonly GuardCase[] = [
  ...toCases('revocations', entries),
  ...ages,
  ...sequences,
  ...faults.flatMap(([name, title, step]) => [
    cased(`fault-${name}`, `an answer of the feed ${title}, so that nothing in it counts`, [
      snapshot(now, []),
      step,
      later(10, passes()),
    ]),
  ]),
  cased('fault-is-no-news', 'an answer that is not understood does not make the news newer', [
    snapshot(now, []),
    page(now + 5, [{ type: 'tenant' }]),
    later(61, stale),
  ]),
  cased('fault-at-first', 'the first answer is not understood', [snapshot(now, [{ type: 'tenant' }]), later(0, stale)]),
  ...history,
  ...toCases('lineage', lineage),
];
