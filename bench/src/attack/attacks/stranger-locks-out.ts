import type { Attack } from '../attack.ts';
import { assert, makeKey } from '../signed.ts';

export const attack: Attack = {
  name: 'a stranger at the same address locks others out',
  tries:
    'Wrong secrets for root and 1,200 wrong ones for anybody from one address; then the right credentials from it.',
  env: { POSTERN_REGISTRATION: 'initial_access_token' },
  async run(target, findings) {
    const key = await makeKey();
    const bySecret = await target.createClient({ scopes: ['policy:read'] });
    const byKey = await target.createClient({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.jwk] },
      scopes: ['policy:read'],
    });
    const invitation = (
      await target.asRoot('POST', '/api/v1/oauth/initial-access-token', { scopes: ['policy:read'], max_uses: 10 })
    ).body;
    const registered = (await target.register(invitation.initial_access_token)).body;

    const wrong = { clientSecret: 'x'.repeat(43) };
    const answers: number[] = [];
    for (const clientId of [
      ...Array(80).fill(target.root.clientId),
      ...Array(80).fill(bySecret.clientId),
      ...Array(80).fill(byKey.clientId),
    ]) {
      answers.push((await target.requestToken({ clientId, ...wrong })).status);
    }
    const strange = await makeKey();
    for (let index = 0; index < 70; index += 1) {
      const form = await assert(target, byKey.clientId, strange);
      await target.form('/api/v1/oauth/token', { grant_type: 'client_credentials', ...form });
      await target.call('GET', `/api/v1/oauth/register/${registered.client_id}`, { token: 'x'.repeat(43) });
    }
    await Promise.all(
      Array.from({ length: 1_200 }, async (_, index) => target.requestToken({ clientId: `nobody-${index}`, ...wrong })),
    );
    findings.check('wrong secrets are refused early at some time', answers.includes(429), answers.slice(-3));

    const root = await target.requestToken(target.root);
    findings.check('root gets in with the right secret', root.status === 200, root.text);
    const basic = `Basic ${Buffer.from(`${bySecret.clientId}:${bySecret.clientSecret}`).toString('base64')}`;
    const right: [string, () => Promise<{ status: number; text: string }>][] = [
      ['client_secret_post', () => target.requestToken(bySecret)],
      [
        'client_secret_basic',
        () =>
          target.form('/api/v1/oauth/token', 'grant_type=client_credentials', { headers: { authorization: basic } }),
      ],
      [
        'private_key_jwt',
        async () =>
          target.form('/api/v1/oauth/token', {
            grant_type: 'client_credentials',
            ...(await assert(target, byKey.clientId, key)),
          }),
      ],
      [
        'introspection',
        () => target.form('/api/v1/oauth/introspect', 'token=x', { headers: { authorization: basic } }),
      ],
      ['revocation', () => target.form('/api/v1/oauth/revoke', 'token=x', { headers: { authorization: basic } })],
      [
        'a registration token',
        () =>
          target.call('GET', `/api/v1/oauth/register/${registered.client_id}`, {
            token: registered.registration_access_token,
          }),
      ],
      ['an initial access token', () => target.register(invitation.initial_access_token)],
    ];
    for (const [name, send] of right) {
      const { status, text } = await send();
      findings.check(`${name}: the right credential passes`, status === 200 || status === 201, `${status} ${text}`);
    }
    const guesses = await target.requestToken({ ...bySecret, ...wrong });
    findings.check('a wrong one is refused', guesses.status === 429 || guesses.status === 401, guesses.text);
    await target.requestToken(bySecret, {}, { headers: { 'x-forwarded-for': '203.0.113.7' } });
    findings.check(
      'forwarded headers of an untrusted peer are warned of',
      /forwarded/i.test(await target.readLog()),
      'no line of the log',
    );
  },
};
