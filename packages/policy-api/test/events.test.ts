/** Every change of policies, rules, targets and storage destinations is in the audit trail of the host. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;

beforeAll(async () => {
  server = await startPolicyServer();
});
afterAll(() => server.close());

/** The events that were appended to the log while `work` ran. */
async function eventsOf(work: () => Promise<unknown>) {
  const { body } = await server.api('GET', '/oauth/events?order=desc&size=1');
  await work();
  const { items } = (await server.api('GET', `/oauth/events?after=${body.head}`)).body;
  return items.map(({ actor, kind, subject, data }: Record<string, unknown>) => {
    expect(actor).toBe(server.root.clientId);
    return { kind, subject, data };
  });
}

test('every creation and change appends an event', async () => {
  expect(await eventsOf(() => server.put('/storage/config', { key: 'disk', name: 'Disk', type: 'local' }))).toEqual([
    {
      kind: 'storage_config.saved',
      subject: 'disk',
      data: { name: 'Disk', type: 'local', format: 'json', details: { naming: 'request_id' } },
    },
  ]);
  expect(await eventsOf(() => server.put('/policy', { key: 'mail', name: 'Mail' }))).toEqual([
    { kind: 'policy.saved', subject: 'mail', data: { name: 'Mail', drp_action: null } },
  ]);
  const rule = { key: 'see', name: 'See', action_type: 'access', storage_destination_key: 'disk' };
  expect(await eventsOf(() => server.put('/policy/mail/rule', rule))).toEqual([
    {
      kind: 'rule.saved',
      subject: 'see',
      data: {
        policy_key: 'mail',
        name: 'See',
        action_type: 'access',
        storage_destination_key: 'disk',
        masking_strategy: null,
      },
    },
  ]);
  const target = { key: 'address', name: 'Address', data_category: 'user.contact.email' };
  expect(await eventsOf(() => server.put('/policy/mail/rule/see/target', target))).toEqual([
    {
      kind: 'rule_target.saved',
      subject: 'address',
      data: { policy_key: 'mail', rule_key: 'see', name: 'Address', data_category: 'user.contact.email' },
    },
  ]);
  expect(await eventsOf(() => server.put('/policy', { key: 'mail', name: 'E-mail' }))).toEqual([
    { kind: 'policy.saved', subject: 'mail', data: { name: 'E-mail', drp_action: null } },
  ]);
});

test('a rejected change appends no event, and a bulk write one for each element that succeeded', async () => {
  const events = await eventsOf(async () => {
    await server.refusal('/policy', { key: 'mail', name: '' });
    await server.refusal('/storage/config', { key: 'disk', type: 'ftp' });
    expect((await server.api('DELETE', '/storage/config/disk')).status).toBe(409);
    expect((await server.api('DELETE', '/policy/other')).status).toBe(404);
    await server.api('PUT', '/policy', [{ name: 'One' }, { name: 'Mail', drp_action: 'x' }, { name: 'Two' }]);
  });
  expect(events.map(({ kind, subject }: Record<string, unknown>) => [kind, subject])).toEqual([
    ['policy.saved', 'one'],
    ['policy.saved', 'two'],
  ]);
});

test('every deletion appends an event', async () => {
  const events = await eventsOf(async () => {
    for (const path of [
      '/policy/mail/rule/see/target/address',
      '/policy/mail/rule/see',
      '/policy/mail',
      '/storage/config/disk',
    ]) {
      expect((await server.api('DELETE', path)).status).toBe(204);
    }
  });
  expect(events).toEqual([
    { kind: 'rule_target.deleted', subject: 'address', data: { policy_key: 'mail', rule_key: 'see' } },
    { kind: 'rule.deleted', subject: 'see', data: { policy_key: 'mail' } },
    { kind: 'policy.deleted', subject: 'mail', data: {} },
    { kind: 'storage_config.deleted', subject: 'disk', data: {} },
  ]);
});
