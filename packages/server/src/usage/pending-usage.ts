/** What was noted of the use of clients since it was last written down, in memory. Noting costs a few look-ups. */

export interface Count {
  tokensIssued: number;
  /** Milliseconds since 1970. */
  lastIssuedAt: number;
}

export interface ClientCount extends Count {
  /** By what the tokens hold: names of scopes with a space between, as they are in tokens. */
  readonly byScopes: Map<string, Count>;
  /** Characters of the keys that were added since single scopes were last counted together. */
  newCharacters: number;
}

export interface Noted {
  /** By client id. */
  clients: Map<string, ClientCount>;
  /** By hour since 1970, then by outcome. */
  readonly hours: Map<number, Map<string, number>>;
  /** When secrets were last used, in milliseconds since 1970, by id. */
  secrets: Map<string, number>;
}

export const msPerHour = 3_600_000;

/** Characters of different combinations of scopes that are kept for one client before they are taken apart. */
const mostCharacters = 65_536;

export function emptyUsage(): Noted {
  return { clients: new Map(), hours: new Map(), secrets: new Map() };
}

/** One request for a token. `outcome` is `issued`, or why it was refused; `now` is in milliseconds since 1970. */
export function recordOutcome({ hours }: Noted, outcome: string, requests: number, now: number): void {
  const hour = Math.floor(now / msPerHour);
  let outcomes = hours.get(hour);
  if (outcomes === undefined) {
    outcomes = new Map();
    hours.set(hour, outcomes);
  }
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + requests);
}

/** Tokens of a client that hold `scopes`, names with a space between. */
export function recordTokens({ clients }: Noted, clientId: string, scopes: string, tokens: Count): void {
  let client = clients.get(clientId);
  if (client === undefined) {
    client = { tokensIssued: 0, lastIssuedAt: 0, byScopes: new Map(), newCharacters: 0 };
    clients.set(clientId, client);
  }
  add(client, tokens);
  addTo(client, scopes, tokens);
}

/** A later use that is known already stays. */
export function recordSecret({ secrets }: Noted, secretId: string, usedAt: number): void {
  if ((secrets.get(secretId) ?? 0) < usedAt) {
    secrets.set(secretId, usedAt);
  }
}

/** Notes again what could not be written. */
export function recordAgain(noted: Noted, unwritten: Noted): void {
  for (const [clientId, client] of unwritten.clients) {
    const known = noted.clients.get(clientId);
    if (known === undefined) {
      noted.clients.set(clientId, client);
    } else {
      add(known, client);
      for (const [scopes, count] of client.byScopes) {
        addTo(known, scopes, count);
      }
    }
  }
  for (const [hour, outcomes] of unwritten.hours) {
    for (const [outcome, requests] of outcomes) {
      recordOutcome(noted, outcome, requests, hour * msPerHour);
    }
  }
  for (const [secretId, usedAt] of unwritten.secrets) {
    recordSecret(noted, secretId, usedAt);
  }
}

/** The counts of a client by single scope. */
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

/** True where there was none of that key. */
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
