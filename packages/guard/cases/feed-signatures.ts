/**
 * The signature of the revocation feed: who signed, what, as an answer to what, and when. docs/revocation-feed.md. RFC 7515 §5.2,
 * RFC 7517 §4.2, RFC 8725 §3.11.
 */
import {
  type FeedAnswer,
  feedJwks,
  feedSignature,
  invalidToken,
  issuer,
  jwks,
  manySteps,
  metadata,
  nonCanonical,
  now,
  oneRequest,
  passes,
  publish,
  requestStep,
  type SignedFeed,
  tokenOf,
  unavailable,
} from './build.ts';
import type { Expectation, GuardCase } from './guard-case.ts';
import { keys } from './keys.ts';
import { closed, page, revokedToken, snapshot } from './revocations.ts';

const stale = unavailable('revocations_stale');
const revoked = invalidToken('token_revoked');
const guard = closed;

const request = (seconds: number, expect: Expectation) => requestStep(now + seconds, expect);

/** A second answer that says that the token was revoked. */
const news = (at = now + 5) => page(at, [revokedToken]);

type Sign = (signed: SignedFeed) => string | null;

const signedBy =
  (sign: Sign): NonNullable<FeedAnswer['sign']> =>
  (signed) => ({ signature: sign(signed), body: signed.body });

/** What is wrong with a signature. The answer counts for nothing, and is no news. */
const faults: readonly (readonly [
  name: string,
  title: string,
  sign: Sign,
  over?: { feedJwks?: object; jwks?: object },
])[] = [
  ['missing', 'has no signature', () => null],
  ['empty', 'has an empty signature', () => ''],
  ['text', 'has a text for a signature', () => 'signed'],
  ['detached', 'has a signature without a payload', (signed) => feedSignature(signed).replace(/\.[^.]+\./, '..')],
  ['not-canonical', 'has a signature with unused bits', (signed) => nonCanonical(feedSignature(signed))],
  [
    'long',
    'has a signature of over 4,096 characters',
    (signed) => feedSignature(signed, { payload: { x: 'x'.repeat(4_096) } }),
  ],
  ['wrong', 'has a signature of another key', (signed) => feedSignature(signed, { key: keys.otherFeed })],
  [
    'key-unknown',
    'is signed with a key that is not published',
    (signed) => feedSignature(signed, { key: keys.otherFeed, header: { kid: 'other' } }),
  ],
  ['kid-missing', 'has a signature without kid', (signed) => feedSignature(signed, { header: { kid: undefined } })],
  [
    'token-key',
    'is signed with the key that signs tokens',
    (signed) => feedSignature(signed, { key: keys.es256, header: { kid: 'es256' } }),
  ],
  [
    'token-key-of-same-algorithm',
    'is signed with a key for tokens of the algorithm of the feed',
    (signed) => feedSignature(signed, { key: keys.eddsa, header: { kid: 'eddsa' } }),
    { jwks: { keys: [...jwks.keys, publish(keys.eddsa, 'eddsa')] } },
  ],
  [
    'key-in-set-of-tokens',
    'is signed with a key of the feed that is published among those for tokens',
    (signed) => feedSignature(signed, { key: keys.otherFeed, header: { kid: 'other' } }),
    { jwks: { keys: [...jwks.keys, publish(keys.otherFeed, 'other', { use: 'revocation_feed' })] } },
  ],
  [
    'key-use-sig',
    'is signed with a key that is for tokens, in the set of the feed',
    (signed) => feedSignature(signed, { key: keys.otherFeed, header: { kid: 'other' } }),
    { feedJwks: { keys: [...feedJwks.keys, publish(keys.otherFeed, 'other')] } },
  ],
  [
    'key-without-use',
    'is signed with a key without use, in the set of the feed',
    (signed) => feedSignature(signed, { key: keys.otherFeed, header: { kid: 'other' } }),
    { feedJwks: { keys: [...feedJwks.keys, publish(keys.otherFeed, 'other', { use: undefined })] } },
  ],
  [
    'algorithm-other',
    'is signed with ES256, by a key in the set of the feed',
    (signed) => feedSignature(signed, { key: keys.otherEs256, header: { kid: 'other' } }),
    { feedJwks: { keys: [...feedJwks.keys, publish(keys.otherEs256, 'other', { use: 'revocation_feed' })] } },
  ],
  [
    'algorithm-none',
    'has a signature with the alg none',
    (signed) => feedSignature(signed, { header: { alg: 'none' } }),
  ],
  ['typ-missing', 'has a signature without typ', (signed) => feedSignature(signed, { header: { typ: undefined } })],
  ['typ-jwt', 'has a signature of the type JWT', (signed) => feedSignature(signed, { header: { typ: 'JWT' } })],
  [
    'typ-token',
    'has a signature of the type of a token',
    (signed) => feedSignature(signed, { header: { typ: 'at+jwt' } }),
  ],
  [
    'crit',
    'has a signature with a critical parameter',
    (signed) => feedSignature(signed, { header: { crit: ['b64'], b64: true } }),
  ],
  [
    'issuer-other',
    'is signed by another issuer',
    (signed) => feedSignature(signed, { payload: { iss: `${issuer}/` } }),
  ],
  ['issuer-missing', 'has a signature without iss', (signed) => feedSignature(signed, { payload: { iss: undefined } })],
  ['cursor-other', 'was made for another cursor', (signed) => feedSignature(signed, { payload: { after: 'page-0' } })],
  [
    'cursor-none',
    'was made for a request without a cursor',
    (signed) => feedSignature(signed, { payload: { after: undefined } }),
  ],
  [
    'cursor-null',
    'has a signature with null for the cursor',
    (signed) => feedSignature(signed, { payload: { after: null } }),
  ],
  [
    'digest-other',
    'has a signature of another body',
    (signed) => feedSignature({ ...signed, body: `${signed.body} ` }),
  ],
  [
    'digest-missing',
    'has a signature of no body',
    (signed) => feedSignature(signed, { payload: { sha256: undefined } }),
  ],
  ['time-missing', 'has a signature without iat', (signed) => feedSignature(signed, { payload: { iat: undefined } })],
  [
    'time-text',
    'has a signature with a text for iat',
    (signed) => feedSignature(signed, { payload: { iat: String(now) } }),
  ],
];

