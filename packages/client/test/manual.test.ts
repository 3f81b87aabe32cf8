/** The program of docs/call-an-api.md, as it stands there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { startTestServer } from '@postern/testing/test-server';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../../docs/call-an-api.md', import.meta.url), 'utf8');
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

const firstProgram = (text: string) => /```ts\n(.*?)```/s.exec(text)?.[1] ?? '';

test('calls an API in three lines', async () => {
  const server = await startTestServer();
  try {
    const { clientId, clientSecret } = await server.createClient({ scopes: ['scope:read'] });
    const program = firstProgram(page)
      .replace('https://auth.example.com', server.url)
      .replace('https://api.example.com/orders', `${server.url}/api/v1/oauth/scope`);
    expect(program.split('\n').filter((line) => line !== '' && !line.startsWith('import')).length).toBeLessThanOrEqual(
      3,
    );
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--input-type=module-typescript',
        '--eval',
        `const [id, secret]: string[] = process.argv.slice(1);\n${program}\nconsole.log(answer.status);`,
        clientId,
        clientSecret,
      ],
      { cwd: import.meta.dirname },
    );
    expect(stdout).toBe('200\n');
  } finally {
    await server.close();
  }
});

test('the README of the package shows the same program', () => {
  expect(firstProgram(readme)).toBe(firstProgram(page));
});
