/** Storage destinations over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;
beforeAll(async () => {
  server = await startPolicyServer();
});
afterAll(() => server.close());
beforeEach(() => server.clear());

const path = '/storage/config';
const local = { key: 'files', name: 'Files', type: 'local', format: 'json', details: { naming: 'request_id' } };
const s3 = {
  key: 's3_storage_2',
  name: 's3 storage 2',
  type: 's3',
  format: 'csv',
  details: {
    naming: 'request_id',
    bucket: 'my-bucket',
    object_name: 'requests',
    max_retries: 5,
    auth_method: 'secret_keys',
  },
};

describe.each(['PUT', 'PATCH'])('%s /storage/config', (method) => {
  test('creates destinations of both types', async () => {
    const { key: _, ...keyless } = s3;
    const { status, body } = await server.api(method, path, [
      { key: 'files', name: 'Files', type: 'local' },
      keyless,
      { ...keyless, name: 'x', details: undefined },
    ]);
    expect(status).toBe(200);
    expect(body.succeeded).toEqual([local, s3]);
    expect(body.failed).toHaveLength(1);
    expect((await server.api('GET', `${path}/s3_storage_2`)).body).toEqual(s3);
  });

  test('changes the members that are sent and keeps the others', async () => {
    await server.put(path, s3);
    const { body } = await server.api(method, path, [
      { key: s3.key, name: 'Renamed' },
      { key: s3.key, details: { bucket: 'other' } },
      { key: s3.key, type: 'local', format: 'json' },
    ]);
    const renamed = { ...s3, name: 'Renamed' };
    const moved = { ...renamed, details: { naming: 'request_id', bucket: 'other' } };
    expect(body.succeeded).toEqual([renamed, moved, { ...local, key: s3.key, name: 'Renamed' }]);
  });
});

describe('a destination is rejected', () => {
  test.each([
    ['without a type', { name: 'x' }, 'type: is required for a new storage destination.'],
    ['with an unknown type', { name: 'x', type: 'gcs' }, 'type: must be one of local, s3.'],
    ['with an unknown format', { name: 'x', type: 'local', format: 'xml' }, 'format: must be one of json, csv.'],
    ['if it is local with csv', { name: 'x', type: 'local', format: 'csv' }, 'format: must be json'],
    ['if it is s3 without a bucket', { name: 'x', type: 's3' }, 'details.bucket: is required'],
    [
      'with another naming',
      { name: 'x', type: 'local', details: { naming: 'date' } },
      'details.naming: must be one of',
    ],
    ['with too many retries', { ...s3, details: { bucket: 'b', max_retries: 101 } }, 'details.max_retries: must be <='],
    ['with retries as text', { ...s3, details: { bucket: 'b', max_retries: '1' } }, 'details.max_retries: must be int'],
    [
      'with a NUL in the bucket',
      { ...s3, details: { bucket: 'a\0' } },
      'details.bucket: must not be blank, and must not contain control',
    ],
    ['with details as a list', { ...s3, details: ['b'] }, 'details: must be object.'],
  ])('%s', async (_what, element, message) => {
    expect(await server.refusal(path, element)).toContain(message);
  });

  test.each(['aws_access_key_id', 'aws_secret_access_key', 'secrets', 'password'])(
    'with the detail %s, which may be a credential: it is neither stored nor logged',
    async (member) => {
      const element = { ...s3, details: { bucket: 'b', [member]: 'hunter2' } };
      expect(await server.refusal(path, element)).toBe(`details.${member}: is not a known member.`);
      expect(await server.refusal(path, { ...s3, [member]: 'hunter2' })).toBe(`${member}: is not a known member.`);
      expect((await server.api('GET', path)).body.total).toBe(0);
      expect(server.log.join('')).not.toContain('hunter2');
    },
  );

  test('with the name of another, or a name from which the key of another is derived', async () => {
    await server.put(path, local);
    expect(await server.refusal(path, { ...local, key: 'other' })).toBe(
      'There is a storage destination with the name Files already; its key is files.',
    );
    expect(await server.refusal(path, { name: 'FILES', type: 'local' })).toBe(
      'There is a storage destination with the key files already. To change it, send the key.',
    );
  });
});

test('the list is paginated, oldest first', async () => {
  for (const key of ['c', 'a', 'b']) {
    await server.put(path, { ...local, key, name: key });
    server.advance(1);
  }
  const { body } = await server.api('GET', `${path}?page=2&size=2`);
  expect(body).toEqual({ items: [{ ...local, key: 'b', name: 'b' }], total: 3, page: 2, size: 2, pages: 2 });
  const first = await server.api('GET', `${path}?size=2`);
  expect(first.body.items.map(({ key }: { key: string }) => key)).toEqual(['c', 'a']);
});

describe('deleting', () => {
  test('and reading a destination that does not exist is 404', async () => {
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await server.api(method, `${path}/none`);
      expect([status, body]).toEqual([404, { error: 'not_found', detail: 'There is no storage destination none.' }]);
    }
  });

  test('a destination is 409 until no rule uses it', async () => {
    await server.put(path, local);
    await server.put(path, s3);
    await server.put('/policy', { key: 'p', name: 'P' });
    await server.put('/policy/p/rule', {
      key: 'r',
      name: 'R',
      action_type: 'access',
      storage_destination_key: 'files',
    });
    const refused = await server.api('DELETE', `${path}/files`);
    expect([refused.status, refused.body]).toEqual([
      409,
      { error: 'conflict', detail: 'The storage destination files is in use by the rule r of the policy p.' },
    ]);
    expect((await server.api('GET', `${path}/files`)).body).toEqual(local);
    await server.put('/policy/p/rule', { key: 'r', storage_destination_key: s3.key });
    expect((await server.api('DELETE', `${path}/files`)).status).toBe(204);
    expect((await server.api('DELETE', `${path}/${s3.key}`)).status).toBe(409);
    await server.api('DELETE', '/policy/p');
    expect((await server.api('DELETE', `${path}/${s3.key}`)).status).toBe(204);
  });

  test('a destination while rules start to use it never leaves a rule without one', async () => {
    await server.put('/policy', { key: 'p', name: 'P' });
    await server.put(path, local);
    const rules = Array.from({ length: 10 }, (_, index) =>
      server.api('PUT', '/policy/p/rule', [
        { name: `Rule ${index}`, action_type: 'access', storage_destination_key: 'files' },
      ]),
    );
    const [deleted, ...written] = await Promise.all([server.api('DELETE', `${path}/files`), ...rules]);
    expect([204, 409]).toContain(deleted.status);
    const made = written.filter(({ body }) => body.succeeded.length === 1).length;
    expect(made === 0 ? 204 : 409).toBe(deleted.status);
    const { rules: kept } = (await server.api('GET', '/policy/p')).body;
    expect(kept).toHaveLength(made);
    for (const rule of kept) {
      expect(rule.storage_destination).toEqual(local);
    }
  });
});
