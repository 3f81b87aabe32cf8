import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import type { Attack } from '../attack.ts';

const command = fileURLToPath(new URL('../../../../node_modules/.bin/postern', import.meta.url));
const strong = {
  OAUTH_ROOT_CLIENT_ID: 'root',
  OAUTH_ROOT_CLIENT_SECRET: 'Jx7pQ2vLmN4rT8wYzB5cD9fG3hK6sA1eU0iO_-.~pV2',
};
const key = (bytes: Buffer) => ({ ...strong, POSTERN_MASTER_KEY: bytes.toString('base64') });

const weak: readonly [name: string, env: Record<string, string>][] = [
  ...[
    'password',
    'changeme',
    'secretsecretsecretsecretsecretsecretsecretsecret',
    'a'.repeat(64),
    '1234567890'.repeat(5),
    'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
    'rootrootrootroot',
    '01'.repeat(30),
  ].map((secret): [string, Record<string, string>] => [
    `the secret ${secret.slice(0, 20)}`,
    { ...strong, OAUTH_ROOT_CLIENT_SECRET: secret },
  ]),
  [
    'its id as the secret',
    {
      OAUTH_ROOT_CLIENT_ID: strong.OAUTH_ROOT_CLIENT_SECRET,
      OAUTH_ROOT_CLIENT_SECRET: strong.OAUTH_ROOT_CLIENT_SECRET,
    },
  ],
  ['a master key of zeros', key(Buffer.alloc(32))],
  ['a master key of one byte', key(Buffer.alloc(32, 0xff))],
  ['a master key of a pattern', key(Buffer.alloc(32, 'ab'))],
  ['a master key that counts', key(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))],
  ['a master key of text', key(Buffer.from('this-is-my-very-secret-masterkey'))],
];

export const attack: Attack = {
  name: 'the server starts with a secret that can be guessed',
  tries: 'Root secrets and master keys that people choose.',
  async run(_, findings) {
    for (const [name, env] of weak) {
      const { code, output } = await start(env);
      findings.check(`${name} is refused`, code === 1, code === undefined ? 'it started' : output);
      findings.check(
        `${name}: the error says which`,
        /OAUTH_ROOT_CLIENT_SECRET|POSTERN_MASTER_KEY/.test(output),
        output,
      );
      const secret = env['POSTERN_MASTER_KEY'] ?? (env['OAUTH_ROOT_CLIENT_SECRET'] as string);
      findings.check(`${name}: the error does not repeat it`, !output.includes(secret), output);
    }
  },
};

/** How a start ends; undefined if it listens. */
async function start(env: Record<string, string>): Promise<{ code: number | undefined; output: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-attack-'));
  const child = spawn(process.execPath, [command, 'serve'], {
    env: { PATH: process.env['PATH'] ?? '', PORT: `${await freePort()}`, POSTERN_DATA_DIR: directory, ...env },
  });
  let output = '';
  const code = await new Promise<number | undefined>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('Postern listens on')) {
        child.kill('SIGKILL');
        resolve(undefined);
      }
    });
    child.once('close', (ended) => resolve(ended ?? undefined));
  });
  rmSync(directory, { recursive: true, force: true });
  return { code, output };
}