/** The body after it was signed. */
const changes: readonly (readonly [name: string, title: string, change: (body: string) => string])[] = [
  ['entry-left-out', 'lacks an entry that was signed', (body) => body.replace(JSON.stringify(revokedToken), '')],
  ['entry-added', 'has an entry that was not signed', (body) => body.replace('[', `[${JSON.stringify(revokedToken)},`)],
  ['cursor-changed', 'leads to a cursor that was not signed', (body) => body.replace(/"page-\d+"/, '"page-0"')],
  [
    'lag-changed',
    'has another lag than the signed one',
    (body) => body.replace('"lag_seconds":0', '"lag_seconds":0.0'),
  ],
  ['space-added', 'has a space more than was signed', (body) => `${body} `],
];

/** An answer without news, and the same one again after so many seconds. */
const repeated = (...seconds: readonly number[]): FeedAnswer[] => {
  const first = snapshot(now, []);
  const sign = signedBy((signed) => feedSignature({ ...signed, at: now + 1 }));
  const answer = { ...page(now + 1, [], { cursor: first.page.cursor }), sign };
  return [first, ...[1, ...seconds].map((second) => ({ ...answer, at: now + second }))];
};

/** The first answer, signed so many seconds before it arrives, by the clocks of both sides. */
const signedBefore = (seconds: number): FeedAnswer => ({
  ...snapshot(now, []),
  sign: signedBy((signed) => feedSignature({ ...signed, at: now - seconds })),
});

/** An issuer whose clock is an hour ahead. */
const ahead = (answer: FeedAnswer, at = answer.at): FeedAnswer => ({
  ...answer,
  sign: signedBy((signed) => feedSignature({ ...signed, at: at + 3_600 })),
});

const bothKeys = { keys: [...feedJwks.keys, publish(keys.nextFeed, 'next', { use: 'revocation_feed' })] };
const byNextKey: FeedAnswer['sign'] = signedBy((signed) =>
  feedSignature(signed, { key: keys.nextFeed, header: { kid: 'next' } }),
);

