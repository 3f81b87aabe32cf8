/**
 * Random administration by HTTP, as root: creates clients and tokens, and ends them in every way that Postern has. Records
 * what it tried, and what was acknowledged.
 */
import { type Answer, call, postForm } from './call.ts';
import { type Actor, audience, root } from './cast.ts';
import type { ChangeRecord, Ends, History } from './history.ts';
import type { Random } from './random.ts';
import type { IssuedToken, Secret, Truth } from './truth.ts';

const base = '/api/v1/oauth';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The scopes of a new client; all but the first can be withdrawn. */
const scopes = ['policy:read', 'rule:read', 'storage:read'];

/** Clients that are administered at the same time: a few, so that much happens to each. */
const mostClients = 12;

interface ManagedClient {
  readonly id: string;
  secret: Secret | undefined;
  scopes: readonly string[];
  hasResource: boolean;
  /** A change of it is under way. */
  isBusy: boolean;
}

export interface AdministratorOptions {
  readonly nodes: readonly Actor[];
  readonly history: History;
  readonly random: Random;
  /** Called when something ended, with the ids of some tokens and secrets that ended with it. */
  readonly onEnd: (ids: readonly string[]) => void;
}

export class Administrator {
  readonly tokens = new Map<string, IssuedToken>();
  readonly secrets = new Map<string, Secret>();
  readonly #options: AdministratorOptions;
  readonly #clients = new Map<string, ManagedClient>();
  readonly #rootTokens = new Map<string, { text: string; at: number }>();
  readonly #touched = new Set<string>();
  #names = 0;
  #acknowledged = 0;

  constructor(options: AdministratorOptions) {
    this.#options = options;
  }

  /** How many changes were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Ids of all tokens and secrets. */
  get things(): string[] {
    return [...this.tokens.keys(), ...this.secrets.keys()];
  }

  /** Ids of those that nobody has tried to end. */
  get untouched(): string[] {
    return this.things.filter((id) => !this.#touched.has(id));
  }

  /** One random step. */
  async step(): Promise<void> {
    const { random, nodes } = this.#options;
    const node = random.pick(nodes);
    const [kind, choice] = [random.next(), random.next()];
    const idle = [...this.#clients.values()].filter(({ isBusy }) => !isBusy);
    const client = idle[Math.floor(choice * idle.length)];
    if (client === undefined || (kind < 0.12 && this.#clients.size < mostClients)) {
      await (random.chance(0.3) ? this.#createBatch(node) : this.#create(node));
      return;
    }
    client.isBusy = true;
    try {
      if (kind < 0.45) {
        await this.#issue(node, client, random.chance(0.5));
      } else if (kind < 0.55) {
        await this.#exchange(node, client);
      } else if (kind < 0.8) {
        await this.#revokeToken(node, client);
      } else {
        await this.#changeClient(node, client, random.next());
      }
    } finally {
      client.isBusy = false;
    }
  }

  /** Creates the next signing key. It is refused while the one before it does not sign yet. */
  async rotateKey(node: Actor): Promise<void> {
    await this.#change(node, 'rotate the signing key', 'POST', `${base}/key/rotate`, {}, []);
  }

  /** Ends all tokens that a signing key has signed. */
  async revokeKey(node: Actor): Promise<void> {
    const kid = this.#options.random.pick([...new Set([...this.tokens.values()].map((token) => token.kid))]);
    await this.#change(node, `revoke the key ${kid}`, 'POST', `${base}/key/${kid}/revoke`, undefined, [{ kid }]);
  }

  /** Ends every token, that of this call among them. */
  async revokeAll(node: Actor): Promise<void> {
    await this.#change(node, 'revoke all tokens', 'POST', `${base}/revoke_all`, undefined, [{ all: true }]);
  }

  /** Takes over what the database knows after it has lost changes. */
  adopt({ clients, active }: Truth): void {
    this.#rootTokens.clear();
    for (const client of this.#clients.values()) {
      const row = clients.get(client.id);
      if (row === undefined || !row.enabled) {
        this.#clients.delete(client.id);
      } else {
        client.scopes = row.scopes;
        client.hasResource = row.resources.includes(audience);
        if (client.secret !== undefined && !active.includes(client.secret.id)) {
          client.secret = undefined;
        }
      }
    }
  }

  /** An administrative client for a guard. Throws if that fails. */
  async createGuardClient(node: Actor): Promise<{ clientId: string; clientSecret: string }> {
    const { body, status, detail } = await this.#asRoot(node, 'POST', `${base}/client`, {
      name: 'guard',
      scopes: ['revocation:read'],
      grantable_scopes: [],
    });
    if (status !== 200) {
      throw new Error(`cannot create the client of a guard: ${detail}`);
    }
    return { clientId: body.client_id, clientSecret: body.client_secret };
  }

  /** Registers the resource of the guards. Throws if that fails. */
  async createResource(node: Actor): Promise<void> {
    const { status, detail } = await this.#asRoot(node, 'PUT', `${base}/resource`, {
      key: 'api',
      identifier: audience,
      scopes,
    });
    if (status !== 200) {
      throw new Error(`cannot create the resource: ${detail}`);
    }
  }

