import { Agent } from 'node:http';
import type { Attack } from '../attack.ts';
import { measureUnderFlood, repeat } from '../bystanders.ts';

export const attack: Attack = {
  name: 'batches hold up everybody and fill the memory',
  tries: 'Three administrators send large dry runs over and over, and 60 large bodies arrive at once.',
  isFlood: true,
  async run(target, findings) {
    const who = await target.createClient({ scopes: ['client:create', 'batch:apply', 'policy:create_or_update'] });
    const token = await target.token(who);
    const agent = new Agent({ keepAlive: true });
    const create = (index: number) => ({
      method: 'POST',
      path: '/api/v1/oauth/client',
      body: { name: `batch ${index}` },
    });
    const send = (operations: object[], dry_run: boolean) =>
      target.call('POST', '/api/v1/batch', { token, body: { operations, dry_run }, agent });
    const many = Array.from({ length: 2_000 }, (_, index) => create(index));
    const long = Array.from({ length: 40 }, (_, index) => ({
      ...create(index),
      body: { description: 'x'.repeat(100_000) },
    }));
    const statuses: Record<number, number> = {};
    await measureUnderFlood(target, findings, async (over) => {
      const dryRuns = repeat(over, 3, async () => {
        const { status } = await send(many, true);
        statuses[status] = (statuses[status] ?? 0) + 1;
      });
      const bodies = Promise.all(Array.from({ length: 60 }, () => send(long, false)));
      await Promise.all([dryRuns, bodies]);
    });
    agent.destroy();
    findings.measured(`answers ${JSON.stringify(statuses)}`);
  },
};
