/** Rotating and deleting the secrets of a client. */
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { secretTtlSeconds } from '../client-policies/client-policy.ts';
import { clientPolicies } from '../client-policies/client-policy-store.ts';
import { revokeTokens } from '../clients/client-changes.ts';
import { usesSecret } from '../clients/client-metadata.ts';
import { type ClientSecret, isExpired, newSecret } from '../clients/client-secret.ts';
import { deleteSecret, insertSecret, listSecrets, setSecretExpiry } from '../clients/client-secret-store.ts';
import { getClient } from '../clients/client-store.ts';
import { generateClientSecret } from '../clients/credentials.ts';
import { type SecretUse, secretUses } from '../clients/secret-use.ts';
import type { Database } from '../db/schema.ts';
import type { Administer } from '../delegation/administer.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { requireStrongSecret } from './chosen-secret.ts';

/** The most secrets of one client that are valid at the same time. */
const mostSecrets = 5;

export interface Rotation {
  /** Seconds for which the other secrets stay valid. 0 deletes them and revokes all tokens now; undefined leaves them. */
  readonly overlapSeconds: number | undefined;
  /** Seconds until the new secret expires; undefined: never. */
  readonly expiresInSeconds: number | undefined;
  /** Undefined: Postern generates the secret. */
  readonly chosenSecret: string | undefined;
}

export interface RotatedSecret {
  readonly secret: ClientSecret;
  /** Shown this once. Undefined if the caller chose it. */
  readonly clientSecret: string | undefined;
  /** The others that are still valid, with their last use. */
  readonly others: readonly ClientSecret[];
}

/** A secret, and whether it is still used. */
export interface ListedSecret extends ClientSecret {
  readonly use: SecretUse;
  /** Until when uses are known, in milliseconds since 1970. */
  readonly useKnownUntil: number;
  /** The most seconds that a token of the client lasts. */
  readonly tokenSeconds: number;
}

export interface SecretAdministration {
  /** Oldest first. Throws `not_found`. */
  list(clientId: string): Promise<readonly ListedSecret[]>;
  /** Throws `invalid_parameter` for a weak secret, `not_found`, `conflict` if there are too many, and `access_denied` as for any change of the client. */
  rotate(token: AccessToken, clientId: string, rotation: Rotation): Promise<RotatedSecret>;
  /** Throws `not_found` and `access_denied`. */
  remove(token: AccessToken, clientId: string, secretId: string): Promise<void>;
}

export interface SecretAdministrationOptions {
  readonly db: Kysely<Database>;
  readonly masterKey: MasterKey;
  readonly administer: Administer;
  /** Milliseconds since 1970; undefined: not after the time that the database has. */
  readonly lastSecretUse: (secretId: string) => number | undefined;
  /** Milliseconds after which the uses that other nodes saw are in the database. */
  readonly secretUseDelayMs: number;
  /** The lifetime of tokens of clients that set none. */
  readonly accessTokenTtlSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createSecretAdministration(options: SecretAdministrationOptions): SecretAdministration {
  const { db, masterKey, administer, lastSecretUse, secretUseDelayMs, accessTokenTtlSeconds, now } = options;

  const withUsage = (secret: ClientSecret): ClientSecret => ({
    ...secret,
    lastUsedAt: laterOf(lastSecretUse(secret.id) ?? null, secret.lastUsedAt),
  });

  return {
    async list(clientId) {
      const client = await getClient(db, clientId);
      const secrets = (await listSecrets(db, clientId)).map(withUsage);
      const tokenSeconds = client.accessTokenTtlSeconds ?? accessTokenTtlSeconds;
      const useKnownUntil = now() - secretUseDelayMs;
      const uses = secretUses(secrets, { tokenSeconds, knownUntil: useKnownUntil, now: now() });
      return secrets.map((secret, index) => ({
        ...secret,
        use: uses[index] as SecretUse,
        useKnownUntil,
        tokenSeconds,
      }));
    },

    async rotate(token, clientId, { overlapSeconds, expiresInSeconds, chosenSecret }) {
      if (chosenSecret !== undefined) {
        requireStrongSecret(chosenSecret);
      }
      return administer(token, clientId, async (transaction, append, { client }) => {
        if (!usesSecret(client.metadata)) {
          throw new OAuthError('conflict', 'The client does not authenticate by a secret.');
        }
        const createdAt = now();
        const clientSecret = chosenSecret === undefined ? generateClientSecret() : undefined;
        const policies = await clientPolicies.load(transaction);
        const secret = newSecret(
          chosenSecret ?? (clientSecret as string),
          masterKey,
          createdAt,
          secretTtlSeconds(client, policies, expiresInSeconds),
        );
        const others: ClientSecret[] = [];
        for (const other of (await listSecrets(transaction, clientId)).map(withUsage)) {
          if (overlapSeconds === 0 || isExpired(other, createdAt)) {
            await deleteSecret(transaction, other.id);
            await append({ kind: 'secret.deleted', subject: clientId, data: { secretId: other.id } });
          } else {
            others.push(await shorten(transaction, other, overlapSeconds, createdAt));
          }
        }
        if (others.length >= mostSecrets) {
          throw new OAuthError('conflict', `The client has ${mostSecrets} valid secrets already: delete one first.`);
        }
        await insertSecret(transaction, clientId, secret);
        await append({
          kind: 'secret.created',
          subject: clientId,
          data: { secretId: secret.id, overlapSeconds },
        });
        if (overlapSeconds === 0) {
          await revokeTokens(transaction, append, client);
        }
        return { secret, clientSecret, others };
      });
    },

    remove(token, clientId, secretId) {
      return administer(token, clientId, async (transaction, append) => {
        if (!(await listSecrets(transaction, clientId)).some(({ id }) => id === secretId)) {
          throw new OAuthError('not_found', `The client has no secret ${showName(secretId)}.`);
        }
        await deleteSecret(transaction, secretId);
        await append({ kind: 'secret.deleted', subject: clientId, data: { secretId } });
      });
    },
  };
}

/** Other nodes may have seen a later use than this one. */
function laterOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

/** Makes a secret expire with the overlap, unless it expires earlier anyway. */
async function shorten(
  transaction: Kysely<Database>,
  secret: ClientSecret,
  overlapSeconds: number | undefined,
  now: number,
): Promise<ClientSecret> {
  const end = overlapSeconds === undefined ? Number.POSITIVE_INFINITY : now + overlapSeconds * 1000;
  if (end >= (secret.expiresAt ?? Number.POSITIVE_INFINITY)) {
    return secret;
  }
  await setSecretExpiry(transaction, secret.id, end);
  return { ...secret, expiresAt: end };
}
