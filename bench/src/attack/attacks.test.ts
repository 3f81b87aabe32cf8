/** The attacks that take a moment, against a started server with two workers; `npm run attack` runs all of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeBenchDirectory } from '../bench-files.ts';
import { type RunningPostern, startPostern } from '../token/postern.ts';
import { Findings } from './attack.ts';
import { attack as receivedActorToken } from './attacks/actor-token-received.ts';
import { attack as parallelRotation } from './attacks/parallel-key-rotation.ts';
import { attack as resourceRights } from './attacks/resource-rights.ts';
import { attack as revokedToken } from './attacks/revoked-on-another-worker.ts';
import { loadAttacks } from './run-attacks.ts';
import { Target } from './target.ts';

const workers = 2;

let postern: RunningPostern;
let target: Target;

beforeAll(async () => {
  const directory = `${makeBenchDirectory()}/data`;
  postern = await startPostern(directory, undefined, { POSTERN_WORKERS: `${workers}`, POSTERN_OVERLOAD_MS: '0' });
  target = new Target(postern, undefined, { workers, seconds: 1, directory });
}, 120_000);
afterAll(() => postern.server.stop());

test.each([receivedActorToken, parallelRotation, resourceRights, revokedToken])(
  '$name',
  { timeout: 120_000 },
  async (attack) => {
    const findings = new Findings();
    await attack.run(target, findings);
    expect(findings.fell).toEqual([]);
    expect(findings.held.length).toBeGreaterThan(0);
  },
);

test('each attack has a name of its own', async () => {
  const names = (await loadAttacks()).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
