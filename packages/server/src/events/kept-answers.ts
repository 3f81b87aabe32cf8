/**
 * What changes have answered to calls with an Idempotency-Key: a call that is sent again, since its answer was lost, gets the
 * same answer and changes nothing. draft-ietf-httpapi-idempotency-key-header-07 §2.
 *
 * An answer may contain a new secret. It is encrypted under a key that takes the master key and the caller's Idempotency-Key,
 * which is not stored: whoever reads the database, even with the master key, cannot read it.
 */
import { deserialize, serialize } from 'node:v8';
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { decrypt, encrypt } from '../aes-gcm.ts';
import { deleteBelow } from '../db/in-slices.ts';
import type { Database } from '../db/schema.ts';

/** A call that may be sent again. */
export interface RepeatableCall {
  /** The Idempotency-Key, of the caller's own choice. */
  readonly key: string;
  /** Method, URL and body: another call with the same key is an error. */
  readonly request: string;
  /** How many changes it has made: each has an answer of its own. */
  changes: number;
}

/** Which answer: the client that makes the call, the call, and the number of the change in it. */
export interface AnswerPlace {
  readonly clientId: string;
  readonly call: RepeatableCall;
  readonly number: number;
}

/** How long an answer is kept. */
const keptSeconds = 86_400;

/** What is kept for one client, at most: the oldest answers are forgotten first. */
const mostAnswers = 10_000;
const mostBytes = 64 * 1024 * 1024;

export interface KeptAnswers {
  /** Finds what the change has answered before. Throws `invalid_parameter` if the key was used for another call. */
  find(transaction: Kysely<Database>, place: AnswerPlace): Promise<{ readonly value: unknown } | undefined>;
  /** Keeps the value, in the transaction of the change. It must be one that can be cloned. */
  keep(transaction: Kysely<Database>, place: AnswerPlace, value: unknown): Promise<void>;
}

/** The part of the master key that protects answers. */
export interface AnswerKeys {
  digest(purpose: 'idempotency keys' | 'idempotency requests' | 'idempotency answers', text: string): Buffer;
}

export interface KeptAnswersOptions {
  readonly masterKey: AnswerKeys;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createKeptAnswers({ masterKey, now }: KeptAnswersOptions): KeptAnswers {
  const textOf = ({ clientId, call, number }: AnswerPlace) => JSON.stringify([clientId, call.key, number]);
  const idOf = (place: AnswerPlace) => masterKey.digest('idempotency keys', textOf(place)).toString('base64url');
  const keyOf = (place: AnswerPlace) => masterKey.digest('idempotency answers', textOf(place));
  const requestOf = ({ call }: AnswerPlace) =>
    masterKey.digest('idempotency requests', call.request).toString('base64url');

  return {
    async find(transaction, place) {
      const id = idOf(place);
      const row = await transaction
        .selectFrom('kept_answers')
        .select(['request', 'answer'])
        .where('id', '=', id)
        .executeTakeFirst();
      if (row === undefined) {
        return undefined;
      }
      if (row.request !== requestOf(place)) {
        throw new OAuthError(
          'invalid_parameter',
          'Idempotency-Key: was used for another call within the last day. Send a new key with each new call.',
        );
      }
      return { value: deserialize(decrypt(keyOf(place), row.answer, id)) };
    },
    async keep(transaction, place, value) {
      const id = idOf(place);
      const answer = encrypt(keyOf(place), serialize(value), id);
      await transaction
        .insertInto('kept_answers')
        .values({
          id,
          client_id: place.clientId,
          request: requestOf(place),
          answer,
          bytes: answer.length,
          expires_at: Math.ceil(now() / 1000) + keptSeconds,
        })
        // A change that is made apart is the only one that the same call can make at the same time. If both change
        // something, one of them is made again, and finds the answer of the other.
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
      await makeRoom(transaction, place.clientId);
    },
  };
}

/** Deletes the oldest answers of a client that has too many, and some more, so that this is rarely necessary. */
async function makeRoom(transaction: Kysely<Database>, clientId: string): Promise<void> {
  const answersOf = transaction.selectFrom('kept_answers').where('client_id', '=', clientId);
  const { answers, bytes } = await answersOf
    .select(({ fn }) => [fn.countAll<number>().as('answers'), fn.sum<number>('bytes').as('bytes')])
    .executeTakeFirstOrThrow();
  if (Number(answers) <= mostAnswers && Number(bytes) <= mostBytes) {
    return;
  }
  const newestFirst = await answersOf.select(['id', 'bytes']).orderBy('expires_at', 'desc').execute();
  let room = mostBytes * 0.9;
  const kept = newestFirst.slice(0, mostAnswers * 0.9).filter((row) => {
    room -= row.bytes;
    return room >= 0;
  });
  const surplus = newestFirst.map(({ id }) => id).slice(Math.max(1, kept.length));
  for (let start = 0; start < surplus.length; start += 500) {
    await transaction
      .deleteFrom('kept_answers')
      .where('id', 'in', surplus.slice(start, start + 500))
      .execute();
  }
}

/** Deletes the answers that were kept for a day. */
export function forgetKeptAnswers(db: Kysely<Database>, nowSeconds: number): Promise<void> {
  return deleteBelow(db, 'kept_answers', 'id', 'expires_at', Math.floor(nowSeconds));
}
