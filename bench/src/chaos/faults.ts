/** Carries the plan out: breaks things for a while, and records in the history what was broken when. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Administrator } from './administrator.ts';
import { call } from './call.ts';
import { type Actor, Guard } from './cast.ts';
import type { History } from './history.ts';
import { type DatabaseFault, formatStep, type ProcessFault, type Step } from './plan.ts';
import type { PostgresPair } from './postgres-pair.ts';
import { readTruth } from './truth.ts';

export interface FaultsOptions {
  readonly postgres: PostgresPair;
  readonly nodes: readonly Actor[];
  readonly guards: readonly Guard[];
  readonly administrator: Administrator;
  readonly history: History;
  readonly log: (text: string) => void;
}

/** What faults of the database break. */
const database = 'database';

/** Milliseconds for a process to become ready, in which its database is there. */
const startTimeoutMs = 40_000;

/** Milliseconds after which a supervisor starts a process again that has ended. */
const supervisorMs = 1_000;

/** Milliseconds between two looks whether a process is ready. */
const lookMs = 50;

export class Faults {
  readonly #options: FaultsOptions;
  readonly #pending = new Set<Promise<void>>();
  readonly #broken = new Set<string>();
  #database: Promise<void> = Promise.resolve();

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  /** Starts the step. Steps of the database wait for each other; one of a process that is still broken is left out. */
  begin(step: Step): void {
    const { log, history } = this.#options;
    if ('process' in step && this.#broken.has(step.process)) {
      return;
    }
    const work = async () => {
      log(formatStep({ ...step, atMs: history.now() }));
      const name = 'process' in step ? step.process : database;
      this.#broken.add(name);
      try {
        await ('process' in step ? this.#breakProcess(this.#find(step.process), step) : this.#breakDatabase(step));
      } finally {
        this.#broken.delete(name);
      }
    };
    const done = ('process' in step ? work() : this.#database.then(work)).catch((error: Error) => {
      history.add({ type: 'fault', at: history.now(), by: 'harness', text: `${step.fault}: ${error.message}` });
    });
    if (!('process' in step)) {
      this.#database = done;
    }
    this.#pending.add(done);
    void done.finally(() => this.#pending.delete(done));
  }

  /** Resolves when everything works again. */
  async end(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** Starts a process, and again if it ends, as a supervisor does, until it answers. */
  async bringUp(actor: Actor): Promise<void> {
    const { history } = this.#options;
    const path = actor instanceof Guard ? '/' : '/health/ready';
    await history.during(actor.name, 'starts', async () => {
      actor.start();
      for (let waitedMs = 0; ; ) {
        const lookedAt = history.now();
        const { status } = await call(`${actor.url}${path}`, {});
        if (status === 200 || (actor instanceof Guard && status > 0)) {
          return;
        }
        if (waitedMs > startTimeoutMs) {
          throw new Error(`${actor.name} does not become ready`);
        }
        if (!actor.isRunning) {
          await sleep(supervisorMs);
          actor.start();
        }
        await sleep(lookMs);
        waitedMs += this.#broken.has(database) ? 0 : history.now() - lookedAt;
      }
    });
  }

  /** Compares the database with the history. */
  async compare(cause: string, mayHaveLost: boolean): Promise<void> {
    const { postgres, administrator, history } = this.#options;
    const truth = await readTruth(postgres, administrator.tokens.values(), administrator.secrets.values());
    const { active, clientless } = truth;
    history.add({ type: 'database', at: history.now(), cause, mayHaveLost, active, clientless });
    if (mayHaveLost) {
      administrator.adopt(truth);
    }
  }

  #find(name: string): Actor {
    const { nodes, guards } = this.#options;
    return [...nodes, ...guards].find((actor) => actor.name === name) as Actor;
  }

  async #breakProcess(actor: Actor, step: ProcessFault): Promise<void> {
    const { history, nodes, administrator } = this.#options;
    switch (step.fault) {
      case 'kill':
        return history.during(actor.name, 'killed', async () => {
          await actor.kill();
          await sleep(step.forMs);
          await this.bringUp(actor);
        });
      case 'pause':
        return history.during(actor.name, 'paused', async () => {
          actor.signal('SIGSTOP');
          await sleep(step.forMs);
          actor.signal('SIGCONT');
        });
      case 'cut the link':
      case 'silence the link':
        return history.during(`link of ${actor.name}`, step.fault, async () => {
          actor.link.set(step.fault === 'cut the link' ? 'cut' : 'silent');
          await sleep(step.forMs);
          actor.link.set('open');
        });
      case 'set the clock':
        actor.setClock(step.offsetMs);
        await sleep(step.forMs);
        actor.setClock(0);
        return;
      case 'move':
        return history.during(`link of ${actor.name}`, 'moved', async () => {
          (actor as Guard).connectWith(nodes.find(({ name }) => name === step.node) as Actor);
        });
      case 'rotate the key':
        return administrator.rotateKey(actor);
      case 'revoke a key':
        return administrator.revokeKey(actor);
      case 'revoke all tokens':
        return administrator.revokeAll(actor);
    }
  }

  async #breakDatabase(step: DatabaseFault): Promise<void> {
    const { postgres, history } = this.#options;
    switch (step.fault) {
      case 'kill the database':
        await history.during(database, step.fault, async () => {
          await postgres.kill();
          await sleep(step.forMs);
          await postgres.restart();
        });
        return this.compare(step.fault, false);
      case 'pause the database':
        return history.during(database, step.fault, async () => {
          postgres.pause();
          await sleep(step.forMs);
          postgres.resume();
        });
      case 'fail over':
        return this.#replace(step.fault, false, () => postgres.failOver());
      case 'fail over to a replica that is behind':
        await postgres.setSynchronous(false);
        postgres.cutReplica();
        await sleep(step.forMs);
        await this.#replace(step.fault, true, () => postgres.failOver());
        return postgres.setSynchronous(true);
      case 'copy the volume':
        return postgres.copyVolume();
      case 'restore the volume':
        return this.#replace(step.fault, true, () => postgres.restoreVolume());
    }
  }

  /** Puts another server in the place of the one that nodes have known, which they see only when it is complete. */
  async #replace(cause: string, mayHaveLost: boolean, work: () => Promise<void>): Promise<void> {
    const { postgres, history, nodes } = this.#options;
    await history.during(database, cause, async () => {
      await work();
      await this.compare(cause, mayHaveLost);
      for (const { link } of nodes) {
        link.leadTo(postgres.port);
      }
    });
    await postgres.replicate();
  }
}
