/** Event streams, and their changes by receivers and administrators. SSF 1.0 §8.1. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import { readLog } from '../events/event-store.ts';
import type { MasterKey } from '../keys/master-key.ts';
import {
  type DefaultSubjects,
  mostStreams,
  mostStreamsOfClient,
  mostSubjects,
  type Stream,
  type StreamConfiguration,
  type StreamStatus,
} from './stream.ts';
import {
  countListed,
  countStreams,
  deleteStream,
  findStream,
  insertStream,
  listStreams,
  listSubject,
  unlistSubject,
  unlistSubjects,
  updateConfiguration,
  updateStatus,
} from './stream-store.ts';
import { keyOf, type SimpleSubject } from './subject.ts';

/** Each throws `not_found` for a stream that is not the receiver's own, as for one that does not exist. */
export interface StreamRegistry {
  /** All, oldest first, as this node knows them; not how far each is. */
  known(): readonly Stream[];
  /** All, oldest first. */
  listAll(): Promise<Stream[]>;
  /** Whosever it is. */
  getAny(id: string): Promise<Stream>;
  list(receiver: AccessToken): Promise<Stream[]>;
  get(receiver: AccessToken, id: string): Promise<Stream>;
  /** Throws `conflict` if there are as many as there may be. */
  create(receiver: AccessToken, configuration: StreamConfiguration): Promise<Stream>;
  /** Changes the configuration to what `change` makes of it, which may throw. With another default it has no subjects that differ from it. */
  change(receiver: AccessToken, id: string, change: (stream: Stream) => StreamConfiguration): Promise<Stream>;
  setStatus(receiver: AccessToken, id: string, status: StreamStatus, reason: string | undefined): Promise<Stream>;
  /** SSF 1.0 §8.1.3.2. Throws `conflict` if there are as many subjects as there may be. */
  addSubject(receiver: AccessToken, id: string, subject: SimpleSubject): Promise<void>;
  removeSubject(receiver: AccessToken, id: string, subject: SimpleSubject): Promise<void>;
  /** SSF 1.0 §8.1.4.2. */
  requestVerification(receiver: AccessToken, id: string, state: string | undefined): Promise<void>;
  remove(receiver: AccessToken, id: string): Promise<void>;
  /** Does so for an administrator, whosever it is. */
  removeAny(token: AccessToken, id: string): Promise<void>;
  /** Pauses a stream that is enabled, for a reason of Postern's own. */
  pause(id: string, reason: string): Promise<void>;
}

export interface StreamRegistryOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export async function openStreamRegistry(options: StreamRegistryOptions): Promise<StreamRegistry> {
  const { db, events, masterKey, now } = options;
  let known: readonly Stream[] = await listStreams(db, masterKey);
  const reload = async () => {
    known = await listStreams(db, masterKey);
  };
  events.follow(async ({ kind, subject }) => {
    const isOfReceiver = kind === 'client.deleted' && known.some(({ clientId }) => clientId === subject);
    if (isOfReceiver || (kind.startsWith('stream.') && kind !== 'stream.verification_requested')) {
      await reload();
    }
  }, reload);

  const unknown = (id: string) => new OAuthError('not_found', `There is no event stream ${showName(id)}.`);
  const getAny = async (from: Kysely<Database>, id: string): Promise<Stream> => {
    const stream = await findStream(from, masterKey, id);
    if (stream === undefined) {
      throw unknown(id);
    }
    return stream;
  };
  const getOwn = async (from: Kysely<Database>, { clientId }: AccessToken, id: string): Promise<Stream> => {
    const stream = await getAny(from, id);
    if (stream.clientId !== clientId) {
      throw unknown(id);
    }
    return stream;
  };

  const appendSaved = (append: Append, { id, clientId, ...stream }: Stream) =>
    append({
      kind: 'stream.saved',
      subject: id,
      data: {
        clientId,
        method: stream.delivery.method,
        ...(stream.delivery.method === 'push' && { endpointUrl: stream.delivery.endpointUrl }),
        ...(stream.eventsRequested !== undefined && { eventsRequested: stream.eventsRequested }),
        ...(stream.description !== undefined && { description: stream.description }),
        status: stream.status,
        ...(stream.reason !== undefined && { reason: stream.reason }),
      },
    });

