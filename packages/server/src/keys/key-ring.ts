/** The signing keys in memory: which one signs, and which are published. They are rotated and deleted by `key-schedule.ts`. */
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
  /** The key that signs now: for an audience that accepts only `alg`, or else the default. */
  signingKey(alg?: SigningAlgorithm): SigningKey;
  /** A key that may have signed tokens that are still valid. */
  find(kid: string): SigningKey | undefined;
  /** All keys, oldest first, including those that do not sign yet and those that only verify. */
  keys(): readonly SigningKey[];
  /** For each algorithm, the seconds since its key began to sign. */
  signingAges(): ReadonlyMap<SigningAlgorithm, number>;
  /** Creates the successor of the key of `alg`, published now and signing once every cache has it. */
  rotate(token: AccessToken, alg?: SigningAlgorithm): Promise<SigningKey>;
  /** Rotates the keys that are due and deletes those that no token needs. To be called about once a minute. */
  maintain(): Promise<void>;
}

export interface KeyRingOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  /** The algorithm for tokens whose resource requires none. */
  readonly defaultAlg: SigningAlgorithm;
  /** The default and those that resources require: each has a key at all times. */
  readonly algorithmsInUse: () => readonly SigningAlgorithm[];
  /** If 0, keys are rotated only by `rotate`. */
  readonly rotationIntervalMs: number;
  /** Lifetime of the tokens of clients that do not set one. */
  readonly accessTokenTtlSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Loads the keys, and creates the first one. Throws `StartError` if the master key is not that of the database. */
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
      // If no key signs yet, no copy of the JWKS can be stale.
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
      // Keys must verify longer if the lifetimes of clients grow, for which there is no event about keys.
      await reload();
      if (dueAlgorithms().length === 0 && expiredKeys().length === 0) {
        return;
      }
      await events.change('postern', async (transaction, append) => {
        // Another node may have rotated first, so the keys are read again from the database.
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
        'database was created with (master.key in its data directory, if none was set).',
      { cause },
    );
  }
}
