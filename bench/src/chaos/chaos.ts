/** One run: starts everything, breaks it by the plan of a seed, and returns the history. */
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Administrator } from './administrator.ts';
import { type Actor, createNode, Guard } from './cast.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import { makePlan, type Step } from './plan.ts';
import { startPostgresPair } from './postgres-pair.ts';
import { Prober } from './prober.ts';
import { promises } from './promises.ts';
import { createRandom } from './random.ts';
import { watchStalls } from './stalls.ts';

export interface ChaosOptions {
  readonly directory: string;
  readonly seed: number;
  readonly durationMs: number;
  /** The run continues until at least this many changes have been acknowledged. Default: 0. */
  readonly leastChanges?: number;
  readonly nodes: number;
  readonly guards: number;
  /** Undefined: that of the seed. */
  readonly plan?: readonly Step[];
  /** A fault in the last guard that the checker must find: `deaf-guard`. */
  readonly plant?: string | undefined;
  readonly log: (text: string) => void;
}

/** Milliseconds between two steps of each of the administrators who work side by side. */
const stepMs = 150;
const administrators = 4;

/** Things that are tried once more at the end, everywhere. */
const mostTriedAtEnd = 80;

/** Milliseconds until every process must have recovered when nothing is broken any more. */
const settleMs = promises.guardStalenessMs + promises.stalenessSlackMs + promises.deadAfterMs;

export async function runChaos(options: ChaosOptions): Promise<History> {
  const { directory, seed, durationMs, leastChanges = 0, log } = options;
  const random = createRandom(seed);
  const nodeNames = names('node', options.nodes);
  const guardNames = names('guard', options.guards);
  const plan = options.plan ?? makePlan({ nodes: nodeNames, guards: guardNames, durationMs, random });
  mkdirSync(directory, { recursive: true });
  // PostgreSQL may run as another user, who must reach its own folder.
  chmodSync(dirname(directory), 0o711);
  chmodSync(directory, 0o711);

  const history = new History();
  const postgres = await startPostgresPair(directory, (work) => history.during('database', 'copied', work));
  const nodes = await Promise.all(nodeNames.map((name) => createNode(name, directory, postgres, history)));
  const guards: Guard[] = [];
  let prober: Prober | undefined;
  const administrator = new Administrator({
    nodes,
    history,
    random: random.fork('administration'),
    onEnd: (ids) => prober?.watch(ids),
  });
  const faults = new Faults({ postgres, nodes, guards, administrator, history, log });
  const actors = (): Actor[] => [...nodes, ...guards];
  try {
    const [first, ...others] = nodes as [Actor, ...Actor[]];
    await faults.bringUp(first);
    await administrator.createResource(first);
    const client = await administrator.createGuardClient(first);
    await Promise.all(others.map((node) => faults.bringUp(node)));
    for (const [index, name] of guardNames.entries()) {
      const node = nodes[index % nodes.length] as Actor;
      const plant = index === guardNames.length - 1 ? options.plant : undefined;
      guards.push(await Guard.create({ name, directory, node, client, plant, history }));
    }
    await Promise.all(guards.map((guard) => faults.bringUp(guard)));
    prober = new Prober({ administrator, nodes, guards, history, random: random.fork('probes') });

    const stopWatching = watchStalls(actors(), history);
    const startedAt = history.now();
    const isOver = () => history.now() - startedAt >= durationMs && administrator.acknowledged >= leastChanges;
    const probing = prober.run();
    const administrating = Array.from({ length: administrators }, async () => {
      while (!isOver()) {
        await administrator.step();
        await sleep(stepMs);
      }
    });
    for (const step of plan) {
      await sleep(Math.max(0, startedAt + step.atMs - history.now()));
      faults.begin(step);
    }
    await Promise.all(administrating);
    await faults.end();
    log('Everything works again; waiting until every process must know everything');
    await sleep(settleMs);
    for (const id of random.fork('end').sample(administrator.things, mostTriedAtEnd)) {
      await prober.tryEverywhere(id);
    }
    await prober.stop();
    await probing;
    stopWatching();
    await faults.compare('at the end', false);
    return history;
  } finally {
    await Promise.all(actors().map((actor) => actor.stop()));
    await postgres.stop();
  }
}

function names(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`);
}
