/** Fetches from addresses that others name must not reach into Postern's own network: RFC 7591 §5, RFC 9700 §4.18. */
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import { type ConnectProxy, startConnectProxy } from '@postern/testing/connect-proxy';
import { type DocumentServer, startHttpsServer } from '@postern/testing/document-server';
import { listenOnLoopback } from '@postern/testing/loopback-listener';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createGuardedFetch } from '../src/http/guarded-fetch.ts';

let other: DocumentServer;
let portText: string;
const guarded = createGuardedFetch([]);
const local = createGuardedFetch(['127.0.0.1/32']);

beforeAll(async () => {
  other = await startHttpsServer();
  portText = new URL(other.url).port;
  other.documents.set('/document', { found: true });
});
afterAll(() => other.close());
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const read = async (fetching: Promise<Response>) => (await fetching).json();

describe('with a list of hosts, no other one is asked', () => {
  const listed = (...hosts: string[]) => createGuardedFetch(['127.0.0.1/32'], hosts);
  const url = () => `https://localhost:${portText}/document`;

  test('one that is named, or is below a name', async () => {
    expect(await read(listed('a.example', 'localhost')(url()))).toEqual({ found: true });
    expect(await read(listed('localhost')(url().replace('localhost', 'LOCALHOST')))).toEqual({ found: true });
  });

  test.each([
    ['no host at all', []],
    ['another host', ['example.com']],
    ['names below it', ['*.localhost']],
    ['a name that it ends with', ['host', '*.host']],
    ['its address', ['127.0.0.1']],
  ])('%s is named', async (_what, hosts) => {
    const before = other.hits('/document');
    await expect(listed(...hosts)(url())).rejects.toThrow('POSTERN_OUTBOUND_HOSTS does not name the host of');
    expect(other.hits('/document')).toBe(before);
  });

  test('names below one are matched at a dot', async () => {
    const reject = (name: string) =>
      listed('*.example.com')(`https://${name}/document`).catch((error: Error) => error.message);
    for (const name of ['example.com', 'badexample.com', 'example.com.evil.test']) {
      expect(await reject(name)).toContain('POSTERN_OUTBOUND_HOSTS');
    }
  });
});

describe('only public addresses are connected to', () => {
  test.each([
    ['loopback', '127.0.0.1'],
    ['loopback in another spelling', '2130706433'],
    ['loopback, shortened', '127.1'],
    ['a name that means loopback', 'localhost'],
    ['IPv6 loopback', '[::1]'],
    ['IPv4-mapped loopback', '[::ffff:127.0.0.1]'],
    ['IPv4-mapped loopback in hexadecimal', '[::ffff:7f00:1]'],
    ['loopback by NAT64', '[64:ff9b::7f00:1]'],
    ['loopback by 6to4', '[2002:7f00:1::1]'],
    ['the unspecified address', '0.0.0.0'],
    ['the unspecified IPv6 address', '[::]'],
    ['a private network of class A', '10.0.0.1'],
    ['a private network of class B', '172.16.0.1'],
    ['a private network of class C', '192.168.0.1'],
    ['a carrier-grade NAT', '100.64.0.1'],
    ['link-local metadata of clouds', '169.254.169.254'],
    ['IPv4-mapped link-local metadata', '[::ffff:169.254.169.254]'],
    ['IPv6 metadata of AWS', '[fd00:ec2::254]'],
    ['IPv6 link-local', '[fe80::1]'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
  ])('not %s', async (_name, host) => {
    const before = other.hits('/document');
    await expect(guarded(`https://${host}:${portText}/document`)).rejects.toThrow(/is not allowed/);
    expect(other.hits('/document')).toBe(before);
  });

  test('but those that the configuration allows, and no others with them', async () => {
    expect(await read(local(`${other.url}/document`))).toEqual({ found: true });
    await expect(local(`https://127.0.0.2:${portText}/document`)).rejects.toThrow(/is not allowed/);
    await expect(local('https://169.254.169.254/latest/meta-data')).rejects.toThrow(/is not allowed/);
  });

  test('also where only one of the addresses of a name is not public', async () => {
    // The resolver of the machine stands in for the DNS of an attacker.
    vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, done: (...a: unknown[]) => void) =>
      done(null, [
        { address: '198.41.0.4', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ])) as never);
    syncBuiltinESMExports();
    await expect(guarded(`https://rebound.example:${portText}/document`)).rejects.toThrow(/is not allowed/);
  });
});

