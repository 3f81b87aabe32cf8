/** Policies over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;
beforeAll(async () => {
  server = await startPolicyServer();
});
afterAll(() => server.close());
beforeEach(() => server.clear());

const view = (key: string, name: string) => ({ key, name, drp_action: null, rules: [] });

describe.each(['PUT', 'PATCH'])('%s /policy', (method) => {
  test('creates policies with the key that is sent, or with one derived from the name', async () => {
    const { status, body } = await server.api(method, '/policy', [
      { name: 'User Email Address', key: 'user.email-1' },
      { name: 'Primary Policy', key: null, drp_action: null },
    ]);
    expect(status).toBe(200);
    const succeeded = [view('user.email-1', 'User Email Address'), view('primary_policy', 'Primary Policy')];
    expect(body).toEqual({ succeeded, failed: [] });
    expect((await server.api('GET', '/policy/primary_policy')).body).toEqual(succeeded[1]);
  });

  test('changes the members that are sent and keeps the others', async () => {
    await server.put('/policy', { key: 'p', name: 'One', drp_action: 'deletion' });
    const renamed = await server.api(method, '/policy', [{ key: 'p', name: 'Two' }]);
    expect(renamed.body.succeeded).toEqual([{ ...view('p', 'Two'), drp_action: 'deletion' }]);
    const same = await server.api(method, '/policy', [{ key: 'p' }]);
    expect(same.body.succeeded).toEqual(renamed.body.succeeded);
    const cleared = await server.api(method, '/policy', [{ key: 'p', drp_action: null }]);
    expect(cleared.body.succeeded).toEqual([view('p', 'Two')]);
  });

  test('writes the valid elements in order, and repeats the invalid ones as they were sent', async () => {
    const bad = [{ name: 5 }, 'text', null, [], { name: 'x', colour: 'green' }, { key: 'a b', name: 'x' }, {}];
    const { status, body } = await server.api(method, '/policy', [
      { name: 'First' },
      ...bad,
      { key: 'last', name: 'Last' },
    ]);
    expect(status).toBe(200);
    expect(body.succeeded).toEqual([view('first', 'First'), view('last', 'Last')]);
    expect(body.failed.map(({ data }: { data: unknown }) => data)).toEqual(bad);
    expect(body.failed.map(({ message }: { message: string }) => message)).toEqual([
      'name: must be string.',
      'The element: must be object.',
      'The element: must be object.',
      'The element: must be object.',
      'colour: is not a known member.',
      'key: contains characters that are not allowed.',
      'name: is required for a new policy.',
    ]);
    expect((await server.api('GET', '/policy')).body.total).toBe(2);
  });

  test('applies each element after those before it', async () => {
    const { body } = await server.api(method, '/policy', [
      { key: 'a', name: 'One' },
      { key: 'a', name: 'Two' },
      { key: 'b', name: 'One' },
      { key: 'c', name: 'Two' },
    ]);
    expect(body.succeeded).toEqual([view('a', 'One'), view('a', 'Two'), view('b', 'One')]);
    expect(body.failed).toHaveLength(1);
  });

  test('accepts no elements and fifty elements, but not fifty-one', async () => {
    expect((await server.api(method, '/policy', [])).body).toEqual({ succeeded: [], failed: [] });
    const many = Array.from({ length: 51 }, (_, index) => ({ name: `Policy ${index}` }));
    const tooMany = await server.api(method, '/policy', many);
    expect([tooMany.status, tooMany.body.error]).toEqual([422, 'invalid_parameter']);
    expect(tooMany.body.detail).toContain('50');
    expect((await server.api('GET', '/policy')).body.total).toBe(0);
    const most = await server.api(method, '/policy', many.slice(1));
    expect(most.body.succeeded).toHaveLength(50);
  });

  test.each(['{"name":"x"}', '{}', 'null', '"x"', '5'])('rejects a body that is not an array: %s', async (text) => {
    const { status, body } = await server.send(method, '/policy', text);
    expect([status, body]).toEqual([422, { error: 'invalid_parameter', detail: 'The body: must be array.' }]);
  });
});

describe('names, keys and actions are unique', () => {
  test('two policies cannot have one name', async () => {
    await server.put('/policy', { key: 'a', name: 'One' });
    await server.put('/policy', { key: 'b', name: 'Two' });
    const taken = 'There is a policy with the name One already; its key is a.';
    expect(await server.refusal('/policy', { key: 'c', name: 'One' })).toBe(taken);
    expect(await server.refusal('/policy', { key: 'b', name: 'One' })).toBe(taken);
    await server.put('/policy', { key: 'a', name: 'One' });
    await server.put('/policy', { key: 'c', name: 'one' });
  });

  test('a key derived from a name does not change the policy that already has this key', async () => {
    await server.put('/policy', { key: 'two_words', name: 'Other' });
    expect(await server.refusal('/policy', { name: 'Two Words' })).toBe(
      'There is a policy with the key two_words already. To change it, send the key.',
    );
    expect((await server.api('GET', '/policy/two_words')).body.name).toBe('Other');
  });

  test('two policies cannot have one action of the Data Rights Protocol', async () => {
    await server.put('/policy', { key: 'a', name: 'One', drp_action: 'access' });
    await server.put('/policy', { key: 'b', name: 'Two', drp_action: 'deletion' });
    const taken = 'drp_action: the policy a answers access already.';
    expect(await server.refusal('/policy', { key: 'c', name: 'Three', drp_action: 'access' })).toBe(taken);
    expect(await server.refusal('/policy', { key: 'b', drp_action: 'access' })).toBe(taken);
    await server.put('/policy', { key: 'a', drp_action: 'access' });
    expect(await server.refusal('/policy', { key: 'a', drp_action: 'sale:opt_out' })).toBe(
      'drp_action: must be one of access, deletion.',
    );
  });

  test('if many concurrent calls want the same name and key, one succeeds', async () => {
    const calls = Array.from({ length: 20 }, () => server.api('PUT', '/policy', [{ name: 'Wanted' }]));
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.filter(({ body }) => body.succeeded.length === 1)).toHaveLength(1);
    expect((await server.api('GET', '/policy')).body.total).toBe(1);
  });
});

describe('GET /policy', () => {
  test('is paginated, oldest first', async () => {
    for (const key of ['c', 'a', 'b']) {
      await server.put('/policy', { key, name: key });
      server.advance(1);
    }
    const keys = async (query: string) => {
      const { status, body } = await server.api('GET', `/policy${query}`);
      expect(status).toBe(200);
      const { items, ...rest } = body;
      return [items.map(({ key }: { key: string }) => key), rest];
    };
    expect(await keys('')).toEqual([['c', 'a', 'b'], { total: 3, page: 1, size: 50, pages: 1 }]);
    expect(await keys('?page=1&size=2')).toEqual([['c', 'a'], { total: 3, page: 1, size: 2, pages: 2 }]);
    expect(await keys('?page=2&size=2')).toEqual([['b'], { total: 3, page: 2, size: 2, pages: 2 }]);
    expect(await keys('?page=9&size=2')).toEqual([[], { total: 3, page: 9, size: 2, pages: 2 }]);
  });

  test('returns an empty page if there are no policies', async () => {
    expect((await server.api('GET', '/policy')).body).toEqual({ items: [], total: 0, page: 1, size: 50, pages: 0 });
  });

  test.each(['page=0', 'size=0', 'size=101', 'page=x', 'page=1.5', 'page=', 'colour=green', 'page=1&page=2'])(
    'rejects ?%s',
    async (query) => {
      const { status, body } = await server.api('GET', `/policy?${query}`);
      expect([status, body.error]).toEqual([422, 'invalid_parameter']);
      expect(body.detail).toContain(query.slice(0, query.indexOf('=')));
    },
  );
});

describe('one policy', () => {
  test('is 404 if it does not exist', async () => {
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await server.api(method, '/policy/none');
      expect([status, body]).toEqual([404, { error: 'not_found', detail: 'There is no policy none.' }]);
    }
  });

  test('is 422 if no policy can have the key', async () => {
    for (const key of ['a%20b', '%ed%95%9c', 'a%2Fb']) {
      for (const method of ['GET', 'DELETE']) {
        const { status, body } = await server.api(method, `/policy/${key}`);
        expect([status, body.error]).toEqual([422, 'invalid_parameter']);
      }
    }
  });

  test('is 404 if the key has a NUL', async () => {
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await server.api(method, '/policy/a%00b');
      expect([status, body.error]).toEqual([404, 'not_found']);
    }
  });

  test('can be read and deleted by every valid key', async () => {
    for (const key of ['k'.repeat(200), '...', '__proto__', 'constructor', '-', 'rule']) {
      await server.put('/policy', { key, name: `name of ${key}`.slice(0, 200) });
      expect((await server.api('GET', `/policy/${key}`)).body.key).toBe(key);
      expect((await server.api('DELETE', `/policy/${key}`)).status).toBe(204);
      expect((await server.api('GET', `/policy/${key}`)).status).toBe(404);
    }
  });

  test('is deleted together with its rules and their targets', async () => {
    const erase = { action_type: 'erasure', masking_strategy: { strategy: 'null_rewrite' } };
    const build = async (policy: string) => {
      await server.put('/policy', { key: policy, name: policy });
      await server.put(`/policy/${policy}/rule`, { key: 'r', name: 'R', ...erase });
      await server.put(`/policy/${policy}/rule/r/target`, { key: 't', name: 'T', data_category: 'user' });
    };
    await build('p');
    expect((await server.api('DELETE', '/policy/p')).status).toBe(204);
    expect((await server.api('GET', '/policy/p')).status).toBe(404);
    expect((await server.api('GET', '/policy/p/rule/r')).status).toBe(404);
    // Their keys and names can be used again, so all of them were deleted.
    await build('q');
    expect((await server.api('GET', '/policy/q')).body.rules[0].targets).toHaveLength(1);
  });
});

test('every call works at the path of Fides, /dsr/policy, too, with the same scopes', async () => {
  const { status, body } = await server.api('PATCH', '/dsr/policy', [{ key: 'p', name: 'One' }]);
  expect([status, body.succeeded]).toEqual([200, [view('p', 'One')]]);
  const rule = { key: 'r', name: 'Erase', action_type: 'erasure', masking_strategy: { strategy: 'null_rewrite' } };
  expect((await server.api('PATCH', '/dsr/policy/p/rule', [rule])).body.failed).toEqual([]);
  const target = { key: 't', name: 'E-mail', data_category: 'user.contact.email' };
  expect((await server.api('PATCH', '/dsr/policy/p/rule/r/target', [target])).body.failed).toEqual([]);
  for (const path of ['', '/p', '/p/rule', '/p/rule/r']) {
    const here = await server.api('GET', `/policy${path}`);
    const there = await server.api('GET', `/dsr/policy${path}`);
    expect([there.status, there.body]).toEqual([200, here.body]);
  }
  for (const path of ['/p/rule/r/target/t', '/p/rule/r', '/p']) {
    expect((await server.api('DELETE', `/dsr/policy${path}`)).status).toBe(204);
  }
  expect((await server.api('GET', '/dsr/policy/p')).status).toBe(404);
});