  /** Lists a subject for streams with this default, from which it then differs; for others, lists it no longer. */
  const setListed = (receiver: AccessToken, id: string, subject: SimpleSubject, listedFor: DefaultSubjects) =>
    events.change(receiver, async (transaction, append) => {
      const { defaultSubjects } = await getOwn(transaction, receiver, id);
      const key = keyOf(subject);
      if (defaultSubjects !== listedFor) {
        if (await unlistSubject(transaction, id, key)) {
          await append({ kind: 'stream.saved', subject: id, data: { [verb(listedFor)]: subject } });
        }
        return;
      }
      if (await listSubject(transaction, id, key)) {
        if ((await countListed(transaction, id)) > mostSubjects) {
          throw new OAuthError(
            'conflict',
            `A stream can have ${mostSubjects} subjects that were added or removed, and this one has as many.`,
          );
        }
        await append({ kind: 'stream.saved', subject: id, data: { [verb(listedFor)]: subject } });
      }
    });

  return {
    known: () => known,
    listAll: () => listStreams(db, masterKey),
    getAny: (id) => getAny(db, id),
    list: ({ clientId }) => listStreams(db, masterKey, clientId),
    get: (receiver, id) => getOwn(db, receiver, id),
    create: (receiver, configuration) =>
      events.change(receiver, async (transaction, append) => {
        const { clientId } = receiver;
        const { own, all } = await countStreams(transaction, clientId);
        if (own >= mostStreamsOfClient || all >= mostStreams) {
          throw new OAuthError(
            'conflict',
            own >= mostStreamsOfClient
              ? `A client can have ${mostStreamsOfClient} event streams, and this one has as many: delete one first.`
              : `There are ${mostStreams} event streams already, as many as there may be: an administrator can delete some.`,
          );
        }
        const { sequence } = await readLog(transaction);
        const stream: Stream = {
          ...configuration,
          id: randomBytes(16).toString('hex'),
          clientId,
          status: 'enabled',
          reason: undefined,
          createdAt: now(),
          position: sequence,
          received: [],
          fault: undefined,
        };
        await insertStream(transaction, masterKey, stream);
        await appendSaved(append, stream);
        return stream;
      }),
    change: (receiver, id, change) =>
      events.change(receiver, async (transaction, append) => {
        const before = await getOwn(transaction, receiver, id);
        const after = { ...before, ...change(before) };
        if (!isDeepStrictEqual(after, before)) {
          await updateConfiguration(transaction, masterKey, id, after);
          if (after.defaultSubjects !== before.defaultSubjects) {
            // Those that were added would be removed, and the other way round.
            await unlistSubjects(transaction, id);
          }
          await appendSaved(append, after);
        }
        return after;
      }),
    setStatus: (receiver, id, status, reason) =>
      events.change(receiver, async (transaction, append) => {
        const before = await getOwn(transaction, receiver, id);
        const after = { ...before, status, reason };
        if (!isDeepStrictEqual(after, before)) {
          // What happened while it was disabled is not held for it.
          const position = before.status === 'disabled' ? (await readLog(transaction)).sequence : undefined;
          await updateStatus(transaction, id, status, reason, position);
          await appendSaved(append, after);
        }
        return after;
      }),
    addSubject: (receiver, id, subject) => setListed(receiver, id, subject, 'NONE'),
    removeSubject: (receiver, id, subject) => setListed(receiver, id, subject, 'ALL'),
    requestVerification: (receiver, id, state) =>
      events.change(receiver, async (transaction, append) => {
        await getOwn(transaction, receiver, id);
        await append({
          kind: 'stream.verification_requested',
          subject: id,
          data: state === undefined ? {} : { state },
        });
      }),
    remove: (receiver, id) =>
      events.change(receiver, async (transaction, append) => {
        await getOwn(transaction, receiver, id);
        await deleteStream(transaction, id);
        await append({ kind: 'stream.deleted', subject: id, data: {} });
      }),
    removeAny: (token, id) =>
      events.change(token, async (transaction, append) => {
        await getAny(transaction, id);
        await deleteStream(transaction, id);
        await append({ kind: 'stream.deleted', subject: id, data: {} });
      }),
    pause: (id, reason) =>
      events.change('postern', async (transaction, append) => {
        const stream = await findStream(transaction, masterKey, id);
        if (stream?.status === 'enabled') {
          await updateStatus(transaction, id, 'paused', reason, undefined);
          await append({ kind: 'stream.paused', subject: id, data: { reason } });
        }
      }),
  };
}

const verb = (listedFor: DefaultSubjects) => (listedFor === 'NONE' ? 'added' : 'removed');
