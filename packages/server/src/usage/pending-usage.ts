/** The usage of clients and secrets since it was last written to the database, in memory. */

export interface Count {
  tokensIssued: number;
  /** Milliseconds since 1970. */
  lastIssuedAt: number;
}

export interface ClientCount extends Count {
  /**
   * By combination: the names of the scopes of a token with spaces between, as in its claim. To count each scope of a
   * token with 70 scopes would take 13 µs.
   */
  readonly byScopes: Map<string, Count>;
  /** Characters of the combinations that were added since they were last split into single scopes. */
  newCharacters: number;
}

export interface PendingUsage {
  /** By client id. */
  clients: Map<string, ClientCount>;
  /** By hour since 1970, then by outcome. */
  readonly hours: Map<number, Map<string, number>>;
  /** By id of a secret, when it was last used, in milliseconds since 1970. */
  secrets: Map<string, number>;
}

export const msPerHour = 3_600_000;

/** Characters of combinations that are kept for one client before they are split into single scopes. */
const mostCharacters = 65_536;

export function emptyUsage(): PendingUsage {
  return { clients: new Map(), hours: new Map(), secrets: new Map() };
}

/** Records requests for tokens. `outcome` is `issued` or the reason of the error; `now` is in milliseconds since 1970. */
export function recordOutcome({ hours }: PendingUsage, outcome: string, requests: number, now: number): void {
  const hour = Math.floor(now / msPerHour);
  let outcomes = hours.get(hour);
  if (outcomes === undefined) {
    outcomes = new Map();
    hours.set(hour, outcomes);
  }
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + requests);
}

/** Records tokens of a client with `scopes`, names with spaces between. */
export function recordTokens({ clients }: PendingUsage, clientId: string, scopes: string, tokens: Count): void {
  let client = clients.get(clientId);
  if (client === undefined) {
    client = { tokensIssued: 0, lastIssuedAt: 0, byScopes: new Map(), newCharacters: 0 };
    clients.set(clientId, client);
  }
  add(client, tokens);
  addTo(client, scopes, tokens);
}

/** Records the use of a secret, unless a later one is recorded. */
export function recordSecret({ secrets }: PendingUsage, secretId: string, usedAt: number): void {
  if ((secrets.get(secretId) ?? 0) < usedAt) {
    secrets.set(secretId, usedAt);
  }
}

/** Adds `unwritten`, which could not be written, to `pending`. */
export function recordAgain(pending: PendingUsage, unwritten: PendingUsage): void {
  for (const [clientId, client] of unwritten.clients) {
    const known = pending.clients.get(clientId);
    if (known === undefined) {
      pending.clients.set(clientId, client);
    } else {
      add(known, client);
      for (const [scopes, count] of client.byScopes) {
        addTo(known, scopes, count);
      }
    }
  }
  for (const [hour, outcomes] of unwritten.hours) {
    for (const [outcome, requests] of outcomes) {
      recordOutcome(pending, outcome, requests, hour * msPerHour);
    }
  }
  for (const [secretId, usedAt] of unwritten.secrets) {
    recordSecret(pending, secretId, usedAt);
  }
}

/** Returns the counts of a client by single scope. */
export function countsByScope({ byScopes }: ClientCount): Map<string, Count> {
  const counts = new Map<string, Count>();
  for (const [scopes, count] of byScopes) {
    for (const scope of scopes === '' ? [] : scopes.split(' ')) {
      addCount(counts, scope, count);
    }
  }
  return counts;
}

function addTo(client: ClientCount, scopes: string, count: Count): void {
  if (addCount(client.byScopes, scopes, count)) {
    client.newCharacters += scopes.length;
    if (client.newCharacters > mostCharacters) {
      const counts = countsByScope(client);
      client.byScopes.clear();
      for (const [scope, single] of counts) {
        client.byScopes.set(scope, single);
      }
      client.newCharacters = 0;
    }
  }
}

/** Returns true if the key is new. */
function addCount(counts: Map<string, Count>, key: string, count: Count): boolean {
  const known = counts.get(key);
  if (known === undefined) {
    counts.set(key, { tokensIssued: count.tokensIssued, lastIssuedAt: count.lastIssuedAt });
    return true;
  }
  add(known, count);
  return false;
}

function add(to: Count, { tokensIssued, lastIssuedAt }: Count): void {
  to.tokensIssued += tokensIssued;
  to.lastIssuedAt = Math.max(to.lastIssuedAt, lastIssuedAt);
}
