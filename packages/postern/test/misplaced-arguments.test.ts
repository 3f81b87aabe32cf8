/** A secret that is passed to the command in a wrong place is in no output, and in no list of processes. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { platform } from 'node:process';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory, removeDirectory, run, startServe } from './harness.ts';

const secret = `Mark9${randomBytes(24).toString('base64url')}`;
const env = { POSTERN_URL: 'http://127.0.0.1:9' };

test.each([
  [[secret]],
  [['--client-secret', secret]],
  [['client', secret]],
  [['client', 'show', 'a', secret]],
  [['client', 'list', '--page', secret]],
  [['client', 'create', `--secret=${secret}`]],
  [['client', 'create', '--from', secret]],
  [['token', '--profile', secret]],
  [['login', '--server', secret]],
  [['apply', secret]],
  [['serve', secret]],
])('postern %j', async (args) => {
  const { code, stdout, stderr } = await run(args, env);
  expect(code).not.toBe(0);
  expect(stdout + stderr).not.toContain(secret);
});

test.skipIf(platform !== 'linux')('its arguments are not in the list of processes', async () => {
  const directory = makeTemporaryDirectory();
  const server = await startServe(directory);
  expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').replaceAll('\0', '')).toBe('postern');
  await server.stop();
  removeDirectory(directory);
});