describe('through a proxy, addresses are checked before it is asked', () => {
  let proxy: ConnectProxy;
  beforeAll(async () => {
    proxy = await startConnectProxy(Number(portText));
  });
  beforeEach(() => {
    vi.stubEnv('HTTPS_PROXY', proxy.url).stubEnv('NO_PROXY', '');
    (proxy.targets as string[]).length = 0;
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => proxy.close());

  const resolveTo = (...addresses: string[]) => {
    const answers = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    vi.spyOn(dns.promises, 'lookup').mockResolvedValue(answers as never);
    syncBuiltinESMExports();
  };

  test('a host with a public address is asked for by its name', async () => {
    resolveTo('198.41.0.4');
    // The certificate is for localhost, which is what tells that the other end of the tunnel was reached.
    await expect(guarded('https://keys.example/document')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(proxy.targets).toEqual(['keys.example:443']);
  });

  test('and the document comes through it, if its address is allowed', async () => {
    expect(await read(local(`https://127.0.0.1:${portText}/document`))).toEqual({ found: true });
    expect(proxy.targets).toEqual([`127.0.0.1:${portText}`]);
  });

  test.each([
    ['loopback', '127.0.0.1'],
    ['loopback in another spelling', '2130706433'],
    ['a name that means loopback', 'localhost'],
    ['IPv4-mapped loopback', '[::ffff:127.0.0.1]'],
    ['a private network', '10.0.0.1'],
    ['link-local metadata of clouds', '169.254.169.254'],
    ['IPv6 metadata of AWS', '[fd00:ec2::254]'],
    ['loopback by NAT64', '[64:ff9b::7f00:1]'],
  ])('%s never reaches it', async (_name, host) => {
    await expect(guarded(`https://${host}/document`)).rejects.toThrow(/is not allowed/);
    expect(proxy.targets).toEqual([]);
  });

  test('nor does a name of which only one address is not public', async () => {
    resolveTo('198.41.0.4', '10.0.0.1');
    await expect(guarded('https://keys.example/document')).rejects.toThrow(/10\.0\.0\.1, which is not allowed/);
    expect(proxy.targets).toEqual([]);
  });

  test('a name that only the proxy can resolve is asked for if the operator has named it', async () => {
    vi.spyOn(dns.promises, 'lookup').mockRejectedValue(new Error('ENOTFOUND'));
    syncBuiltinESMExports();
    await expect(guarded('https://keys.example/document')).rejects.toThrow('name it in POSTERN_OUTBOUND_HOSTS');
    expect(proxy.targets).toEqual([]);
    const named = createGuardedFetch([], ['keys.example']);
    await expect(named('https://keys.example/document')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(proxy.targets).toEqual(['keys.example:443']);
  });

  test('hosts that NO_PROXY names are reached directly, and checked as without a proxy', async () => {
    vi.stubEnv('NO_PROXY', 'localhost,127.0.0.1');
    expect(await read(local(`${other.url}/document`))).toEqual({ found: true });
    await expect(guarded(`${other.url}/document`)).rejects.toThrow(/is not allowed/);
    expect(proxy.targets).toEqual([]);
  });

  test('a proxy that does not answer is given up in time, and its password is in no error', async () => {
    const deaf = createServer();
    const asked = once(deaf, 'connect');
    const { port, close } = await listenOnLoopback(deaf);
    vi.stubEnv('HTTPS_PROXY', `http://user:hidden@127.0.0.1:${port}`);
    resolveTo('198.41.0.4');
    const timer = new AbortController();
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(timer.signal);
    const fault = guarded('https://keys.example/document').catch((error: Error) => error);
    const [, tunnel] = await asked;
    const closed = once(tunnel, 'close');
    tunnel.resume().on('error', () => {});
    timer.abort(new DOMException('time is up', 'TimeoutError'));
    const error = (await fault) as Error;
    expect(error).toBeInstanceOf(Error);
    expect(`${error.message} ${error.cause}`).not.toContain('hidden');
    tunnel.destroy();
    await closed;
    await close();
  });
});

describe('only https', () => {
  test.each(['http://127.0.0.1/', 'file:///etc/passwd', 'ftp://127.0.0.1/', 'data:application/json,{}', 'nonsense'])(
    'not %s',
    async (url) => {
      await expect(local(url)).rejects.toThrow('not an https URL');
    },
  );

  test('and only with a certificate for the name', async () => {
    const plain = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    await expect(local(`https://127.0.0.1:${(plain.address() as AddressInfo).port}/`)).rejects.toThrow();
    plain.close();
    const everyLocal = createGuardedFetch(['127.0.0.0/8']);
    await expect(everyLocal(`https://127.0.0.2:${portText}/document`)).rejects.toThrow();
  });
});

describe('what is answered is not trusted either', () => {
  test.each([301, 302, 303, 307, 308])('a redirect by %s is not followed', async (status) => {
    other.documents.set('/moved', (_request, response) => {
      response.writeHead(status, { location: `${other.url}/document` }).end();
    });
    const before = other.hits('/document');
    await expect(local(`${other.url}/moved`)).rejects.toThrow(`status ${status}`);
    expect(other.hits('/document')).toBe(before);
  });

  test.each([204, 404, 500])('an answer of status %s is no document', async (status) => {
    other.documents.set('/odd', (_request, response) => {
      response.writeHead(status).end();
    });
    await expect(local(`${other.url}/odd`)).rejects.toThrow(`status ${status}`);
  });

  test('a document that never ends is given up when it is too large', async () => {
    const closed = new Promise<void>((done) => {
      other.documents.set('/endless', (_request, response) => {
        const chunk = Buffer.alloc(65_536, ' ');
        const go = () => {
          while (!response.destroyed && response.write(chunk)) {}
        };
        response.on('drain', go).on('close', done);
        go();
      });
    });
    await expect(local(`${other.url}/endless`)).rejects.toThrow('more than 262144 bytes');
    await closed;
  });

  test('one that stops in the middle is no document', async () => {
    other.documents.set('/cut', (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"keys":', () => request.socket.destroy());
    });
    await expect(local(`${other.url}/cut`)).rejects.toThrow();
  });

  test.each([
    ['that does not begin to answer', ''],
    ['that drips', '{'],
  ])('a server %s is given up after five seconds', async (_name, start) => {
    const timer = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(timer.signal);
    const started = new Promise<void>((done) => {
      other.documents.set('/slow', (_request, response) => {
        if (start === '') {
          done();
        } else {
          response.write(start, () => done());
        }
      });
    });
    const fetching = local(`${other.url}/slow`);
    await started;
    timer.abort(new DOMException('time is up', 'TimeoutError'));
    await expect(fetching).rejects.toThrow();
    expect(timeout).toHaveBeenCalledWith(5_000);
  });
});
