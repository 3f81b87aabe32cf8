/** What `deploy/` has for containers, Kubernetes and systemd, as far as it can be tried without any of them. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { createServerIdentity } from '@postern/testing/certificates';
import * as apps from 'kubernetes-models/apps/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { configVariables, readConfig } from '../../server/src/index.ts';
import { makeTemporaryDirectory, removeDirectory, startServe } from './harness.ts';

const root = resolve(import.meta.dirname, '../../..');
const deploy = join(root, 'deploy');
const textOf = (path: string) => readFileSync(join(deploy, path), 'utf8');
const execute = promisify(execFile);

vi.setConfig({ testTimeout: 120_000 });

const directory = makeTemporaryDirectory();
afterAll(() => removeDirectory(directory));

/** `INSTRUCTION arguments` of the Dockerfile, in order. */
const instructions = textOf('Dockerfile')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ name: line.slice(0, line.indexOf(' ')), rest: line.slice(line.indexOf(' ') + 1) }));
const argumentsOf = (name: string) => instructions.filter((one) => one.name === name).map(({ rest }) => rest);
/** In the temporary directory what is at the root of the image. */
const moved = (text: string) => text.replaceAll(/(?<![\w./])\/(staged|packed|app|data)\b/g, join(directory, '$1'));

describe('Dockerfile', () => {
  const [install, ...commands] = argumentsOf('RUN').filter((command) => !command.startsWith('install '));
  const command: [string, ...string[]] = JSON.parse(moved(argumentsOf('CMD')[0] ?? ''));
  const env = Object.fromEntries(
    [...(argumentsOf('ENV')[0] ?? '').matchAll(/(\S+)=(\S+)/g)].map(([, name = '', value = '']) => [
      name,
      moved(value),
    ]),
  );

  beforeAll(async () => {
    // `npm ci` is what this repository was installed with.
    expect(install).toBe('npm ci');
    for (const one of commands) {
      const settings = { npm_config_prefer_offline: 'true', npm_config_fund: 'false', npm_config_audit: 'false' };
      await execute('sh', ['-ec', moved(one)], { cwd: root, env: { ...process.env, ...settings } });
    }
  }, 300_000);

  test.each(['http', 'https'])('the files of the image serve %s, and pass its own health check', async (scheme) => {
    const [program, ...args] = command;
    expect([program, args.at(-1)]).toEqual(['node', 'serve']);
    const tls: Record<string, string> = {};
    if (scheme === 'https') {
      const { cert, key } = await createServerIdentity();
      for (const [name, content] of Object.entries({ CERT: cert, KEY: key })) {
        tls[`POSTERN_TLS_${name}_FILE`] = join(directory, name);
        writeFileSync(join(directory, name), content);
      }
    }
    const server = await startServe(directory, {
      command: [process.execPath, ...args.slice(0, -1)],
      dataDir: env['POSTERN_DATA_DIR'] ?? '',
      env: { NODE_ENV: env['NODE_ENV'] ?? '', HOST: env['HOST'] ?? '', ...tls },
    });
    const check: string[] = JSON.parse(/CMD (\[.*\])/.exec(argumentsOf('HEALTHCHECK')[0] ?? '')?.[1] ?? '');
    const isHealthy = () =>
      execute(process.execPath, check.slice(1), { env: { PORT: String(server.port), ...tls } }).then(
        () => true,
        () => false,
      );
    expect(await isHealthy()).toBe(true);
    if (scheme === 'http') {
      expect((await fetch(`${server.url}/console/`)).status).toBe(200);
    }
    await server.stop();
    expect(await isHealthy()).toBe(false);
  });

  test('it runs under any uid of the group 0, as OpenShift chooses one: what it writes to belongs to that group', () => {
    expect(argumentsOf('RUN')).toContain('install -d -o node -g 0 -m 770 /data');
    expect([argumentsOf('VOLUME'), env['POSTERN_DATA_DIR']]).toEqual([['/data'], join(directory, 'data')]);
    for (const file of globSync('kubernetes/*.yaml', { cwd: deploy })) {
      expect(textOf(file)).not.toMatch(/runAsUser|runAsGroup|fsGroup/);
    }
  });

  test('the doctor finds no fault in it, once it knows its address', async () => {
    const doctor = (variables: Record<string, string>) =>
      execute(process.execPath, [...command.slice(1, -1), 'doctor', '--local'], { env: { ...env, ...variables } });
    expect(
      (await doctor({ POSTERN_ISSUER: 'https://auth.example.com', POSTERN_TRUSTED_PROXIES: '10.0.0.0/8' })).stdout,
    ).toMatch(/^The deployment works/);
    await expect(doctor({})).rejects.toThrow();
  });

  test('it does not run as root, and contains nothing from a data directory', () => {
    expect(instructions.findIndex(({ name }) => name === 'USER')).toBeLessThan(
      instructions.findIndex(({ name }) => name === 'CMD'),
    );
    // A number that is not 0: Kubernetes refuses a name with runAsNonRoot.
    expect(argumentsOf('USER')).toEqual([expect.stringMatching(/^[1-9]\d*:0$/)]);
    expect(textOf('Dockerfile.dockerignore').split('\n')).toEqual(expect.arrayContaining(['**/data', '.git']));
  });
});