export const feedSignatureCases: readonly GuardCase[] = [
  manySteps('signatures/good', 'the answer that revokes the token is signed', { guard }, [
    snapshot(now, []),
    news(),
    request(10, revoked),
  ]),
  ...faults.map(([name, title, sign, over = {}]) =>
    manySteps(
      `signatures/${name}`,
      `an answer of the feed ${title}, so that it counts for nothing`,
      { guard, ...over },
      [snapshot(now, []), { ...news(), sign: signedBy(sign) }, request(10, passes()), request(60.001, stale)],
    ),
  ),
  ...changes.map(([name, title, change]) =>
    manySteps(`signatures/${name}`, `an answer of the feed ${title}, so that it counts for nothing`, { guard }, [
      snapshot(now, []),
      { ...news(), sign: (signed) => ({ signature: feedSignature(signed), body: change(signed.body) }) },
      request(10, passes()),
      request(60.001, stale),
    ]),
  ),
  manySteps(
    'signatures/first-to-cursor',
    'the first answer was made for a cursor, and the guard asked without',
    { guard },
    [
      { ...snapshot(now, []), sign: signedBy((signed) => feedSignature({ ...signed, after: 'page-0' })) },
      request(0, stale),
    ],
  ),
  manySteps(
    'signatures/metadata-without-keys',
    'the metadata do not say where the keys of the feed are, and an answer is signed all the same',
    { guard, metadata: { issuer, jwks_uri: metadata.jwks_uri } },
    [snapshot(now, []), request(0, stale)],
  ),
  manySteps(
    'signatures/metadata-stripped',
    'neither the metadata say that the feed is signed, nor is it',
    { guard, metadata: { issuer, jwks_uri: metadata.jwks_uri } },
    [{ ...snapshot(now, []), sign: signedBy(() => null) }, request(0, stale)],
  ),
  manySteps(
    'signatures/keys-by-http',
    'the keys of the feed have an http URL',
    {
      guard,
      metadata: {
        ...metadata,
        revocation_feed_jwks_uri: 'http://auth.example.com/.well-known/revocation-feed-jwks.json',
      },
    },
    [snapshot(now, []), request(0, stale)],
  ),
  manySteps('signatures/key-rotated', 'the next key of the feed signs', { guard, feedJwks: bothKeys }, [
    snapshot(now, []),
    { ...news(), sign: byNextKey },
    request(10, revoked),
  ]),
  manySteps(
    'signatures/key-rotated-back',
    'both keys of the feed sign in turn, on two nodes',
    { guard, feedJwks: bothKeys },
    [{ ...snapshot(now, []), sign: byNextKey }, news(), request(10, revoked)],
  ),
  manySteps(
    'signatures/key-revoked',
    'a key of the feed was revoked, and signs another answer: it counts for nothing, although the key is published',
    { guard },
    [
      snapshot(now, []),
      page(now + 1, [{ type: 'signing_key', kid: 'feed' }]),
      news(),
      request(10, passes()),
      request(61.001, stale),
    ],
  ),
  manySteps(
    'signatures/key-revoked-next',
    'a key of the feed was revoked, and the next one signs',
    { guard, feedJwks: bothKeys },
    [
      snapshot(now, []),
      { ...page(now + 1, [{ type: 'signing_key', kid: 'feed' }]), sign: byNextKey },
      { ...news(), sign: byNextKey },
      request(10, revoked),
    ],
  ),
  manySteps('signatures/repeated', 'an answer without news is repeated, and makes the news no newer', { guard }, [
    ...repeated(15, 30),
    request(66, passes()),
    request(66.001, stale),
  ]),
  manySteps('signatures/not-repeated', 'a new answer without news makes the news newer', { guard }, [
    snapshot(now, []),
    page(now + 1, []),
    page(now + 16, []),
    request(76, passes()),
    request(76.001, stale),
  ]),
  manySteps(
    'signatures/repeated-clock-ahead',
    'the clock of the issuer is an hour ahead, and an answer is repeated',
    { guard },
    [
      ahead(snapshot(now, [])),
      ahead(page(now + 1, []), now),
      request(60, passes()),
      ahead(page(now + 60, []), now),
      request(60, passes()),
      request(60.001, stale),
    ],
  ),
  manySteps('signatures/clock-ahead', 'the clock of the issuer is an hour ahead', { guard }, [
    ahead(snapshot(now, [])),
    ahead(page(now + 15, [])),
    request(75, passes()),
    request(75.001, stale),
  ]),
  manySteps('signatures/clock-set-back', 'the clock of the issuer was an hour ahead, and is right again', { guard }, [
    ahead(snapshot(now, [])),
    page(now + 15, []),
    request(75, passes()),
    request(75.001, stale),
  ]),
  manySteps('signatures/first-old', 'the first answer is 65 seconds old, of which clocks may differ by 5', { guard }, [
    signedBefore(65),
    request(0, passes()),
  ]),
  manySteps(
    'signatures/first-too-old',
    'the first answer is 65.001 seconds old, of which clocks may differ by 5',
    { guard },
    [signedBefore(65.001), request(0, stale)],
  ),
  oneRequest('signatures/token-of-feed-key', 'the token is signed with the key of the feed', {
    token: tokenOf({ header: { alg: 'EdDSA', kid: 'feed' }, key: keys.feed }),
    expect: invalidToken('key_unknown'),
  }),
  oneRequest(
    'signatures/token-of-feed-key-published',
    'the token is signed with the key of the feed, which is published among those for tokens',
    {
      token: tokenOf({ header: { alg: 'EdDSA', kid: 'feed' }, key: keys.feed }),
      jwks: { keys: [...jwks.keys, ...feedJwks.keys] },
      expect: invalidToken('key_unknown'),
    },
  ),
  oneRequest('signatures/as-token', 'a signature of the feed is sent as a token', {
    token: feedSignature({ at: now, after: undefined, body: '' }),
    expect: invalidToken('token_type_wrong'),
  }),
];
