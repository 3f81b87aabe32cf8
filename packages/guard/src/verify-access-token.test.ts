/** An access token, and everything that makes one invalid. RFC 9068 §4, RFC 7515, RFC 7519, RFC 8725. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { ErrorReason } from '@postern/protocol';
import { describe, expect, test } from 'vitest';
import { base64url, es256, goodClaims, goodHeader, key, now, tokenOf, verification } from '../fixtures/tokens.ts';
import {
  decodeAccessToken,
  type VerifyAccessTokenOptions,
  verifyAccessToken,
  verifyIssuedToken,
} from './verify-access-token.ts';

const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const verify = (token: string, over: Partial<VerifyAccessTokenOptions> = {}, nowSeconds = now) =>
  verifyAccessToken(token, nowSeconds, { ...verification, ...over });

const refused = (reason: ErrorReason) => expect.objectContaining({ code: 'invalid_token', reason });

describe('RFC 9068 §4 a token is accepted', () => {
  test('with the claims of the profile, which are returned with types', async () => {
    expect(await verify(tokenOf(goodHeader, goodClaims))).toEqual({
      issuer: 'https://auth.example.com',
      subject: 'client',
      clientId: 'client',
      audience: ['https://api.example.com'],
      jti: 'a7f1',
      kid: 'one',
      scopes: new Set(['policy:read', 'rule:read']),
      generation: 3,
      confirmation: undefined,
      issuedAt: now - 60,
      expiresAt: now + 60,
      claims: goodClaims,
    });
  });

  test('§2.1 with the long form of its type', async () => {
    expect((await verify(tokenOf({ ...goodHeader, typ: 'application/at+jwt' }, goodClaims))).jti).toBe('a7f1');
  });

  test('RFC 7519 §4.1.3 with several audiences, one of them this one', async () => {
    const aud = ['https://other.example.com', 'https://api.example.com'];
    expect((await verify(tokenOf(goodHeader, { ...goodClaims, aud }))).jti).toBe('a7f1');
  });

  test('without any scope', async () => {
    expect((await verify(tokenOf(goodHeader, { ...goodClaims, scope: '' }))).scopes).toEqual(new Set());
  });

  test('with unknown claims and header members', async () => {
    expect((await verify(tokenOf({ ...goodHeader, jku: 'x' }, { ...goodClaims, colour: 'green' }))).jti).toBe('a7f1');
  });
});

describe('RFC 9068 §2.2 a claim that is missing or of a wrong type', () => {
  const texts = ['sub', 'client_id', 'jti', 'scope'] as const;
  const numbers = ['iat', 'exp', 'gen'] as const;

  test.each(texts)('%s must be a string', async (claim) => {
    for (const wrong of [undefined, null, 1, true, [goodClaims[claim]], { value: goodClaims[claim] }]) {
      await expect(verify(tokenOf(goodHeader, { ...goodClaims, [claim]: wrong }))).rejects.toThrow(
        refused('claims_malformed'),
      );
    }
  });

  test.each(numbers)('%s must be a number', async (claim) => {
    for (const wrong of [undefined, null, String(goodClaims[claim]), true, [goodClaims[claim]], {}]) {
      await expect(verify(tokenOf(goodHeader, { ...goodClaims, [claim]: wrong }))).rejects.toThrow(
        refused('claims_malformed'),
      );
    }
  });

  test.each(['iat', 'exp', 'gen'])('%s must be finite', async (claim) => {
    const claims = JSON.stringify({ ...goodClaims, [claim]: 'huge' }).replace('"huge"', '1e999');
    await expect(verify(tokenOf(goodHeader, claims))).rejects.toThrow(refused('claims_malformed'));
  });

  test('gen must be a whole number', async () => {
    await expect(verify(tokenOf(goodHeader, { ...goodClaims, gen: 3.5 }))).rejects.toThrow(refused('claims_malformed'));
  });

  test.each(['a  b', ' a', 'a ', 'a\tb', 'a"b', 'é'])(
    'RFC 6749 §3.3 scope must match its grammar: %j',
    async (scope) => {
      await expect(verify(tokenOf(goodHeader, { ...goodClaims, scope }))).rejects.toThrow(refused('claims_malformed'));
    },
  );

  test.each([null, {}, 'pay', { type: 'pay' }, [null], ['pay'], [{}], [{ type: 1 }], [{ type: 'pay' }, {}]])(
    'RFC 9396 §2 authorization_details must be a list of objects with a type: %j',
    async (details) => {
      await expect(verify(tokenOf(goodHeader, { ...goodClaims, authorization_details: details }))).rejects.toThrow(
        refused('claims_malformed'),
      );
    },
  );

  test('RFC 7519 §4.1.1 iss must be the issuer, character by character', async () => {
    const { iss } = goodClaims;
    for (const wrong of [
      undefined,
      null,
      1,
      [iss],
      { iss },
      '',
      `${iss}/`,
      iss.toUpperCase(),
      'https://evil.example',
    ]) {
      await expect(verify(tokenOf(goodHeader, { ...goodClaims, iss: wrong }))).rejects.toThrow(refused('issuer_wrong'));
    }
  });

  test('RFC 7519 §4.1.3 aud must name this API', async () => {
    const { aud } = goodClaims;
    for (const wrong of [undefined, null, 1, '', [], [[aud]], { aud }, { 0: aud, length: 1 }, `${aud}/`, ['x', 'y']]) {
      await expect(verify(tokenOf(goodHeader, { ...goodClaims, aud: wrong }))).rejects.toThrow(
        refused('audience_wrong'),
      );
    }
  });

  test('RFC 7519 §4.1.3 every aud must be a string, and there must be one, for a token of any audience too', async () => {
    const { aud } = goodClaims;
    for (const wrong of [undefined, null, 1, [], [[aud]], { aud }, [aud, 1], [null, aud]]) {
      const token = tokenOf(goodHeader, { ...goodClaims, aud: wrong });
      await expect(verify(token)).rejects.toThrow(refused('audience_wrong'));
      await expect(verifyIssuedToken(token, now, verification)).rejects.toThrow(refused('audience_wrong'));
    }
  });

  test('a payload that is not an object has no claims', async () => {
    for (const payload of ['[]', 'null', '"x"', '1', '']) {
      await expect(verify(tokenOf(goodHeader, payload))).rejects.toThrow(refused('token_malformed'));
    }
  });

  test('claims under __proto__ are ignored', async () => {
    const claims = `{"__proto__":${JSON.stringify(goodClaims)}}`;
    await expect(verify(tokenOf(goodHeader, claims))).rejects.toThrow(refused('issuer_wrong'));
  });
});

describe('RFC 7519 §4.1.4 and §4.1.5 times', () => {
  test('a token MUST NOT be accepted on or after exp', async () => {
    const token = tokenOf(goodHeader, goodClaims);
    expect((await verify(token, {}, goodClaims.exp - 0.001)).jti).toBe('a7f1');
    await expect(verify(token, {}, goodClaims.exp)).rejects.toThrow(refused('token_expired'));
    await expect(verify(token, {}, goodClaims.exp + 1e9)).rejects.toThrow(refused('token_expired'));
  });

  test('a token MUST NOT be accepted before nbf', async () => {
    const token = tokenOf(goodHeader, { ...goodClaims, nbf: now });
    await expect(verify(token, {}, now - 0.001)).rejects.toThrow(refused('token_not_yet_valid'));
    expect((await verify(token, {}, now)).jti).toBe('a7f1');
  });

  test.each([[null], ['0'], [[0]], [{}], [false]])('an nbf that is not a number is rejected: %j', async (nbf) => {
    await expect(verify(tokenOf(goodHeader, { ...goodClaims, nbf }))).rejects.toThrow(refused('token_not_yet_valid'));
  });

  test('clocks may differ by at most clockSkewSeconds', async () => {
    const token = tokenOf(goodHeader, { ...goodClaims, nbf: now });
    const skew = { clockSkewSeconds: 5 };
    expect((await verify(token, skew, now - 5)).jti).toBe('a7f1');
    await expect(verify(token, skew, now - 5.001)).rejects.toThrow(refused('token_not_yet_valid'));
    expect((await verify(token, skew, goodClaims.exp + 4.999)).jti).toBe('a7f1');
    await expect(verify(token, skew, goodClaims.exp + 5)).rejects.toThrow(refused('token_expired'));
  });
});

describe('RFC 8725 §3.1 and §3.2 algorithms', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', 'es256', 'ES256 ', 'ES384', 'RS256', 'EdDSA', ''])(
    'alg %j does not pass, signed as it may be',
    async (alg) => {
      await expect(verify(tokenOf({ ...goodHeader, alg }, goodClaims))).rejects.toThrow(
        refused('algorithm_not_allowed'),
      );
    },
  );

  test.each([[undefined], [null], [['ES256']], [{ alg: 'ES256' }], [256]])('nor does alg %j', async (alg) => {
    await expect(verify(tokenOf({ ...goodHeader, alg }, goodClaims))).rejects.toThrow(refused('algorithm_not_allowed'));
  });

  test('RFC 9068 §4 a token with alg none and no signature is rejected', async () => {
    const [header, payload] = tokenOf({ ...goodHeader, alg: 'none' }, goodClaims).split('.');
    await expect(verify(`${header}.${payload}.`)).rejects.toThrow(refused('token_malformed'));
  });

  test('the public key is not used as an HMAC secret', async () => {
    const secrets = [
      key.publicKey.export({ type: 'spki', format: 'pem' }),
      key.publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(key.publicKey.export({ format: 'jwk' })),
    ];
    for (const alg of ['HS256', 'ES256']) {
      for (const secret of secrets) {
        const signingInput = `${base64url(JSON.stringify({ ...goodHeader, alg }))}.${base64url(JSON.stringify(goodClaims))}`;
        const mac = createHmac('sha256', secret).update(signingInput).digest();
        for (const signature of [mac, Buffer.concat([mac, mac])]) {
          await expect(verify(`${signingInput}.${base64url(signature)}`)).rejects.toThrow(
            refused(alg === 'HS256' ? 'algorithm_not_allowed' : 'signature_wrong'),
          );
        }
      }
    }
  });

  test('a key of an algorithm that is not in the options is not used', async () => {
    await expect(verify(tokenOf(goodHeader, goodClaims), { algorithms: [] })).rejects.toThrow(
      refused('algorithm_not_allowed'),
    );
  });

  test('a key in the header is not used', async () => {
    const jwk = stranger.publicKey.export({ format: 'jwk' });
    for (const header of [
      { ...goodHeader, jwk },
      { ...goodHeader, jwk, kid: undefined },
      { ...goodHeader, x5c: ['MII'] },
    ]) {
      await expect(verify(tokenOf(header, goodClaims, stranger.privateKey))).rejects.toThrow(
        refused(header.kid === undefined ? 'token_malformed' : 'signature_wrong'),
      );
    }
  });
});

describe('RFC 7515 §4.1 header', () => {
  test.each(['two', '', 'ONE', '__proto__', 'constructor', '../one', "one' or 1=1", 'o'.repeat(5_000)])(
    '§4.1.4 a kid that the issuer does not have: %.30j',
    async (kid) => {
      await expect(verify(tokenOf({ ...goodHeader, kid }, goodClaims))).rejects.toThrow(refused('key_unknown'));
    },
  );

  test.each([[undefined], [null], [1], [['one']], [{ kid: 'one' }]])('a kid that is not a string: %j', async (kid) => {
    await expect(verify(tokenOf({ ...goodHeader, kid }, goodClaims))).rejects.toThrow(refused('token_malformed'));
  });

  test.each([[['b64']], [['exp']], [[]], [null], ['exp'], [{}]])(
    '§4.1.11 crit MUST be understood, and none is: %j',
    async (crit) => {
      await expect(verify(tokenOf({ ...goodHeader, crit, b64: true }, goodClaims))).rejects.toThrow(
        refused('token_malformed'),
      );
    },
  );

  test.each([
    [undefined],
    [null],
    ['JWT'],
    ['AT+JWT'],
    ['at+jwt '],
    [''],
    [['at+jwt']],
    [{}],
    ['dpop+jwt'],
    ['logout+jwt'],
  ])('RFC 9068 §4 typ MUST be at+jwt: %j', async (typ) => {
    await expect(verify(tokenOf({ ...goodHeader, typ }, goodClaims))).rejects.toThrow(refused('token_type_wrong'));
  });
});

describe('RFC 7515 §5.2 form and signature', () => {
  test('one changed character anywhere makes a token invalid', async () => {
    const token = tokenOf(goodHeader, goodClaims);
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A';
      await expect(verify(token.slice(0, at) + other + token.slice(at + 1))).rejects.toThrow(
        expect.objectContaining({ code: 'invalid_token' }),
      );
    }
  });

  test('the signature of another token is rejected', async () => {
    await expect(verify(tokenOf(goodHeader, goodClaims, stranger.privateKey))).rejects.toThrow(
      refused('signature_wrong'),
    );
  });

  test('a signature of another length or form is rejected', async () => {
    const token = tokenOf(goodHeader, goodClaims);
    const signingInput = token.slice(0, token.lastIndexOf('.'));
    const right = es256(signingInput, key.privateKey);
    const der = sign('sha256', Buffer.from(signingInput), key.privateKey);
    const wrong = [1, 2, 32, 63, 65, 128, 4_000].map((length) => Buffer.alloc(length, right));
    for (const signature of [...wrong, Buffer.alloc(64), Buffer.alloc(64, 0xff), der]) {
      await expect(verify(`${signingInput}.${base64url(signature)}`)).rejects.toThrow(refused('signature_wrong'));
    }
  });

  test.each([
    ['nothing', ''],
    ['one part', 'abc'],
    ['five parts, as an encrypted token has', 'e30.AA.AA.AA.AA'],
    ['dots alone', '..'],
    ['16,384 dots', '.'.repeat(16_384)],
    ['megabytes of dots', '.'.repeat(8_000_000)],
    ['megabytes of letters', 'A'.repeat(8_000_000)],
    ['megabytes between two dots', `A.${'A'.repeat(8_000_000)}.A`],
  ])('%s is not a token', async (_, token) => {
    await expect(verify(token)).rejects.toThrow(refused('token_malformed'));
  });

  test('a token of more than 16,384 characters is rejected, even if it is genuine', async () => {
    const long = tokenOf(goodHeader, { ...goodClaims, scope: 's'.repeat(20_000) });
    await expect(verify(long)).rejects.toThrow(refused('token_malformed'));
  });
});

test('RFC 6750 §3.1 every error has the same text', async () => {
  const bad = [
    tokenOf(goodHeader, { ...goodClaims, exp: 0 }),
    tokenOf(goodHeader, { ...goodClaims, jti: 1 }),
    tokenOf({ ...goodHeader, kid: 'two' }, goodClaims),
    tokenOf(goodHeader, goodClaims, stranger.privateKey),
    'x',
  ];
  const texts = await Promise.all(bad.map((token) => verify(token).catch(({ message }: Error) => message)));
  expect(new Set(texts)).toEqual(new Set(['The access token is expired, revoked or not valid here: get a new one.']));
});

describe('headers are kept decoded by their text', () => {
  const headerOf = (members: object) => decodeAccessToken(tokenOf({ ...goodHeader, ...members }, goodClaims)).header;

  test('a header that was seen before is not decoded again', () => {
    expect(headerOf({ member: 'again' })).toBe(headerOf({ member: 'again' }));
  });

  test('a header of more than 256 characters is not kept', () => {
    const ofBytes = (bytes: number) => ({
      member: 'x'.repeat(bytes - JSON.stringify({ ...goodHeader, member: '' }).length),
    });
    expect(base64url(JSON.stringify({ ...goodHeader, ...ofBytes(192) }))).toHaveLength(256);
    expect(headerOf(ofBytes(192))).toBe(headerOf(ofBytes(192)));
    expect(headerOf(ofBytes(193))).not.toBe(headerOf(ofBytes(193)));
  });

  test('at most 100 headers are kept, those that were used last, so that strangers cannot fill the memory', () => {
    let count = 0;
    const addOthers = (others: number) => {
      for (const last = count + others; count < last; count += 1) {
        headerOf({ other: count });
      }
    };
    const kept = headerOf({ member: 'kept' });
    for (let turn = 0; turn < 5; turn += 1) {
      addOthers(49);
      expect(headerOf({ member: 'kept' })).toBe(kept);
    }
    addOthers(100);
    expect(headerOf({ member: 'kept' })).not.toBe(kept);
  });
});
