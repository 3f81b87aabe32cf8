import { Agent } from 'node:http';
import type { Attack } from '../attack.ts';
import { measureUnderFlood, repeat } from '../bystanders.ts';
import type { Target } from '../target.ts';

/** How many tokens of one client the feed may list. */
const mostOfClient = 1_000;

export const attack: Attack = {
  name: 'a client fills the feed with tokens that it gets and revokes',
  tries: 'As fast as it can: get a token, revoke it. Then root deletes the client.',
  isFlood: true,
  async run(target, findings) {
    const greedy = await target.createClient({ scopes: ['policy:read'] });
    const agent = new Agent({ keepAlive: true });
    let revoked = 0;
    const cycle = async () => {
      const { body } = await target.requestToken(greedy, {}, { agent, from: '127.0.0.2' });
      const form = { client_id: greedy.clientId, client_secret: greedy.clientSecret, token: body?.access_token ?? '' };
      revoked += (await target.form('/api/v1/oauth/revoke', form, { agent, from: '127.0.0.2' })).status === 200 ? 1 : 0;
    };
    await measureUnderFlood(target, findings, async (over) => void (await repeat(over, 16, cycle)));
    agent.destroy();
    findings.measured(`${revoked} revocations`);
    const listed = await countTokens(target);
    findings.check('the feed lists few tokens of one client', listed <= mostOfClient, `${listed} of ${revoked}`);
    await target.asRoot('DELETE', `/api/v1/oauth/client/${greedy.clientId}`);
    const left = await countTokens(target);
    findings.check(
      'entries of a deleted client leave the feed',
      left <= target.seconds * 2 + 2,
      `${left} of ${revoked}`,
    );
  },
};

/** Tokens that a guard reads which starts now. */
async function countTokens(target: Target): Promise<number> {
  let cursor: string | undefined;
  let tokens = 0;
  for (;;) {
    const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const { body } = await target.asRoot('GET', `/api/v1/oauth/revocations${query}`);
    tokens += body.entries.filter(({ type }: { type: string }) => type === 'token').length;
    if (body.more !== true) {
      return tokens;
    }
    cursor = body.cursor;
  }
}