/** Throws where the server would not start with them. `files`: what the variables that end with _FILE name. */
function configOf(variables: Record<string, unknown>, files: Record<string, string> = {}) {
  const known = configVariables.flatMap(({ name }) => [name, `${name}_FILE`]);
  expect(known).toEqual(expect.arrayContaining(Object.keys(variables)));
  const env = Object.entries(variables).map(([name, value]) => {
    const file = files[String(value)];
    if (file === undefined) {
      return [name, String(value)];
    }
    const path = join(directory, name);
    writeFileSync(path, file);
    return [name, path];
  });
  return readConfig(Object.fromEntries(env));
}

const databaseUrl = 'postgres://postern:secret@postgres/postern';
const masterKey = createHash('sha256').update('postern').digest('base64');
const rootSecret = 'c3f1b07e5d9a4826b1e7f0a2';

describe('compose.yaml', () => {
  const file = parse(textOf('compose/compose.yaml'), { merge: true });
  const node = file.services['postern-1'];

  test('its nodes start with these variables', () => {
    const config = configOf(
      { ...node.environment, POSTERN_ISSUER: 'https://auth.example.com' },
      {
        '/run/secrets/database_url': databaseUrl,
        '/run/secrets/master_key': masterKey,
        '/run/secrets/root_secret': rootSecret,
      },
    );
    expect(config.database.kind).toBe('postgres');
    expect(config.root).toEqual({ clientId: 'root', clientSecret: rootSecret });
  });

  test('everything that the services name exists', () => {
    for (const [name, service] of Object.entries<typeof node>(file.services)) {
      expect(Object.keys(file.services), name).toEqual(expect.arrayContaining(Object.keys(service.depends_on ?? {})));
      expect(Object.keys(file.secrets), name).toEqual(expect.arrayContaining(service.secrets ?? []));
      for (const secret of Object.values<string>(service.environment ?? {}).flatMap(
        (value) => /^\/run\/secrets\/(\w+)$/.exec(String(value))?.[1] ?? [],
      )) {
        expect(service.secrets, name).toContain(secret);
      }
    }
    expect(existsSync(join(deploy, 'compose', node.build.context, node.build.dockerfile))).toBe(true);
    const upstreams = [...textOf('compose/nginx.conf').matchAll(/^\s+server (\S+):8080;/gm)].map(([, name]) => name);
    expect(upstreams).toEqual(Object.keys(file.services).filter((name) => name.startsWith('postern-')));
  });

  test('its nodes may write nowhere but where data is in memory', () => {
    expect(node).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
  });
});

describe('Kubernetes manifests', () => {
  type Model = new (object: never) => { validate(): void };
  const models: Record<string, Record<string, unknown>> = {
    v1: core,
    'apps/v1': apps,
    'policy/v1': policy,
    'networking.k8s.io/v1': networking,
  };
  const objects = globSync('kubernetes/*.yaml', { cwd: deploy }).flatMap((path) =>
    parseAllDocuments(textOf(path)).map((document) => document.toJS()),
  );
  const find = (kind: string) => objects.find((object) => object.kind === kind);
  const pod = find('Deployment').spec.template;
  const [container] = pod.spec.containers;

  test.each(objects.map((object) => [object.kind, object]))('%s is one by the schema of Kubernetes', (kind, object) => {
    const model = models[object.apiVersion]?.[kind] as Model;
    expect(() => new model(object as never).validate()).not.toThrow();
    expect(() => new model({ ...object, spec: 1, data: 1, stringData: 1 } as never).validate()).toThrow();
  });

  test('its nodes start with the variables of the map and the secret', () => {
    const { data } = find('ConfigMap');
    const { stringData } = find('Secret');
    expect(container.envFrom).toEqual([{ configMapRef: { name: 'postern' } }, { secretRef: { name: 'postern' } }]);
    const config = configOf({
      ...data,
      ...stringData,
      POSTERN_MASTER_KEY: masterKey,
      OAUTH_ROOT_CLIENT_SECRET: rootSecret,
    });
    expect(config).toMatchObject({ host: '0.0.0.0', port: container.ports[0].containerPort });
    expect([stringData.POSTERN_MASTER_KEY, stringData.OAUTH_ROOT_CLIENT_SECRET]).toEqual(['', '']);
  });

  test('all of them choose the pods of the deployment', () => {
    const { labels } = pod.metadata;
    expect(find('Deployment').spec.selector.matchLabels).toEqual(labels);
    expect(find('Service').spec.selector).toEqual(labels);
    expect(find('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels);
    expect(find('NetworkPolicy').spec.podSelector.matchLabels).toEqual(labels);
    expect(find('PodDisruptionBudget').spec.minAvailable).toBeLessThan(find('Deployment').spec.replicas);
  });
});

test('the unit of systemd is one, where systemd is there to say so', async ({ skip }) => {
  const paths = ['/usr/bin', '/bin'].map((path) => join(path, 'systemd-analyze'));
  const analyze = paths.find((path) => existsSync(path)) ?? skip('there is no systemd-analyze');
  mkdirSync(join(directory, 'unit'));
  const unit = join(directory, 'unit/postern.service');
  // The same unit for the Node that is here.
  writeFileSync(unit, textOf('systemd/postern.service').replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  const { stderr } = await execute(analyze as string, ['verify', unit]);
  expect(stderr).toBe('');
});
