/** The rules of a policy over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;
beforeAll(async () => {
  server = await startPolicyServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.clear();
  await server.put('/storage/config', {
    key: 'files',
    name: 'Files',
    type: 's3',
    format: 'csv',
    details: { bucket: 'bücket', object_name: 'o' },
  });
  await server.put('/policy', { key: 'p', name: 'P' });
});

const path = '/policy/p/rule';
const destination = {
  key: 'files',
  name: 'Files',
  type: 's3',
  format: 'csv',
  details: { naming: 'request_id', bucket: 'bücket', object_name: 'o' },
};
const masking = {
  strategy: 'string_rewrite',
  configuration: { rewrite_value: 'masked "é"', format_preservation: { suffix: '@example.com' } },
};
const access = { key: 'read', name: 'Read', action_type: 'access', storage_destination_key: 'files' };
const erasure = { key: 'erase', name: 'Erase', action_type: 'erasure', masking_strategy: masking };
const accessView = {
  key: 'read',
  name: 'Read',
  action_type: 'access',
  storage_destination: destination,
  masking_strategy: null,
  targets: [],
};
const erasureView = {
  key: 'erase',
  name: 'Erase',
  action_type: 'erasure',
  storage_destination: null,
  masking_strategy: { strategy: 'string_rewrite' },
  targets: [],
};

describe.each(['PUT', 'PATCH'])('%s /policy/{policy_key}/rule', (method) => {
  test('creates rules of both actions, which their policy lists', async () => {
    const { status, body } = await server.api(method, path, [
      { ...access, masking_strategy: null },
      { ...erasure, storage_destination_key: null },
    ]);
    expect(status).toBe(200);
    expect(body).toEqual({ succeeded: [accessView, erasureView], failed: [] });
    expect((await server.api('GET', `${path}/read`)).body).toEqual(accessView);
    expect((await server.api('GET', '/policy/p')).body.rules.map(({ key }: { key: string }) => key).toSorted()).toEqual(
      ['erase', 'read'],
    );
    expect((await server.api('GET', '/policy')).body.items[0].rules).toHaveLength(2);
  });

  test('derives the key from the name', async () => {
    const { body } = await server.api(method, path, [{ ...access, key: undefined, name: 'Read All of It' }]);
    expect(body.succeeded[0].key).toBe('read_all_of_it');
  });

  test('changes the members that are sent and keeps the others', async () => {
    await server.put(path, erasure);
    await server.put(`${path}/erase/target`, { key: 't', name: 'T', data_category: 'user.name' });
    const { body } = await server.api(method, path, [
      { key: 'erase', name: 'Renamed' },
      { key: 'erase', masking_strategy: { strategy: 'hash' } },
    ]);
    const targets = [{ key: 't', name: 'T', data_category: 'user.name' }];
    const renamed = { ...erasureView, name: 'Renamed', targets };
    const hashed = { ...renamed, masking_strategy: { strategy: 'hash' } };
    expect(body).toEqual({ succeeded: [renamed, hashed], failed: [] });
    expect((await server.api('GET', `${path}/erase`)).body).toEqual(hashed);
  });

  test('changes the action of a rule, and clears what only the old action used', async () => {
    await server.put(path, access);
    const { body } = await server.api(method, path, [
      { key: 'read', action_type: 'erasure', masking_strategy: masking },
      { key: 'read', action_type: 'access' },
      { key: 'read', action_type: 'access', storage_destination_key: 'files' },
    ]);
    expect(body.succeeded).toEqual([{ ...erasureView, key: 'read', name: 'Read' }, accessView]);
    expect(body.failed).toEqual([
      {
        message: 'storage_destination_key: is required for an access rule.',
        data: { key: 'read', action_type: 'access' },
      },
    ]);
  });

  test('never answers a masking configuration, as Fides does not, and keeps it for who sends back what was read', async () => {
    const read = async () => (await server.api('GET', `${path}/erase`)).body;
    const stored = async () => {
      const [row] = (await server.rows('policy_rules')) as { masking_strategy: string }[];
      return JSON.parse(row?.masking_strategy ?? 'null');
    };
    await server.put(path, erasure);
    const { body } = await server.api(method, path, [await read()]);
    expect(body).toEqual({ succeeded: [erasureView], failed: [] });
    expect(await stored()).toEqual(masking);
    const configuration = { algorithm: 'SHA-512' };
    const steps: [sent: { strategy: string; configuration?: object }, kept: object][] = [
      [{ strategy: 'hash' }, {}],
      [{ strategy: 'hash', configuration }, configuration],
      [{ strategy: 'hash' }, configuration],
      [{ strategy: 'hmac' }, {}],
      [{ strategy: 'hmac', configuration }, configuration],
      [{ strategy: 'hmac', configuration: {} }, {}],
    ];
    for (const [sent, kept] of steps) {
      const answer = await server.api(method, path, [{ key: 'erase', masking_strategy: sent }]);
      expect(answer.body.succeeded).toMatchObject([{ masking_strategy: { strategy: sent.strategy } }]);
      expect(await stored()).toEqual({ strategy: sent.strategy, configuration: kept });
    }
    for (const place of ['/policy', '/policy/p', path, `${path}/erase`, '/oauth/events?size=100']) {
      expect(JSON.stringify((await server.api('GET', place)).body)).not.toMatch(
        /configuration|algorithm|rewrite_value/,
      );
    }
  });

  test('is 404 if the policy does not exist', async () => {
    const { status, body } = await server.api(method, '/policy/none/rule', [access]);
    expect([status, body]).toEqual([404, { error: 'not_found', detail: 'There is no policy none.' }]);
  });

  test('writes the valid elements and rejects the others', async () => {
    const { body } = await server.api(method, path, [{ ...access, storage_destination_key: 'none' }, erasure, 7]);
    expect(body.succeeded).toEqual([erasureView]);
    expect(body.failed).toEqual([
      {
        message: 'storage_destination_key: there is no storage destination none.',
        data: { ...access, storage_destination_key: 'none' },
      },
      { message: 'The element: must be object.', data: 7 },
    ]);
  });
});

describe('a rule is rejected', () => {
  const masked = (strategy: unknown, configuration: unknown) => ({
    ...erasure,
    masking_strategy: { strategy, configuration },
  });
  test.each([
    ['without a name', { ...access, name: undefined }, 'name: is required for a new rule.'],
    ['without an action', { ...access, action_type: undefined }, 'action_type: is required for a new rule.'],
    ['with an unknown action', { ...access, action_type: 'consent' }, 'action_type: must be one of access, erasure.'],
    ['with the action null', { ...access, action_type: null }, 'action_type: must be one of access, erasure.'],
    [
      'if it reads without a destination',
      { ...access, storage_destination_key: null },
      'storage_destination_key: is required for an acc',
    ],
    [
      'if it reads into a key with a NUL',
      { ...access, storage_destination_key: 'a\0' },
      'storage_destination_key: contains characters',
    ],
    [
      'if it reads and masks',
      { ...access, masking_strategy: masking },
      'masking_strategy: does not apply to an access rule.',
    ],
    [
      'if it erases without a strategy',
      { ...erasure, masking_strategy: null },
      'masking_strategy: is required for an erasure rule',
    ],
    [
      'if it erases into a destination',
      { ...erasure, storage_destination_key: 'files' },
      'storage_destination_key: does not apply to an',
    ],
    ['with a strategy as text', { ...erasure, masking_strategy: 'hash' }, 'masking_strategy: must be object.'],
    ['with an unknown strategy', masked('rot13', {}), 'masking_strategy.strategy: must be one of aes_encrypt, hash, '],
    ['without the name of a strategy', masked(undefined, {}), 'masking_strategy.strategy: is required.'],
    ['with another algorithm', masked('hash', { algorithm: 'MD5' }), '.algorithm: must be one of SHA-256, SHA-512.'],
    ['with a key in its strategy', masked('hmac', { key: 'k' }), 'configuration.key: is not a known member.'],
    ['with a length as text', masked('random_string_rewrite', { length: '20' }), '.length: must be integer.'],
    ['with a length of zero', masked('random_string_rewrite', { length: 0 }), '.length: must be >= 1.'],
    ['with a length for a hash', masked('hash', { length: 20 }), '.length: does not apply to the strategy hash.'],
    ['without a value to rewrite with', masked('string_rewrite', {}), '.rewrite_value: is required for the strategy'],
    ['with a suffix as text', masked('hash', { format_preservation: '@x' }), '.format_preservation: must be object.'],
  ])('%s', async (_what, element, message) => {
    expect(await server.refusal(path, element)).toContain(message);
    expect((await server.api('GET', path)).body.total).toBe(0);
  });

  test('with the name of another rule in any policy, or a name from which the key of another is derived', async () => {
    await server.put(path, access);
    await server.put('/policy', { key: 'q', name: 'Q' });
    const taken = 'There is a rule with the name Read already; its key is read.';
    expect(await server.refusal(path, { ...access, key: 'other' })).toBe(taken);
    expect(await server.refusal('/policy/q/rule', { ...access, key: 'other' })).toBe(taken);
    expect(await server.refusal('/policy/q/rule', { ...access, key: undefined, name: 'READ' })).toBe(
      'There is a rule with the key read already. To change it, send the key.',
    );
  });

  test('with the key of a rule of another policy, which does not change', async () => {
    await server.put(path, access);
    await server.put('/policy', { key: 'q', name: 'Q' });
    expect(await server.refusal('/policy/q/rule', { key: 'read', name: 'Taken' })).toBe(
      'key: the rule read belongs to the policy p and stays there.',
    );
    expect((await server.api('GET', `${path}/read`)).body).toEqual(accessView);
    expect((await server.api('GET', '/policy/q')).body.rules).toEqual([]);
  });

  test('if it would start to erase what its policy already erases', async () => {
    await server.put(path, erasure);
    await server.put(`${path}/erase/target`, { data_category: 'user.contact.email' });
    await server.put(path, access);
    await server.put(`${path}/read/target`, { data_category: 'user.contact' });
    expect(await server.refusal(path, { key: 'read', action_type: 'erasure', masking_strategy: masking })).toBe(
      'The policy p would erase user.contact.email and user.contact, one of which is part of the other.',
    );
    expect((await server.api('GET', `${path}/read`)).body.action_type).toBe('access');
  });

  test('if it would start to erase two of its own targets that overlap', async () => {
    await server.put(path, access);
    await server.put(`${path}/read/target`, { data_category: 'user.contact.email' });
    await server.put(`${path}/read/target`, { data_category: 'user' });
    expect(await server.refusal(path, { key: 'read', action_type: 'erasure', masking_strategy: masking })).toContain(
      'would erase',
    );
  });
});

describe('GET /policy/{policy_key}/rule', () => {
  test('is paginated, oldest first', async () => {
    for (const key of ['c', 'a', 'b']) {
      await server.put(path, { ...access, key, name: key });
      server.advance(1);
    }
    const { body } = await server.api('GET', `${path}?page=2&size=2`);
    expect(body).toEqual({ items: [{ ...accessView, key: 'b', name: 'b' }], total: 3, page: 2, size: 2, pages: 2 });
    const first = await server.api('GET', `${path}?size=2`);
    expect(first.body.items.map(({ key }: { key: string }) => key)).toEqual(['c', 'a']);
    const { rules } = (await server.api('GET', '/policy/p')).body;
    expect(rules.map(({ key }: { key: string }) => key)).toEqual(['c', 'a', 'b']);
  });

  test('returns an empty page if there are no rules, and 404 if there is no policy', async () => {
    expect((await server.api('GET', path)).body).toEqual({ items: [], total: 0, page: 1, size: 50, pages: 0 });
    expect((await server.api('GET', '/policy/none/rule')).status).toBe(404);
    expect((await server.api('GET', `${path}?size=0`)).status).toBe(422);
  });
});

describe('one rule', () => {
  test('is found only in its policy', async () => {
    await server.put(path, access);
    await server.put('/policy', { key: 'q', name: 'Q' });
    for (const method of ['GET', 'DELETE']) {
      for (const [where, detail] of [
        ['/policy/p/rule/none', 'There is no rule none in the policy p.'],
        ['/policy/q/rule/read', 'There is no rule read in the policy q.'],
        ['/policy/none/rule/read', 'There is no policy none.'],
      ] as const) {
        const { status, body } = await server.api(method, where);
        expect([status, body]).toEqual([404, { error: 'not_found', detail }]);
      }
      expect((await server.api(method, '/policy/p/rule/a%20b')).status).toBe(422);
    }
    expect((await server.api('GET', `${path}/read`)).status).toBe(200);
  });

  test('is deleted together with its targets and nothing else', async () => {
    await server.put(path, access);
    await server.put(path, erasure);
    const target = { key: 't', name: 'T', data_category: 'user' };
    await server.put(`${path}/erase/target`, target);
    expect((await server.api('DELETE', `${path}/erase`)).status).toBe(204);
    expect((await server.api('GET', path)).body.items).toEqual([accessView]);
    // The key and name of the target are free again, so it is gone.
    await server.put(`${path}/read/target`, target);
  });
});
