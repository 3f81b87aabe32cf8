/** The signing keys in memory: the one that signs, and all that verify. */
import type { Kysely } from 'kysely';
import { StartError } from '../config.ts';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from './master-key.ts';
import { generateSigningKey, type PublicJwk, type SigningKey } from './signing-key.ts';
import { insertSigningKey, loadSigningKeys } from './signing-key-store.ts';

export interface KeyRing {
  /** The key that signs new tokens. */
  readonly current: SigningKey;
  find(kid: string): SigningKey | undefined;
  /** The public keys, for the JWKS. */
  readonly publicJwks: readonly PublicJwk[];
}

/** Loads the keys, and makes the first one. Throws `StartError` where the master key does not fit the database. */
export async function openKeyRing(
  db: Kysely<Database>,
  events: EventLog,
  masterKey: MasterKey,
  now: () => number,
): Promise<KeyRing> {
  const keys = await load(db, masterKey);
  const current = keys.at(-1) ?? (await makeFirstKey(events, masterKey, now));
  const byKid = new Map([...keys, current].map((key) => [key.kid, key]));
  return {
    current,
    find: (kid) => byKid.get(kid),
    publicJwks: [...byKid.values()].map((key) => key.publicJwk),
  };
}

async function load(db: Kysely<Database>, masterKey: MasterKey): Promise<SigningKey[]> {
  try {
    return await loadSigningKeys(db, masterKey);
  } catch (cause) {
    throw new StartError(
      'POSTERN_MASTER_KEY: does not open the signing keys in the database. Start with the master key that the ' +
        'database was made with (master.key of its data directory, where none was set).',
      { cause },
    );
  }
}

function makeFirstKey(events: EventLog, masterKey: MasterKey, now: () => number): Promise<SigningKey> {
  return events.change('postern', async (transaction, append) => {
    const key = generateSigningKey(new Date(now()).toISOString());
    await insertSigningKey(transaction, key, masterKey);
    await append({ kind: 'key.created', subject: key.kid, data: { alg: key.alg } });
    return key;
  });
}
