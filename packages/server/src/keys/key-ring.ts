/** The signing keys in memory: which one signs, and which are published. Their rules are those of `key-schedule.ts`. */
import type { AccessToken, SigningAlgorithm } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely, Transaction } from 'kysely';
import { createEarliestNow } from '../clock.ts';
import type { Database } from '../db/schema.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import {
  findDefaultKey,
  findIdleKey,
  findKeyOf,
  findNextKey,
  findRoomTime,
  isRotationDue,
  isUnneeded,
  type KeyTimes,
  mayHaveSigned,
  mostPublishedKeys,
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
  resumeReplacedKeys,
  resumeSigningKey,
  retireSigningKeys,
  startSigningKey,
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
  /**
   * Creates the successor of the key of `alg`, published now and signing once every cache has it. Throws `conflict` while
   * the successor before it does not sign yet, or as many keys are published as may be.
   */
  rotate(token: AccessToken, alg?: SigningAlgorithm): Promise<SigningKey>;
  /** Deletes a key that never signed: the one before it signs on. Throws `not_found`, or `conflict` for any other key. */
  remove(token: AccessToken, kid: string): Promise<void>;
  /**
   * Revokes a key that has leaked, with all tokens that it signed and those that were exchanged for them. It is no longer
   * published, and if it signs, another one does so at once. Throws `not_found`.
   */
  revoke(token: AccessToken, kid: string): Promise<void>;
  /** Deletes the keys whose tokens had all expired at `seconds` since 1970. */
  forgetExpired(seconds: number): Promise<void>;
  /** Rotates the keys that are due and deletes those that never signed and never will. To be called about once a minute. */
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
  /** A new key is published so many milliseconds before it signs. */
  readonly publicationLeadMs: number;
  /** Lifetime of the tokens of clients that do not set one. */
  readonly accessTokenTtlSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
}

