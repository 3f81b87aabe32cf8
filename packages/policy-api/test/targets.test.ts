/** The targets of a rule over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dataCategories } from '../src/taxonomy/data-categories.ts';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;
beforeAll(async () => {
  server = await startPolicyServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.clear();
  await server.put('/storage/config', { key: 'files', name: 'Files', type: 'local' });
  const access = { action_type: 'access', storage_destination_key: 'files' };
  const erasure = { action_type: 'erasure', masking_strategy: { strategy: 'null_rewrite' } };
  for (const policy of ['p', 'q']) {
    await server.put('/policy', { key: policy, name: policy });
    await server.put(`/policy/${policy}/rule`, { key: `${policy}-read`, name: `Read ${policy}`, ...access });
    await server.put(`/policy/${policy}/rule`, { key: `${policy}-erase`, name: `Erase ${policy}`, ...erasure });
    await server.put(`/policy/${policy}/rule`, { key: `${policy}-more`, name: `More ${policy}`, ...erasure });
  }
});

const read = '/policy/p/rule/p-read/target';
const erase = '/policy/p/rule/p-erase/target';
const more = '/policy/p/rule/p-more/target';
const email = { key: 't', name: 'T', data_category: 'user.contact.email' };

const targetsOf = async (path: string) => (await server.api('GET', path.replace('/target', ''))).body.targets;

describe.each(['PUT', 'PATCH'])('%s /policy/{policy_key}/rule/{rule_key}/target', (method) => {
  test('creates targets with the key and name that are sent, or with derived ones', async () => {
    const { status, body } = await server.api(method, read, [
      email,
      { data_category: 'user.name' },
      { data_category: 'user.device', name: 'The Device', key: null },
      { data_category: 'user.content', key: 'content', name: null },
    ]);
    expect(status).toBe(200);
    const succeeded = [
      email,
      { key: 'p-read-user.name', name: 'p-read-user.name', data_category: 'user.name' },
      { key: 'the_device', name: 'The Device', data_category: 'user.device' },
      { key: 'content', name: 'content', data_category: 'user.content' },
    ];
    expect(body).toEqual({ succeeded, failed: [] });
    expect(await targetsOf(read)).toEqual(expect.arrayContaining(succeeded));
  });

  test('changes the members that are sent and keeps the others', async () => {
    await server.put(erase, email);
    const { body } = await server.api(method, erase, [
      { key: 't', name: 'Renamed' },
      { key: 't', data_category: 'user.contact' },
      { key: 't' },
    ]);
    const renamed = { ...email, name: 'Renamed' };
    const widened = { ...renamed, data_category: 'user.contact' };
    expect(body).toEqual({ succeeded: [renamed, widened, widened], failed: [] });
    expect(await targetsOf(erase)).toEqual([widened]);
  });

  test('is 404 if the policy or the rule does not exist', async () => {
    for (const [path, detail] of [
      ['/policy/none/rule/p-read/target', 'There is no policy none.'],
      ['/policy/p/rule/none/target', 'There is no rule none in the policy p.'],
      ['/policy/p/rule/q-read/target', 'There is no rule q-read in the policy p.'],
    ] as const) {
      const { status, body } = await server.api(method, path, [email]);
      expect([status, body]).toEqual([404, { error: 'not_found', detail }]);
    }
  });

  test('writes the valid elements and rejects the others, each after those before it', async () => {
    const { body } = await server.api(method, erase, [
      { data_category: 'user.contact.email' },
      { data_category: 'user.contact' },
      { data_category: 'user.provided.identifiable' },
      { data_category: 'user.contact.url' },
      { data_category: 5 },
    ]);
    expect(body.succeeded.map((target: { data_category: string }) => target.data_category)).toEqual([
      'user.contact.email',
      'user.contact.url',
    ]);
    expect(body.failed.map(({ message }: { message: string }) => message)).toEqual([
      'The policy p would erase user.contact.email and user.contact, one of which is part of the other.',
      'data_category: the Fides taxonomy has no category user.provided.identifiable.',
      'data_category: must be string.',
    ]);
  });
});

test('every category of the taxonomy can be read by one rule', async () => {
  const elements = [...dataCategories].map((category) => ({ data_category: category }));
  await server.api('PUT', read, elements.slice(0, 50));
  await server.api('PUT', read, elements.slice(50));
  const targets = await targetsOf(read);
  expect(new Set(targets.map((target: { data_category: string }) => target.data_category))).toEqual(dataCategories);
});

describe('erasing data once', () => {
  const overlap = (one: string, other: string) =>
    `The policy p would erase ${one} and ${other}, one of which is part of the other.`;

  test.each([
    ['below', 'user.contact.email'],
    ['above', 'user'],
  ])(
    'a category %s another is rejected, in the same rule and in another rule of the policy',
    async (_where, category) => {
      await server.put(erase, { ...email, data_category: 'user.contact' });
      for (const path of [erase, more]) {
        expect(await server.refusal(path, { data_category: category })).toBe(overlap('user.contact', category));
      }
      expect(await targetsOf(more)).toEqual([]);
    },
  );

  test('the same category is rejected, in the same rule and in another', async () => {
    await server.put(erase, email);
    expect(await server.refusal(erase, { data_category: email.data_category })).toBe(
      'data_category: the rule p-erase has the target user.contact.email already.',
    );
    expect(await server.refusal(more, { data_category: email.data_category })).toBe(
      'The policy p would erase user.contact.email twice.',
    );
  });

  test('a change of category is rejected if a new target would be', async () => {
    await server.put(erase, email);
    await server.put(more, { key: 'u', name: 'U', data_category: 'user.name' });
    expect(await server.refusal(more, { key: 'u', data_category: 'user' })).toBe(overlap('user.contact.email', 'user'));
    expect(await targetsOf(more)).toEqual([{ key: 'u', name: 'U', data_category: 'user.name' }]);
  });

  test('other policies, other branches and access rules do not matter', async () => {
    await server.put(erase, email);
    await server.put(erase, { data_category: 'user.device.cookie' });
    await server.put(more, { data_category: 'user.device.cookie_id' });
    await server.put('/policy/q/rule/q-erase/target', { data_category: 'user' });
    await server.put(read, { data_category: 'user' });
    await server.put(read, { data_category: 'user.contact' });
    await server.put(read, { data_category: 'user.contact.email' });
  });

  test('a category can be erased again when its target is deleted', async () => {
    await server.put(erase, email);
    expect((await server.api('DELETE', `${erase}/t`)).status).toBe(204);
    await server.put(more, { data_category: 'user' });
  });

  test('of many concurrent calls that overlap, one succeeds', async () => {
    const calls = ['user', 'user.contact', 'user.contact.email'].flatMap((category) =>
      [erase, more].map((path) => server.api('PUT', path, [{ data_category: category }])),
    );
    const answers = await Promise.all(calls);
    expect(answers.flatMap(({ body }) => body.succeeded)).toHaveLength(1);
    expect([...(await targetsOf(erase)), ...(await targetsOf(more))]).toHaveLength(1);
  });
});

describe('a target is rejected', () => {
  test('without a category if it is new', async () => {
    expect(await server.refusal(read, { name: 'x' })).toBe('data_category: is required for a new target.');
    expect(await server.refusal(read, { name: 'x', data_category: null })).toBe('data_category: must be string.');
  });

  test('twice in one rule, for access too', async () => {
    await server.put(read, email);
    expect(await server.refusal(read, { data_category: email.data_category })).toBe(
      'data_category: the rule p-read has the target user.contact.email already.',
    );
  });

  test('with the name of another, or a name from which the key of another is derived', async () => {
    await server.put(read, email);
    expect(await server.refusal(erase, { ...email, key: 'other' })).toBe(
      'There is a target with the name T already; its key is t.',
    );
    expect(await server.refusal(erase, { name: 't', data_category: 'user' })).toBe(
      'There is a target with the key t already. To change it, send the key.',
    );
  });

  test('with the key of a target of another rule, which does not change', async () => {
    await server.put(read, email);
    for (const path of [erase, '/policy/q/rule/q-read/target']) {
      expect(await server.refusal(path, { key: 't', name: 'Taken' })).toBe(
        'key: the target t belongs to the rule p-read and stays there.',
      );
    }
    expect(await targetsOf(read)).toEqual([email]);
  });
});

test('a target is deleted only from its own rule', async () => {
  await server.put(read, email);
  for (const [path, detail] of [
    [`${read}/none`, 'There is no target none in the rule p-read.'],
    [`${erase}/t`, 'There is no target t in the rule p-erase.'],
    ['/policy/q/rule/p-read/target/t', 'There is no rule p-read in the policy q.'],
    ['/policy/none/rule/p-read/target/t', 'There is no policy none.'],
  ] as const) {
    const { status, body } = await server.api('DELETE', path);
    expect([status, body]).toEqual([404, { error: 'not_found', detail }]);
  }
  expect((await server.api('DELETE', `${read}/a%20b`)).status).toBe(422);
  expect((await server.api('DELETE', `${read}/t`)).status).toBe(204);
  expect((await server.api('DELETE', `${read}/t`)).status).toBe(404);
  expect(await targetsOf(read)).toEqual([]);
});
