import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import type { Attack } from '../attack.ts';
import { assert, makeKey } from '../signed.ts';

export const attack: Attack = {
  name: 'a URL of keys reaches into the network of the server',
  tries: 'jwks_uri and issuers at loopback, private and metadata addresses in every spelling; counts connections.',
  async run(target, findings) {
    let connections = 0;
    const listeners = await Promise.all(
      ['127.0.0.1', '::1'].map(
        (host) =>
          new Promise<Server>((resolve) => {
            const server = createServer((socket) => {
              connections += 1;
              socket.destroy();
            }).on('error', () => resolve(server));
            server.listen(0, host, () => resolve(server));
          }),
      ),
    );
    const [port, port6] = listeners.map((listener) => (listener.address() as { port: number } | null)?.port ?? 443);
    const hosts = [
      `127.0.0.1:${port}`,
      `127.1:${port}`,
      `0x7f.1:${port}`,
      `2130706433:${port}`,
      `0177.0.0.1:${port}`,
      `127.0.0.2:${port}`,
      `0.0.0.0:${port}`,
      `0:${port}`,
      `localhost:${port}`,
      `localhost.:${port}`,
      `LOCALHOST:${port}`,
      `a.localhost:${port}`,
      `[::1]:${port6}`,
      `[0:0:0:0:0:0:0:1]:${port6}`,
      `[::]:${port6}`,
      `[::ffff:127.0.0.1]:${port}`,
      `[::ffff:7f00:1]:${port}`,
      `[64:ff9b::7f00:1]:${port}`,
      `[::127.0.0.1]:${port}`,
      '169.254.169.254',
      '[fd00:ec2::254]',
      '100.100.100.200',
      '10.0.0.1',
      'user:pass@127.0.0.1',
      '127.0.0.1%20',
      '１２７.0.0.1',
      `ⓛocalhost:${port}`,
    ];
    const key = await makeKey();
    const token = await target.rootToken();
    for (const host of hosts) {
      for (const scheme of ['https', 'http', 'HTTPS', 'file', 'ftp', 'data']) {
        const url = scheme === 'data' ? 'data:application/json,{"keys":[]}' : `${scheme}://${host}/keys`;
        const created = await target.call('POST', '/api/v1/oauth/client', {
          token,
          body: { scopes: ['policy:read'], token_endpoint_auth_method: 'private_key_jwt', jwks_uri: url },
        });
        if (created.status === 200) {
          const form = await assert(target, created.body.client_id, key);
          const { status, text } = await target.form('/api/v1/oauth/token', {
            grant_type: 'client_credentials',
            ...form,
          });
          findings.check(`no token by keys at ${url}`, status >= 400 && status < 500, `${status} ${text}`);
          findings.check(
            `${url}: nothing of the fetch is told`,
            !/ECONN|refused|timed? ?out|certificate|socket/i.test(text),
            text,
          );
        }
        const id = `i-${randomUUID()}`;
        const rules = [{ client_id: target.root.clientId, claims: { sub: 'me' } }];
        const saved = await target.call('PUT', '/api/v1/oauth/issuer', {
          token,
          body: { key: id, issuer: `https://${id}.example.com`, jwks_uri: url, rules },
        });
        findings.check(
          `no fault for an issuer with keys at ${url}`,
          saved.status < 500 && saved.status > 0,
          saved.text,
        );
      }
    }
    findings.check('no connection into the network', connections === 0, `${connections} connections`);
    for (const listener of listeners) {
      listener.close();
    }
  },
};