/** Loads the keys, and creates the first one. */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { db, events, masterKey, defaultAlg, algorithmsInUse, now } = options;
  const { rotationIntervalMs, publicationLeadMs, accessTokenTtlSeconds } = options;
  const earliestNow = createEarliestNow(options);
  await coverTokenLifetime(db, accessTokenTtlSeconds, now());
  let keys: readonly SigningKey[] = await loadSigningKeys(db, masterKey);

  let reads = 0;
  let newest = 0;
  const reload = async () => {
    reads += 1;
    const read = reads;
    const loaded = await loadSigningKeys(db, masterKey);
    // A read that began before a key was revoked may end after the one that began then.
    if (read > newest) {
      newest = read;
      keys = loaded;
    }
  };

  const succeed = async (
    transaction: Transaction<Database>,
    append: Append,
    alg: SigningAlgorithm,
    leadMs: number,
  ): Promise<SigningKey> => {
    const createdAt = now();
    const times: KeyTimes = {
      createdAt,
      signsFrom: createdAt + leadMs,
      signsUntil: null,
      longestTtlSeconds: await longestTtlSeconds(transaction),
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

  /** If no key signs yet, no copy of the JWKS can be stale. */
  const leadOver = (present: readonly SigningKey[]) =>
    present.some((key) => statusOf(key, now()) === 'signing') ? publicationLeadMs : 0;

  const dueAlgorithms = (present: readonly SigningKey[]) =>
    algorithmsInUse().filter((alg) => isRotationDue(present, alg, rotationIntervalMs, now()));
  const unneededKeys = (present: readonly SigningKey[]) =>
    present.filter((key) => isUnneeded(key, present, algorithmsInUse(), now()));

  const longestTtlSeconds = async (transaction: Transaction<Database>) =>
    Math.max(accessTokenTtlSeconds, await findLongestClientTtl(transaction));

  const getKey = (present: readonly SigningKey[], kid: string): SigningKey => {
    const key = present.find((one) => one.kid === kid && statusOf(one, now()) !== 'expired');
    if (key === undefined) {
      throw new OAuthError('not_found', `There is no signing key with the id '${showName(kid)}'.`);
    }
    return key;
  };

  /** Replaces a key that was revoked: if it signed, its successor does so at once. `rest` are the other keys. */
  const replace = async (
    transaction: Transaction<Database>,
    append: Append,
    revoked: SigningKey,
    rest: readonly SigningKey[],
  ) => {
    const hasToSign = (alg: SigningAlgorithm) =>
      statusOf(revoked, now()) === 'signing' && (alg === revoked.alg || leadOver(rest) === 0);
    const unsigned = algorithmsInUse().filter(
      (alg) => !rest.some((key) => key.alg === alg && statusOf(key, now()) === 'signing'),
    );
    for (const alg of unsigned) {
      const next = findNextKey(rest, alg, now());
      if (next === undefined) {
        await succeed(transaction, append, alg, hasToSign(alg) ? 0 : leadOver(rest));
      } else if (hasToSign(alg)) {
        await startSigningKey(transaction, next.kid, now());
      }
    }
  };

  const ring: KeyRing = {
    signingKey(alg) {
      const key = alg === undefined ? findDefaultKey(keys, defaultAlg, now()) : findKeyOf(keys, alg, now());
      if (key === undefined) {
        throw new Error('there is no signing key');
      }
      return key;
    },
    // While the wall clock is ahead, a key that seems to have expired still verifies tokens, so that they can be revoked.
    find: (kid) => keys.find((key) => key.kid === kid && statusOf(key, earliestNow()) !== 'expired'),
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
      const kid = await events.change(token, async (transaction, append) => {
        const present = await loadSigningKeys(transaction, masterKey);
        const next = findNextKey(present, alg, now());
        if (next !== undefined) {
          throw new OAuthError(
            'conflict',
            `The next ${alg} key, ${next.kid}, signs from ${new Date(next.signsFrom).toISOString()}: rotate again after ` +
              'that, or delete it first.',
            { retryAfterSeconds: Math.ceil((next.signsFrom - now()) / 1000) },
          );
        }
        const roomFrom = findRoomTime(present, now());
        if (roomFrom !== undefined) {
          throw new OAuthError(
            'conflict',
            `${mostPublishedKeys} signing keys are published, and verifiers need not take more: rotate again after ` +
              `${new Date(roomFrom).toISOString()}, when the last token of one of them has expired. To replace a key ` +
              'that has leaked, revoke it.',
            { retryAfterSeconds: Math.ceil((roomFrom - now()) / 1000) },
          );
        }
        return (await succeed(transaction, append, alg, leadOver(present))).kid;
      });
      const created = ring.find(kid);
      if (created === undefined) {
        throw new OAuthError(
          'not_found',
          `The signing key ${kid}, which this call has created before, was deleted since.`,
        );
      }
      return created;
    },
    remove(token, kid) {
      return events.change(token, async (transaction, append) => {
        const present = await loadSigningKeys(transaction, masterKey);
        const key = getKey(present, kid);
        if (mayHaveSigned(key, present, now())) {
          throw new OAuthError(
            'conflict',
            `The key ${kid} may have signed tokens. It is deleted by itself when they have expired; if it has leaked, ` +
              'revoke it, and its tokens with it.',
          );
        }
        await deleteSigningKey(transaction, kid);
        await append({ kind: 'key.deleted', subject: kid, data: {} });
        await resumeReplacedKeys(transaction, key);
      });
    },
    revoke(token, kid) {
      return events.change(token, async (transaction, append) => {
        const present = await loadSigningKeys(transaction, masterKey);
        const key = getKey(present, kid);
        await deleteSigningKey(transaction, kid);
        await append({ kind: 'key.revoked', subject: kid, data: {} });
        if (mayHaveSigned(key, present, now())) {
          await replace(
            transaction,
            append,
            key,
            present.filter((one) => one !== key),
          );
        } else {
          await resumeReplacedKeys(transaction, key);
        }
        // The feed tells of it for as long as the longest lifetime of the keys that are left.
        await coverTokenLifetime(transaction, key.longestTtlSeconds, now());
      });
    },
    async forgetExpired(seconds) {
      const expired = (present: readonly SigningKey[]) =>
        present.filter((key) => statusOf(key, seconds * 1000) === 'expired');
      if (expired(keys).length === 0) {
        return;
      }
      await events.change('postern', async (transaction, append) => {
        for (const { kid } of expired(await loadSigningKeys(transaction, masterKey))) {
          await deleteSigningKey(transaction, kid);
          await append({ kind: 'key.deleted', subject: kid, data: {} });
        }
      });
    },
    async maintain() {
      // Keys must verify longer if the lifetimes of clients grow, for which there is no event about keys.
      await reload();
      if (dueAlgorithms(keys).length === 0 && unneededKeys(keys).length === 0) {
        return;
      }
      await events.change('postern', async (transaction, append) => {
        // Another node may have rotated first, so the keys are read again from the database.
        const present = await loadSigningKeys(transaction, masterKey);
        for (const alg of dueAlgorithms(present)) {
          const idle = findIdleKey(present, alg, now());
          if (idle === undefined) {
            await succeed(transaction, append, alg, leadOver(present));
          } else {
            await resumeSigningKey(transaction, idle.kid);
            await coverTokenLifetime(transaction, await longestTtlSeconds(transaction), now());
            await append({ kind: 'key.resumed', subject: idle.kid, data: {} });
          }
        }
        for (const { kid } of unneededKeys(present)) {
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
  }, reload);
  await ring.maintain();
  return ring;
}
