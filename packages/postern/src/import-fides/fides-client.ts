/** A client of Fides or Fidesops, from a row of its table or an answer of its API. */

export interface FidesClient {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  /** Scopes assigned directly, without those of its roles. */
  readonly scopes: readonly string[];
  /** Named sets of scopes, which only Fides has. */
  readonly roles: readonly string[];
  /** The user whose session the client is. */
  readonly userId: string | null;
  /** Marks clients that Fides created for itself. */
  readonly fidesKey: string | null;
}

/** Members that a version of Fides lacks are empty. Undefined if the value is not a client. */
export function readFidesClient(value: unknown): FidesClient | undefined {
  const { id, client_id: clientId = id, ...more } = (value ?? {}) as Record<string, unknown>;
  return typeof clientId === 'string' && clientId !== ''
    ? {
        id: clientId,
        name: textOf(more['name']),
        description: textOf(more['description']),
        scopes: textsOf(more['scopes']),
        roles: textsOf(more['roles']),
        userId: textOf(more['user_id']),
        fidesKey: textOf(more['fides_key']),
      }
    : undefined;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
