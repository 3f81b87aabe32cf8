/**
 * Examples that the RFCs print, verified by the functions of the guard. RFC 7515 §A, RFC 7520 §4, RFC 7638
 * §3.1, RFC 8037 §A, RFC 9449 §4 to §7.
 *
 * Without examples of what Postern does not support: HMAC (RFC 7515 §A.1, RFC 7520 §4.4), ES512 and PS384 (RFC 7515 §A.4, RFC
 * 7520 §4.2 and §4.3), detached and JSON serializations (RFC 7515 §A.6, RFC 7520 §4.5 to §4.8). The access token of
 * RFC 9449 §6.1 is signed with a key that the RFC does not print.
 */

import { decodeJws } from '@postern/protocol';
import { describe, expect, test } from 'vitest';
import { crypto } from '#crypto';
import type { SigningAlgorithm } from './crypto/algorithms.ts';
import { thumbprintText } from './crypto/jwk-thumbprint.ts';
import { parsePublicJwk } from './crypto/public-key.ts';
import { verifyDpopProof } from './dpop-proof.ts';

const keys = {
  'RFC 7515 §A.2.1': {
    kty: 'RSA',
    n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
    e: 'AQAB',
  },
  'RFC 7515 §A.3.1': {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  },
  'RFC 7520 §3.3': {
    kty: 'RSA',
    kid: 'bilbo.baggins@hobbiton.example',
    use: 'sig',
    n: 'n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw',
    e: 'AQAB',
  },
  'RFC 7638 §3.1': {
    kty: 'RSA',
    n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
    e: 'AQAB',
    alg: 'RS256',
    kid: '2011-04-29',
  },
  'RFC 8037 §A.2': { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
  'RFC 9449 §4.2': {
    kty: 'EC',
    x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
    y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
    crv: 'P-256',
  },
} satisfies Record<string, Record<string, string>>;

/** Of RFC 7515 §A.2 and §A.3, and of their unsecured counterpart in §A.5. */
const claims = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';

const signed: [section: string, alg: SigningAlgorithm, key: keyof typeof keys, jws: string][] = [
  [
    'RFC 7515 §A.2',
    'RS256',
    'RFC 7515 §A.2.1',
    `eyJhbGciOiJSUzI1NiJ9.${claims}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
  ],
  [
    'RFC 7515 §A.3',
    'ES256',
    'RFC 7515 §A.3.1',
    `eyJhbGciOiJFUzI1NiJ9.${claims}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  ],
  [
    'RFC 7520 §4.1',
    'RS256',
    'RFC 7520 §3.3',
    'eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg',
  ],
  [
    'RFC 8037 §A.4',
    'EdDSA',
    'RFC 8037 §A.2',
    'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
  ],
];

describe.each(signed)('%s a signature with %s', (_, alg, key, jws) => {
  const lastDot = jws.lastIndexOf('.');
  const isSigned = async (signingInput: string) =>
    crypto.verify(
      alg,
      await crypto.importKey(parsePublicJwk(keys[key]), alg),
      new TextEncoder().encode(signingInput),
      Uint8Array.from(Buffer.from(jws.slice(lastDot + 1), 'base64url')),
    );

  test('verifies, but not for other content', async () => {
    expect(await isSigned(jws.slice(0, lastDot))).toBe(true);
    expect(await isSigned(jws.slice(0, lastDot - 1))).toBe(false);
  });
});

describe('RFC 7515 §7.1 compact serialization', () => {
  const byText = new Map(signed.map(([section, , , jws]) => [section, jws]));

  test.each(['RFC 7515 §A.2', 'RFC 7515 §A.3'])('%s has the claims that the RFC prints', (section) => {
    expect(decodeJws(byText.get(section) ?? '')?.payload).toEqual({
      iss: 'joe',
      exp: 1_300_819_380,
      'http://example.com/is_root': true,
    });
  });

  test.each(['RFC 7520 §4.1', 'RFC 8037 §A.4'])('%s signs plain text, which is not a JWT', (section) => {
    expect(decodeJws(byText.get(section) ?? '')).toBeUndefined();
  });

  test('RFC 7515 §A.5 is unsecured and rejected', () => {
    expect(decodeJws(`eyJhbGciOiJub25lIn0.${claims}.`)).toBeUndefined();
  });
});

test.each<[keyof typeof keys, string]>([
  ['RFC 7638 §3.1', 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
  ['RFC 8037 §A.2', 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
  ['RFC 9449 §4.2', '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'],
])('%s the key has the printed thumbprint', async (key, thumbprint) => {
  expect(await crypto.sha256(thumbprintText(keys[key]))).toBe(thumbprint);
});

describe('RFC 9449 the printed proofs', () => {
  const header =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19';
  const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I';

  test('§4.1 and §5 the proof of the token request verifies at its time', async () => {
    const proof = `${header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`;
    const expected = { method: 'POST', url: 'https://server.example.com/token', nowSeconds: 1_562_262_616 };
    expect(await verifyDpopProof(proof, expected)).toMatchObject({ jkt, jti: '-BwC3ESc6acc2lTc', nonce: undefined });
  });

  test('§7.1 the proof of the API call verifies only with the printed access token', async () => {
    const proof = `${header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`;
    const accessToken = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';
    const expected = {
      method: 'GET',
      url: 'https://resource.example.org/protectedresource',
      nowSeconds: 1_562_262_618,
      accessToken,
    };
    expect(decodeJws(proof)?.payload['ath']).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo');
    expect(await verifyDpopProof(proof, expected)).toMatchObject({ jkt, jti: 'e1j3V_bKic8-LAEB' });
    await expect(verifyDpopProof(proof, { ...expected, accessToken: `${accessToken}x` })).rejects.toThrow(
      expect.objectContaining({ code: 'invalid_dpop_proof', reason: 'proof_wrong' }),
    );
  });
});
