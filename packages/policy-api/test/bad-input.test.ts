/** Malformed and hostile requests are answered with a 4xx or a failed element, never with a 500. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;
beforeAll(async () => {
  server = await startPolicyServer();
  await server.put('/storage/config', { key: 'files', name: 'Files', type: 'local' });
  await server.put('/policy', { key: 'p', name: 'P' });
  await server.put('/policy/p/rule', {
    key: 'r',
    name: 'R',
    action_type: 'access',
    storage_destination_key: 'files',
  });
});
afterAll(() => server.close());

const paths = ['/policy', '/policy/p/rule', '/policy/p/rule/r/target', '/storage/config'];

const blank = 'must not be blank, and must not contain control characters.';

describe.each(paths)('PUT %s', (path) => {
  test.each([
    ['text that is not JSON', '[{"name":', 400],
    ['an empty body', '', 422],
    ['a member __proto__', '[{"__proto__":{"name":"x"}}]', 400],
    ['a member __proto__ in escapes', '[{"\\u005f_proto__":{"name":"x"}}]', 400],
    ['a member constructor.prototype', '[{"constructor":{"prototype":{}}}]', 400],
  ])('%s rejects the whole request', async (_what, text, status) => {
    expect((await server.send('PUT', path, text)).status).toBe(status);
  });

  test('another content type is 415, and a body that is too large 413', async () => {
    expect((await server.send('PUT', path, 'name=x', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await server.send('PUT', path, `["${'x'.repeat(1_048_576)}"]`)).status).toBe(413);
  });

  test.each([
    ['a name with half a surrogate pair', { name: '\ud800' }, `name: ${blank}`],
    ['a name with a NUL', { name: 'a\0b' }, `name: ${blank}`],
    ['a name with a line break', { name: 'a\nb' }, `name: ${blank}`],
    ['a blank name', { name: '   ' }, `name: ${blank}`],
    ['a name of characters that nobody sees', { name: '\u3000\u200b\ufeff' }, `name: ${blank}`],
    ['an empty name', { name: '' }, 'name: must not be empty.'],
    ['a name that is too long', { name: 'x'.repeat(201) }, 'name: must not have more than 200 characters.'],
    ['a name as a list', { name: ['x'] }, 'name: must be string.'],
    ['a key that is too long', { key: 'x'.repeat(201) }, 'key: must not have more than 200 characters.'],
    ['an empty key', { key: '' }, 'key: must not be empty.'],
    ['a key that means another path', { key: '..' }, 'key: contains characters that are not allowed.'],
    ['a key as a number', { key: 5 }, 'key: must be string.'],
    ['an unknown member', { id: 'x' }, 'id: is not a known member.'],
    ['a member whose name has no letters', { '\ud800"/~': 1 }, '(not shown): is not a known member.'],
    ['a member hasOwnProperty', { hasOwnProperty: 1 }, 'hasOwnProperty: is not a known member.'],
  ])('%s fails alone, and the request succeeds', async (_what, element, message) => {
    const { status, body } = await server.send('PUT', path, JSON.stringify([element]));
    expect(status).toBe(200);
    expect(body).toEqual({ succeeded: [], failed: [{ message, data: element }] });
  });

  // JSON.stringify overflows the stack on the last one.
  test.each([
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
    ['numbered objects', '{"1":', '}'],
  ])('%s nested too deeply fail alone, and are not repeated in the answer', async (_what, open, close) => {
    const deep = `${open.repeat(40_000)}1${close.repeat(40_000)}`;
    const { status, body } = await server.send('PUT', path, `[${deep},5]`);
    expect(status).toBe(200);
    expect(body.failed).toEqual([
      { message: 'The element: is nested deeper than 20 levels.', data: null },
      { message: 'The element: must be object.', data: 5 },
    ]);
  });

  test('arbitrary elements are answered', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    const value = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('access', 'erasure', 'local', 's3', 'user.name', 'files', 'hash', null) },
      { weight: 1, arbitrary: text },
      { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
    );
    const members = ['key', 'name', 'action_type', 'storage_destination_key', 'masking_strategy', 'data_category'];
    const member = fc.oneof(fc.constantFrom(...members, 'type', 'format', 'details', 'drp_action'), text);
    const element = fc.oneof(fc.dictionary(member, value, { maxKeys: 5, noNullPrototype: true }), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(fc.array(element, { maxLength: 5 }), async (elements) => {
        const { status, body } = await server.api('PUT', path, elements);
        expect([200, 400]).toContain(status);
        if (status === 200) {
          expect(body.succeeded.length + body.failed.length).toBe(elements.length);
        }
      }),
    );
  });
});

test.each(['%', '%ff', '%00', '%ed%a0%80', 'x'.repeat(201), 'a%20b', "'--", '%2e%2e'])(
  'a path with the key %s is answered',
  async (key) => {
    const answers = await Promise.all(
      [`/policy/${key}`, `/policy/p/rule/${key}`, `/policy/p/rule/r/target/${key}`, `/storage/config/${key}`].map(
        (path) => server.send('DELETE', path, '[]'),
      ),
    );
    for (const { status } of answers) {
      expect([400, 404, 405, 422]).toContain(status);
    }
  },
);
