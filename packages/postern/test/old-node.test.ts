/** On a Node that is too old, the command says which one it needs, and nothing else. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../bin/postern.js', import.meta.url));

/** Of the Nodes that are installed on this machine, the path of one that is too old. */
function findOldNode(): string | undefined {
  const found = spawnSync('which', ['-a', 'node'], { encoding: 'utf8' }).stdout ?? '';
  return [...found.split('\n'), '/usr/bin/node'].find((path) => {
    const { stdout } = spawnSync(path || 'false', ['--version'], { encoding: 'utf8' });
    return /^v(1\d|2[0-3])\./.test(stdout ?? '');
  });
}

test.each([['--version'], ['serve'], []])('for every verb: %s', (...args) => {
  // This Node, which believes that it is an older one.
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, main, ...args],
    { encoding: 'utf8' },
  );
  expect([status, stdout, stderr]).toEqual([1, '', 'Postern needs Node 24 or later; this is 20.20.2\n']);
});

const oldNode = findOldNode();
test.skipIf(oldNode === undefined)('also on a real one, which knows less syntax and fewer modules', () => {
  const version = execFileSync(String(oldNode), ['--version'], { encoding: 'utf8' }).trim().slice(1);
  const { status, stderr } = spawnSync(String(oldNode), [main, '--version'], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, `Postern needs Node 24 or later; this is ${version}\n`]);
});
