/** The workflows of CI and releases, as far as they can be checked without running them. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { generateClientSecret } from '../../server/src/clients/credentials.ts';

const root = resolve(import.meta.dirname, '../../..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Workflow {
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, { readonly needs?: string; readonly steps: readonly Step[] }>;
}

const paths = globSync('.github/workflows/*.yml', { cwd: root });
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

test('there is one for changes and one for releases', () => {
  expect(paths.toSorted()).toEqual(['.github/workflows/ci.yml', '.github/workflows/release.yml']);
});

describe.each(paths)('%s', (path) => {
  const text = textOf(path);
  const workflow: Workflow = parse(text);
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  test('pins every action by its commit, and says of which version that is', () => {
    const uses = text.split('\n').filter((line) => line.includes('uses:'));
    expect(uses.length).toBe(steps.filter((step) => step.uses !== undefined).length);
    expect(uses.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  test('runs only scripts and files that exist', () => {
    const commands = steps.flatMap(({ run = '' }) => run.split('\n'));
    const named = commands.flatMap((command) => /npm run ([\w:]+)/.exec(command)?.[1] ?? []);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
    const files = commands
      .flatMap((command) => [...command.matchAll(/(?:^|\s)(\.ci\/run|deploy\/\w+)/g)])
      .map(([, file = '']) => file);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('may only read by default', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });
});

test('a release is tested before anything is published, with provenance, signatures and bills of materials', () => {
  const text = textOf('.github/workflows/release.yml');
  const { jobs }: Workflow = parse(text);
  for (const [name, { needs }] of Object.entries(jobs)) {
    expect([name, needs]).toEqual([name, name === 'test' ? undefined : 'test']);
  }
  for (const part of [
    'npm publish --provenance',
    '--sbom=true',
    'cosign sign --yes',
    'npm sbom',
    'NODE_IMAGE=node@$digest',
  ]) {
    expect(text).toContain(part);
  }
});

test('the manual names the pattern that secrets have', () => {
  const rule = /regex = '''(.+)'''/.exec(textOf('docs/releases.md'))?.[1];
  expect(generateClientSecret()).toMatch(new RegExp(`^${rule}$`));
});
