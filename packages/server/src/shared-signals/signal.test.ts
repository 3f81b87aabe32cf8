/** Which streams are told of a change. OpenID Shared Signals Framework 1.0 §8.1.1. */
import { expect, test } from 'vitest';
import { tellings } from './signal.ts';

const issuer = 'https://auth.example.com';
const jti = '8f0c6c5e-5a0e-4f0b-9f0e-2f1b7d3c9a41';

/** The subjects of streams that are told of a revoked token; undefined: all. */
function toldOf(data: object): readonly (readonly string[] | undefined)[] | undefined {
  const tell = tellings['token.revoked'];
  if (typeof tell !== 'function') {
    throw new Error('A revoked token is told.');
  }
  const event = { kind: 'token.revoked', subject: jti, data } as unknown as Parameters<typeof tell>[0];
  return tell(event, issuer)?.signals.map(([, { about }]) => about);
}

test('a token that was revoked by its id alone may be of any client, so every stream is told', () => {
  expect(toldOf({ exp: 1 })).toEqual([undefined, undefined]);
  const subjects = [expect.stringContaining(jti), expect.stringContaining('billing')];
  expect(toldOf({ exp: 1, client_id: 'billing', gen: 0 })).toEqual([subjects, subjects]);
});

test('receivers are told of other keys in the metadata document of a client, and not of another name', () => {
  const tell = tellings['client_document.changed'];
  const typesOf = (data: object) => {
    const event = { kind: 'client_document.changed', subject: 'https://a.example/b', data };
    return (
      typeof tell === 'function' && tell(event as Parameters<typeof tell>[0], issuer)?.signals.map(([type]) => type)
    );
  };
  expect(typesOf({ added_keys: [], removed_keys: ['a'] })).toEqual([
    expect.stringContaining('credential-change'),
    expect.stringContaining('client-credential-changed'),
  ]);
  expect(typesOf({ added_keys: [], removed_keys: [], client_name: 'b' })).toEqual([]);
});