  #newClient() {
    this.#names += 1;
    return {
      name: `chaos ${this.#names}`,
      scopes,
      resources: [audience],
      grant_types: ['client_credentials', tokenExchange],
    };
  }

  async #create(node: Actor): Promise<void> {
    const { answer, at } = await this.#change(node, 'create a client', 'POST', `${base}/client`, this.#newClient(), []);
    if (answer.status === 200) {
      this.#adoptClient(answer.body, at);
    }
  }

  /** Two clients, all or nothing. */
  async #createBatch(node: Actor): Promise<void> {
    const operations = [this.#newClient(), this.#newClient()].map((body) => ({
      method: 'POST',
      path: `${base}/client`,
      body,
    }));
    const { answer, at } = await this.#change(
      node,
      'create two clients in a batch',
      'POST',
      '/api/v1/batch',
      { operations },
      [],
    );
    if (answer.status === 200) {
      for (const result of answer.body.results) {
        this.#adoptClient(result.body, at);
      }
    }
  }

  #adoptClient({ client_id: id, client_secret: text }: { client_id: string; client_secret: string }, at: number): void {
    const client: ManagedClient = { id, secret: undefined, scopes, hasResource: true, isBusy: false };
    this.#adoptSecret(client, text, at);
    this.#clients.set(id, client);
  }

  #adoptSecret(client: ManagedClient, text: string, at: number): void {
    const secret = { id: `secret ${this.secrets.size + 1}`, clientId: client.id, text };
    client.secret = secret;
    this.secrets.set(secret.id, secret);
    this.#options.history.add({ type: 'credential', id: secret.id, clientId: client.id, sentAt: at, at });
  }

  async #issue(node: Actor, client: ManagedClient, isForApi: boolean): Promise<void> {
    const { history } = this.#options;
    const { secret } = client;
    if (secret === undefined) {
      return;
    }
    const sentAt = history.now();
    const answer = await requestToken(node, secret, isForApi && client.hasResource ? { resource: audience } : {});
    const at = history.now();
    history.add({
      type: 'probe',
      id: secret.id,
      observer: node.name,
      how: 'token request',
      ...verdictOf(answer),
      sentAt,
      at,
    });
    this.#adoptToken(answer, node, client.id, sentAt, at, []);
  }

  /** Exchanges a token of the client for one that is narrower. */
  async #exchange(node: Actor, client: ManagedClient): Promise<void> {
    const { history, random } = this.#options;
    const own = [...this.tokens.values()].filter(
      ({ clientId, parents }) => clientId === client.id && parents.length < 2,
    );
    if (client.secret === undefined || own.length === 0) {
      return;
    }
    const subject = random.pick(own);
    const sentAt = history.now();
    const answer = await postForm(`${node.url}${base}/token`, {
      grant_type: tokenExchange,
      client_id: client.id,
      client_secret: client.secret.text,
      subject_token: subject.text,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    this.#adoptToken(answer, node, client.id, sentAt, history.now(), [
      ...subject.parents,
      { jti: subject.id, kid: subject.kid, clientId: subject.clientId, generation: subject.generation },
    ]);
  }

  #adoptToken(
    answer: Answer,
    node: Actor,
    clientId: string,
    sentAt: number,
    at: number,
    parents: IssuedToken['parents'],
  ): void {
    const { history } = this.#options;
    if (answer.status !== 200) {
      return;
    }
    const text: string = answer.body.access_token;
    const [header, claims] = text
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    const token: IssuedToken = {
      id: claims.jti,
      text,
      clientId,
      generation: claims.gen,
      kid: header.kid,
      scopes: claims.scope.split(' '),
      resources: [claims.aud].flat().filter((one) => one === audience),
      parents,
    };
    this.tokens.set(token.id, token);
    const expiresAt = claims.exp * 1000 - history.startedAtWall;
    const { id, kid, scopes: granted, resources } = token;
    history.add({
      type: 'token',
      id,
      clientId,
      node: node.name,
      kid,
      scopes: granted,
      resources,
      parents,
      expiresAt,
      sentAt,
      at,
    });
  }

  async #revokeToken(node: Actor, client: ManagedClient): Promise<void> {
    const { random } = this.#options;
    const own = [...this.tokens.values()].filter(({ clientId }) => clientId === client.id);
    if (own.length === 0 || client.secret === undefined) {
      return;
    }
    const { id: jti, text } = random.pick(own);
    const { secret } = client;
    const send = () =>
      postForm(`${node.url}${base}/revoke`, { client_id: client.id, client_secret: secret.text, token: text });
    await this.#record(node, `revoke the token ${jti}`, [{ jti }], send);
  }

  async #changeClient(node: Actor, client: ManagedClient, choice: number): Promise<void> {
    const { id } = client;
    const path = `${base}/client/${id}`;
    const last = client.scopes.at(-1);
    if (choice < 0.2) {
      this.#clients.delete(id);
      await this.#change(node, `delete the client ${id}`, 'DELETE', path, undefined, everythingOf(id));
    } else if (choice < 0.3) {
      this.#clients.delete(id);
      await this.#change(node, `disable the client ${id}`, 'PATCH', path, { enabled: false }, everythingOf(id));
    } else if (choice < 0.45) {
      const body = { overlap_seconds: 0 };
      const before = client.secret;
      // Without an answer it is unknown whether this one is valid, or a new one that nobody knows.
      client.secret = undefined;
      const { answer, at } = await this.#change(
        node,
        `rotate the secret of ${id}`,
        'POST',
        `${path}/secret`,
        body,
        everythingOf(id),
      );
      if (answer.status === 200) {
        this.#adoptSecret(client, answer.body.client_secret, at);
      } else if (outcomeOf(answer) === 'refused') {
        client.secret = before;
      }
    } else if (choice < 0.6) {
      await this.#change(node, `revoke the tokens of ${id}`, 'POST', `${path}/revoke`, undefined, [{ clientId: id }]);
    } else if (choice < 0.75 && client.hasResource) {
      client.hasResource = false;
      await this.#change(node, `withdraw the resource of ${id}`, 'PATCH', path, { resources: [] }, [
        { clientId: id, resource: audience },
      ]);
    } else if (client.scopes.length > 1 && last !== undefined) {
      client.scopes = client.scopes.slice(0, -1);
      await this.#change(node, `withdraw ${last} from ${id}`, 'PATCH', path, { scopes: client.scopes }, [
        { clientId: id, scope: last },
      ]);
    } else {
      await this.#change(node, `describe ${id}`, 'PATCH', path, { description: `${this.#names}` }, []);
    }
  }

  #change(
    node: Actor,
    what: string,
    method: string,
    path: string,
    body: unknown,
    ends: readonly Ends[],
  ): Promise<{ answer: Answer; at: number }> {
    return this.#record(node, what, ends, () => this.#asRoot(node, method, path, body));
  }

  async #record(node: Actor, what: string, ends: readonly Ends[], send: () => Promise<Answer>) {
    const { history, onEnd } = this.#options;
    const sentAt = history.now();
    const answer = await send();
    const at = history.now();
    const outcome = outcomeOf(answer);
    this.#acknowledged += outcome === 'acknowledged' ? 1 : 0;
    history.add({ type: 'change', what, node: node.name, outcome, ends, sentAt, at });
    if (outcome !== 'refused' && ends.length > 0) {
      onEnd(this.#endedBy(ends));
    }
    return { answer, at };
  }

  #endedBy(ends: readonly Ends[]): string[] {
    const { random } = this.#options;
    const ended = ends.flatMap((end) => [
      ...[...this.tokens.values()]
        .filter(
          ({ id, kid, clientId, parents }) =>
            'all' in end ||
            ('jti' in end && [id, ...parents.map(({ jti }) => jti)].includes(end.jti)) ||
            ('kid' in end && kid === end.kid) ||
            ('clientId' in end && clientId === end.clientId),
        )
        .map(({ id }) => id),
      ...[...this.secrets.values()]
        .filter(({ clientId }) => 'credentialsOf' in end && clientId === end.credentialsOf)
        .map(({ id }) => id),
    ]);
    for (const id of ended) {
      this.#touched.add(id);
    }
    return random.sample(ended, 3);
  }

  async #asRoot(node: Actor, method: string, path: string, body?: unknown): Promise<Answer> {
    const { history } = this.#options;
    let known = this.#rootTokens.get(node.name);
    if (known === undefined || history.now() - known.at > 20_000) {
      const {
        status,
        body: issued,
        detail,
      } = await requestToken(node, { id: '', clientId: root.clientId, text: root.clientSecret });
      if (status !== 200) {
        // The change was not sent at all.
        return { status: 401, body: undefined, detail };
      }
      known = { text: issued.access_token, at: history.now() };
      this.#rootTokens.set(node.name, known);
    }
    const answer = await call(`${node.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${known.text}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (answer.status === 401) {
      this.#rootTokens.delete(node.name);
    }
    return answer;
  }
}

/** Ends of everything that a client has. */
function everythingOf(clientId: string): Ends[] {
  return [{ clientId }, { credentialsOf: clientId }];
}

export function requestToken(
  node: Actor,
  { clientId, text }: Secret,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return postForm(`${node.url}${base}/token`, {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: text,
    ...more,
  });
}

/** An answer that is no clear refusal may hide a change that was made. */
function outcomeOf({ status }: Answer): ChangeRecord['outcome'] {
  return status >= 200 && status < 300 ? 'acknowledged' : status >= 400 && status < 500 ? 'refused' : 'unknown';
}

/** What an answer to the use of a token or secret means. */
export function verdictOf({ status, detail }: Answer) {
  const verdict = status === 200 ? 'accepted' : status === 401 ? 'refused' : 'unavailable';
  return { verdict, detail } as const;
}
