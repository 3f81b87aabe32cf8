/** A client as Fides or Fidesops has it, from a row of its table or an answer of its API. */

export interface FidesClient {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  /** Those given to it one by one; those of its roles are not among them. */
  readonly scopes: readonly string[];
  /** Names of sets of scopes, in Fides alone. */
  readonly roles: readonly string[];
  /** The person whose session it is. */
  readonly userId: string | null;
  /** Marks clients that Fides made for itself. */
  readonly fidesKey: string | null;
}

/** Versions differ in what they have. Undefined for what is no client. */
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
