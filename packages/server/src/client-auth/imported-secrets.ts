/**
 * Secrets of which Postern has only the digest that another server computed. The first use of one is checked against that
 * digest, which takes a fraction of a second, and replaces it by ours, so that every later use is as fast as any other.
 *
 * While there are any, every failure takes such a check too, so that its time does not disclose which clients exist.
 */
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { addressGroup } from '../address-group.ts';
import type { Client } from '../clients/client.ts';
import { digestSecret, openImportedDigest } from '../clients/client-secret.ts';
import { countImportedForms, replaceImportedDigest } from '../clients/client-secret-store.ts';
import { type ImportedDigest, parseImportedDigest, unusedDigestOf } from '../clients/imported-digest.ts';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { createFairLane } from '../limits/fair-lane.ts';
import type { Secret } from './client-secret.ts';

export interface PresentedSecret {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The address of the caller. */
  readonly address: string;
}

export interface ImportedSecrets {
  /** Whether any secret has only the digest of another server. */
  arePending(): boolean;
  /** How many do, as it was read last. Reads it again, for the next call, if it may have changed since. */
  countPending(): number;
  /**
   * The imported secret of the client that was presented. Compares with an unused digest if the client is unknown or has
   * none. Throws `temporarily_unavailable` if too many checks wait already.
   *
   * Does not check whether the secret has expired.
   */
  find(client: Client | undefined, presented: PresentedSecret): Promise<Secret | undefined>;
  /** Resolves when what the uses so far have to replace is replaced. */
  close(): Promise<void>;
}

export interface ImportedSecretsOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  /** Called if a digest could not be replaced; the next use of its secret tries again. */
  readonly onFault: (error: unknown) => void;
}

export async function openImportedSecrets(options: ImportedSecretsOptions): Promise<ImportedSecrets> {
  const { db, events, masterKey, onFault } = options;
  const lane = createFairLane();
  /** Checks under way, so that many instances of a client that start at once take one check together. */
  const checks = new Map<string, Promise<Secret | undefined>>();
  const replacing = new Map<string, Promise<unknown>>();
  let pending = await countImportedForms(db);
  let isStale = false;

  events.follow(
    ({ kind, data }) => {
      const { imported_form: form } = data;
      if (kind === 'secret.created' && typeof form === 'string') {
        const sorted = [...pending, [form, (pending.get(form) ?? 0) + 1] as const].toSorted();
        pending = new Map(sorted);
      }
      if (kind.startsWith('secret.') || kind === 'client.deleted') {
        isStale = pending.size > 0;
      }
    },
    async () => {
      pending = await countImportedForms(db);
    },
  );

  const freshForms = async () => {
    // What is created while they are read may not be among them.
    while (isStale) {
      isStale = false;
      try {
        pending = await countImportedForms(db);
      } catch (error) {
        isStale = true;
        throw error;
      }
    }
    return [...pending.keys()];
  };

  /** The same one for an id each time, which nobody can tell without the master key. */
  const unusedDigest = async (clientId: string): Promise<ImportedDigest | undefined> => {
    const known = await freshForms();
    const form = known[masterKey.digest('imported forms', clientId).readUInt32BE() % known.length];
    return form === undefined ? undefined : unusedDigestOf(form);
  };

  const check = async (client: Client | undefined, { clientId, clientSecret }: PresentedSecret) => {
    const secret = findImported(client);
    if (secret?.imported == null) {
      await (await unusedDigest(clientId))?.matches(clientSecret);
      return undefined;
    }
    const digest = parseImportedDigest(openImportedDigest(secret.id, secret.imported, masterKey));
    if (!(await digest.matches(clientSecret))) {
      return undefined;
    }
    replace(clientId, secret.id, clientSecret);
    return secret;
  };

  const replace = (clientId: string, secretId: string, clientSecret: string) => {
    if (replacing.has(secretId)) {
      return;
    }
    const change = events
      .change('postern', async (transaction, append) => {
        if (await replaceImportedDigest(transaction, secretId, digestSecret(clientSecret, masterKey))) {
          await append({ kind: 'secret.rehashed', subject: clientId, data: { secretId } });
        }
      })
      .catch(onFault)
      .finally(() => replacing.delete(secretId));
    replacing.set(secretId, change);
  };

  return {
    arePending: () => pending.size > 0,
    countPending() {
      // Not while the database is away: the next one who asks tries again.
      freshForms().catch(() => {});
      return [...pending.values()].reduce((sum, secrets) => sum + secrets, 0);
    },
    async find(client, presented) {
      // Another node may have created the client a moment ago, and this one has not heard of its secret yet.
      if (pending.size === 0 && findImported(client) === undefined) {
        return undefined;
      }
      const { clientId, clientSecret, address } = presented;
      const key = `${clientId} ${masterKey.digest('client secrets', clientSecret).toString('base64url')}`;
      const found =
        checks.get(key) ??
        lane
          .run(addressGroup(address), () => check(client, presented))
          ?.finally(() => {
            checks.delete(key);
          });
      if (found === undefined) {
        throw new OAuthError(
          'temporarily_unavailable',
          'Too many secrets that came from another server are being checked for the first time: retry in a few seconds.',
        );
      }
      checks.set(key, found);
      return found;
    },
    async close() {
      await Promise.all(replacing.values());
    },
  };
}

function findImported(client: Client | undefined): Secret | undefined {
  return client?.secrets.find(({ imported }) => imported !== null);
}
