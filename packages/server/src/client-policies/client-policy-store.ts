/** Client policies in the database. */
import { createThingStore, type ThingStore } from '../db/thing-store.ts';
import type { ClientPolicy } from './client-policy.ts';

const rows = createThingStore<{ readonly name: string; readonly policy: Omit<ClientPolicy, 'name'> }>(
  'client_policies',
  'name',
  { policy: 'json' },
);

export const clientPolicies: ThingStore<ClientPolicy> = {
  ...rows,
  load: async (db) => (await rows.load(db)).map(({ name, policy }) => ({ ...policy, name })),
  async find(db, name) {
    const row = await rows.find(db, name);
    return row && { ...row.policy, name };
  },
  save: (db, { name, ...policy }) => rows.save(db, { name, policy }),
};
