import { Agent } from 'node:http';
import type { Attack } from '../attack.ts';
import { measureUnderFlood, repeat } from '../bystanders.ts';

export const attack: Attack = {
  name: 'somebody guesses secrets at full speed',
  tries: 'Wrong secrets for root, for a client and for nobody, from another address and from that of everybody else.',
  isFlood: true,
  async run(target, findings) {
    const victim = await target.createClient({ scopes: ['policy:read'] });
    for (const from of ['127.0.0.2', '127.0.0.1']) {
      const agent = new Agent({ keepAlive: true });
      const statuses: Record<number, number> = {};
      await measureUnderFlood(target, findings.about(`from ${from}`), async (over) => {
        await repeat(over, 32, async (index) => {
          const clientId = [target.root.clientId, victim.clientId, `nobody-${index}`][index % 3] as string;
          const { status } = await target.requestToken(
            { clientId, clientSecret: `${index}`.padStart(43, 'x') },
            {},
            { agent, from },
          );
          statuses[status] = (statuses[status] ?? 0) + 1;
        });
      });
      agent.destroy();
      findings.measured(`answers ${JSON.stringify(statuses)}`);
      findings.check(`from ${from}: no guess is right`, statuses[200] === undefined, statuses);
      const { status, text } = await target.requestToken(victim, {}, { from });
      findings.check(`from ${from}: the right secret passes`, status === 200, text);
    }
  },
};
