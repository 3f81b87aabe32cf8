import { Agent } from 'node:http';
import type { Attack } from '../attack.ts';
import { measureUnderFlood, repeat } from '../bystanders.ts';
import type { Target } from '../target.ts';

/** Events that one self-service caller may cause each second. */
const mostPerSecond = 20;

export const attack: Attack = {
  name: 'registered clients flood the audit trail with rotations of their tokens',
  tries: 'Reads and updates of a registration as fast as possible, each of which rotates its registration token.',
  isFlood: true,
  env: { POSTERN_REGISTRATION: 'initial_access_token' },
  async run(target, findings) {
    const agent = new Agent({ keepAlive: true });
    const { body } = await target.asRoot('POST', '/api/v1/oauth/initial-access-token', {
      scopes: ['policy:read'],
      max_uses: 100,
    });
    const register = () => target.register(body.initial_access_token, {}, { agent });
    const clients = (await Promise.all(Array.from({ length: 8 }, register))).map((answer) => answer.body);
    const before = await headOf(target);
    await measureUnderFlood(target, findings, async (over) => {
      await Promise.all(
        clients.map(async ({ client_id: id, registration_access_token: first }) => {
          let token = first;
          await repeat(over, 1, async (index) => {
            const update = { token, body: { client_id: id, client_name: `x${index}` }, agent };
            const answer =
              index % 2 === 0
                ? await target.call('GET', `/api/v1/oauth/register/${id}`, { token, agent })
                : await target.call('PUT', `/api/v1/oauth/register/${id}`, update);
            token = answer.body?.registration_access_token ?? token;
          });
        }),
      );
    });
    agent.destroy();
    // Bystanders change four things a second and revoke one token, both before and during the flood.
    const events = (await headOf(target)) - before - 10 * target.seconds - 10;
    findings.measured(`${events} events`);
    findings.check(
      'few events',
      events <= mostPerSecond * target.seconds * clients.length,
      `${events} in ${target.seconds} s`,
    );
  },
};

async function headOf(target: Target): Promise<number> {
  return (await target.asRoot('GET', '/api/v1/oauth/events?size=1')).body.head;
}
