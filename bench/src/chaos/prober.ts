/** Tries tokens and secrets at every process, and records what was answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Administrator, requestToken, verdictOf } from './administrator.ts';
import { call, postForm } from './call.ts';
import { type Actor, type Guard, root } from './cast.ts';
import type { History, ProbeRecord } from './history.ts';
import type { Random } from './random.ts';

export interface ProberOptions {
  readonly administrator: Pick<Administrator, 'tokens' | 'secrets' | 'things' | 'untouched'>;
  readonly nodes: readonly Actor[];
  readonly guards: readonly Guard[];
  readonly history: History;
  readonly random: Random;
}

/** Milliseconds after the end of a token at which every process is asked: to measure, when all must know, and later. */
const askedAfterMs = [50, 1_010, 4_000];

/** Milliseconds between two attempts with something that may be valid. */
const intervalMs = 60;

export class Prober {
  readonly #options: ProberOptions;
  readonly #pending = new Set<Promise<void>>();
  #isOver = false;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Tries random tokens and secrets, most of which should be valid, until `stop` is called. */
  async run(): Promise<void> {
    const { administrator, random } = this.#options;
    while (!this.#isOver) {
      const things = random.chance(0.8) ? administrator.untouched : administrator.things;
      const id = things[Math.floor(random.next() * things.length)];
      if (id !== undefined) {
        this.#track(this.#tryAtOne(id));
      }
      await sleep(intervalMs);
    }
  }

  /** Tries something that has just ended, everywhere and several times. */
  watch(ids: readonly string[]): void {
    for (const id of ids) {
      for (const afterMs of askedAfterMs) {
        this.#track(sleep(afterMs).then(() => (this.#isOver ? undefined : this.tryEverywhere(id))));
      }
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#pending);
  }

  async tryEverywhere(id: string): Promise<void> {
    const { nodes, guards } = this.#options;
    await Promise.all([...nodes, ...guards].map((actor) => this.#try(id, actor)));
  }

  async #tryAtOne(id: string): Promise<void> {
    const { nodes, guards, random } = this.#options;
    await this.#try(id, random.pick([...nodes, ...guards]));
  }

  async #try(id: string, actor: Actor): Promise<void> {
    const { administrator, guards } = this.#options;
    const token = administrator.tokens.get(id);
    const secret = administrator.secrets.get(id);
    const isGuard = guards.some((guard) => guard === actor);
    if (secret !== undefined && !isGuard) {
      await this.#record(id, actor, 'token request', () => requestToken(actor, secret));
    } else if (token !== undefined && (!isGuard || token.resources.length > 0)) {
      const bearer = { headers: { authorization: `Bearer ${token.text}` } };
      if (isGuard) {
        await this.#record(id, actor, 'guard', () => call(`${actor.url}/`, bearer));
      } else if (token.resources.length === 0 && token.scopes.includes('policy:read')) {
        await this.#record(id, actor, 'api', () => call(`${actor.url}/api/v1/policy`, bearer));
      } else {
        await this.#record(id, actor, 'introspection', async () => {
          const answer = await postForm(`${actor.url}/api/v1/oauth/introspect`, {
            client_id: root.clientId,
            client_secret: root.clientSecret,
            token: token.text,
          });
          return answer.body?.active === false ? { ...answer, status: 401, detail: 'inactive' } : answer;
        });
      }
    }
  }

  async #record(
    id: string,
    { name }: Actor,
    how: ProbeRecord['how'],
    send: () => Promise<{ status: number; body: unknown; detail: string }>,
  ): Promise<void> {
    const { history } = this.#options;
    const sentAt = history.now();
    const answer = await send();
    history.add({ type: 'probe', id, observer: name, how, ...verdictOf(answer), sentAt, at: history.now() });
  }

  #track(work: Promise<void>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }
}
