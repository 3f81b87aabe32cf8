import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'answers tell browsers or strangers more than they should',
  tries: 'Every kind of answer, for its headers; and the metrics on the public port.',
  async run(target, findings) {
    const token = await target.rootToken();
    const answers = {
      'a token': await target.requestToken(target.root),
      'a refused token': await target.requestToken({ clientId: 'x', clientSecret: 'y' }),
      'the keys': await target.call('GET', '/.well-known/jwks.json'),
      'the metadata': await target.call('GET', '/.well-known/oauth-authorization-server'),
      clients: await target.call('GET', '/api/v1/oauth/client', { token }),
      'no token': await target.call('GET', '/api/v1/oauth/client'),
      'no route': await target.call('GET', '/nothing'),
      'the wrong method': await target.call('DELETE', '/api/v1/oauth/token'),
      health: await target.call('GET', '/health'),
      'the documentation': await target.call('GET', '/api'),
      'the description': await target.call('GET', '/openapi.json'),
      'the console': await target.call('GET', '/console/'),
      'a redirect': await target.call('GET', '/'),
      'an encoded URL that is invalid': await target.call('GET', '/%ff%'),
    };
    for (const [name, { headers }] of Object.entries(answers)) {
      findings.check(`${name}: nosniff`, headers['x-content-type-options'] === 'nosniff', headers);
      findings.check(
        `${name}: no name of the software`,
        headers['server'] === undefined && headers['x-powered-by'] === undefined,
        headers,
      );
      findings.check(
        `${name}: no other origin may read it with credentials`,
        headers['access-control-allow-credentials'] === undefined,
        headers,
      );
    }
    const metrics = await target.call('GET', '/metrics');
    findings.check('no metrics on the public port', metrics.status === 404, metrics.status);
  },
};
