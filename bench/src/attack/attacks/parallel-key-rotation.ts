import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'parallel rotations fill the key set',
  tries: '40 key rotations at once, and 40 more one after the other.',
  async run(target, findings) {
    const before = await countKeys();
    const token = await target.token(await target.createClient({ scopes: ['key:rotate', 'key:read'] }));
    const rotate = () => target.call('POST', '/api/v1/oauth/key/rotate', { token, body: {} });
    const atOnce = await Promise.all(Array.from({ length: 40 }, rotate));
    findings.check(
      'no answer is a fault of the server',
      atOnce.every(({ status }) => status > 0 && status < 500),
      atOnce.map(({ status }) => status),
    );
    findings.check(
      'at most one successor at a time',
      (await countKeys()) <= before + 1,
      `${before} → ${await countKeys()} keys`,
    );
    for (let index = 0; index < 40; index += 1) {
      await rotate();
    }
    findings.check(
      'one after the other makes no more',
      (await countKeys()) <= before + 1,
      `${before} → ${await countKeys()} keys`,
    );
    const { status } = await target.requestToken(target.root);
    findings.check('tokens are still issued', status === 200, status);

    async function countKeys(): Promise<number> {
      return (await target.call('GET', '/.well-known/jwks.json')).body.keys.length;
    }
  },
};
