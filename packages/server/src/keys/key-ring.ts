/** The signing keys in memory: which one signs, which are published; made, rotated and dropped by `key-schedule.ts`. */
import type { AccessToken, SigningAlgorithm } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import { StartError } from '../start-error.ts';
import {
  findDefaultKey,
  findKeyOf,
  isRotationDue,
  type KeyTimes,
  publicationLeadMs,
  statusOf,
} from './key-schedule.ts';
import type { MasterKey } from './master-key.ts';
import { generateSigningKey, type SigningKey } from './signing-key.ts';
import {
  coverTokenLifetime,
  deleteSigningKey,
  findLongestClientTtl,
  insertSigningKey,
  loadSigningKeys,
  retireSigningKeys,
} from './signing-key-store.ts';

export interface KeyRing {
  /** The key that signs now: for an audience that takes `alg` only, or else by default. */
  signingKey(alg?: SigningAlgorithm): SigningKey;
  /** A key that signed tokens which may still be good. */
  find(kid: string): SigningKey | undefined;
  /** All keys, oldest first, those that wait and those that only verify among them. */
  keys(): readonly SigningKey[];
  /** By algorithm, for how many seconds the key that signs has been the one. */
  signingAges(): ReadonlyMap<SigningAlgorithm, number>;
  /** Makes the successor of the keys of `alg`, published now and signing once every cache knows it. */
  rotate(token: AccessToken, alg?: SigningAlgorithm): Promise<SigningKey>;
  /** Rotates what is due and drops what no token needs. To be called every minute or so. */
  maintain(): Promise<void>;
}

export interface KeyRingOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  /** What signs where a resource asks for nothing else. */
  readonly defaultAlg: SigningAlgorithm;
  /** The default and those that resources ask for: each has a key at all times. */
  readonly algorithmsInUse: () => readonly SigningAlgorithm[];
  /** 0: only by call. */
  readonly rotationIntervalMs: number;
  /** Lifetime of tokens of clients that have none of their own. */
  readonly accessTokenTtlSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Loads the keys, and makes the first one. Throws `StartError` where the master key does not fit the database. */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { db, events, masterKey, defaultAlg, algorithmsInUse, rotationIntervalMs, accessTokenTtlSeconds, now } =
    options;
  await coverTokenLifetime(db, accessTokenTtlSeconds, now());
  let keys: readonly SigningKey[] = await loadFirst(db, masterKey);

  const reload = async () => {
    keys = await loadSigningKeys(db, masterKey);
  };

  const succeed = async (transaction: Transaction<Database>, append: Append, alg: SigningAlgorithm) => {
    const createdAt = now();
    const times: KeyTimes = {
      createdAt,
      // With nothing that signs there is nobody whose copy of the JWKS could be stale.
      signsFrom: keys.some((key) => statusOf(key, createdAt) === 'signing') ? createdAt + publicationLeadMs : createdAt,
      signsUntil: null,
      longestTtlSeconds: Math.max(accessTokenTtlSeconds, await findLongestClientTtl(transaction)),
    };
    const key = generateSigningKey(alg, times);
    await insertSigningKey(transaction, key, masterKey);
    await retireSigningKeys(transaction, key, algorithmsInUse());
    await append({
      kind: 'key.created',
      subject: key.kid,
      data: { alg, signsFrom: new Date(key.signsFrom).toISOString() },
    });
    return key;
  };

  const dueAlgorithms = () => algorithmsInUse().filter((alg) => isRotationDue(keys, alg, rotationIntervalMs, now()));
  const expiredKeys = () => keys.filter((key) => statusOf(key, now()) === 'expired');

  const ring: KeyRing = {
    signingKey(alg) {
      const key = alg === undefined ? findDefaultKey(keys, defaultAlg, now()) : findKeyOf(keys, alg, now());
      if (key === undefined) {
        throw new Error('there is no signing key');
      }
      return key;
    },
    find: (kid) => keys.find((key) => key.kid === kid && statusOf(key, now()) !== 'expired'),
    keys: () => keys.filter((key) => statusOf(key, now()) !== 'expired'),
    signingAges() {
      const signing = keys.filter((key) => statusOf(key, now()) === 'signing');
      return new Map(
        signing.map(({ alg }) => alg).map((alg) => [alg, (now() - ring.signingKey(alg).signsFrom) / 1000]),
      );
    },
    async rotate(token, alg = defaultAlg) {
      if (!algorithmsInUse().includes(alg)) {
        throw new OAuthError('invalid_parameter', `alg: no tokens are signed with ${alg} here.`);
      }
      return events.change(token, (transaction, append) => succeed(transaction, append, alg));
    },
    async maintain() {
      // How long a key must verify grows with the lifetimes of clients, of which no event about keys tells.
      await reload();
      if (dueAlgorithms().length === 0 && expiredKeys().length === 0) {
        return;
      }
      await events.change('postern', async (transaction, append) => {
        // Another node may have been faster: what counts is what stands in the database now.
        keys = await loadSigningKeys(transaction, masterKey);
        for (const alg of dueAlgorithms()) {
          await succeed(transaction, append, alg);
        }
        for (const { kid } of expiredKeys()) {
          await deleteSigningKey(transaction, kid);
          await append({ kind: 'key.deleted', subject: kid, data: {} });
        }
      });
    },
  };
  events.follow(async ({ kind }) => {
    if (kind.startsWith('key.')) {
      await reload();
    }
  });
  await ring.maintain();
  return ring;
}

async function loadFirst(db: Kysely<Database>, masterKey: MasterKey): Promise<SigningKey[]> {
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
