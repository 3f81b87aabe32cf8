/** The manual: its commands, run exactly as written and in order, print what it shows, and its links lead somewhere. */
import {
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, matchesGlob, resolve } from 'node:path';
import { freePort } from '@postern/testing/free-port';
import { startOwnPostgres } from '@postern/testing/own-postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeTemporaryDirectory, removeDirectory } from './harness.ts';
import { runInProcess } from './in-process.ts';
import { type Block, isOutputShown, languages, movePorts, readBlocks, readCommands } from './manual/page.ts';
import { type Session, startSession } from './manual/session.ts';
import { serveInProcess } from './serve-in-process.ts';

const root = resolve(import.meta.dirname, '../../..');
const manual = ['README.md', ...globSync('docs/*.md', { cwd: root }).toSorted()];
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const runs = ({ language }: Block) => language === 'sh' || language === 'console';

vi.setConfig({ testTimeout: 300_000 });

/** Of this directory, what a clone would not have. */
const notCloned = /[\\/](\.git|node_modules|build|data|coverage|results)$|\.log$/;

let directory: string;
/** As `git clone` makes it, with what is not committed yet; the commands run in it. */
let clone: string;

beforeAll(() => {
  directory = makeTemporaryDirectory();
  clone = join(directory, 'postern');
  // With the console and the command that these tests have built, which stay newer than their sources.
  cpSync(root, clone, { recursive: true, preserveTimestamps: true, filter: (path) => !notCloned.test(path) });
  // `npm ci` is what this repository was installed with: the clone gets the same packages, and its own of ours.
  const installed = join(root, 'node_modules');
  mkdirSync(join(clone, 'node_modules'));
  for (const name of readdirSync(installed)) {
    const here = join(installed, name);
    const there = join(clone, 'node_modules', name);
    if (name === '.bin' || name === '@postern' || lstatSync(here).isSymbolicLink()) {
      cpSync(here, there, { recursive: true, verbatimSymlinks: true });
    } else if (!name.startsWith('.')) {
      symlinkSync(here, there);
    }
  }
}, 300_000);
afterAll(() => removeDirectory(directory));

describe.each(manual.filter((path) => readBlocks(textOf(path)).some(runs)))('%s', (path) => {
  test('its commands do what it says', async () => {
    const blocks = readBlocks(textOf(path)).filter(runs);
    const postgres = textOf(path).includes('localhost:5432') ? await startOwnPostgres() : undefined;
    const page = await openPage(postgres?.url);
    try {
      if (!startsItself(blocks)) {
        await page.begin();
      }
      for (const block of blocks) {
        await page.follow(block);
      }
      expect(page.findExposedSecrets()).toEqual([]);
    } finally {
      await page.close();
      await postgres?.stop();
    }
  });
});

describe.each([...manual, ...globSync('docs/decisions/*.md', { cwd: root })])('%s', (path) => {
  test('each block says what it is', () => {
    for (const { language, line } of readBlocks(textOf(path))) {
      expect(languages, `line ${line}`).toContain(language);
    }
  });

  test('the programs of examples/ that it shows are those', () => {
    for (const { text } of readBlocks(textOf(path))) {
      const [, file, program] = /^\/\/ (examples\/\S+)\n(.*)$/s.exec(text) ?? [];
      if (file !== undefined) {
        expect(`${program}\n`).toBe(textOf(file).replace(/^\/\*\*.*?\*\/\n/s, ''));
      }
    }
  });
});

test.each(globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'guards/*/README.md'], { cwd: root }))(
  '%s has links that lead somewhere',
  (path) => {
    expect(linksOf(textOf(path)).filter((link) => !isThere(path, link))).toEqual([]);
  },
);

test.each(howTos())('%s says how to install what it uses', (path) => {
  expect(textOf(path)).toMatch(/npm (ci|install)|pip install|go get|cargo add|dotnet add/);
});

/** The guides of the manual's list. */
function howTos(): string[] {
  const [, list = ''] = textOf('docs/README.md').split(/^\*\*(?:How-to guides|Reference)\*\*$/m);
  return [...list.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, page]) => `docs/${page}`);
}

/** What a file has that must be kept secret: of a client, of root, a key, or a token that creates or changes clients. */
const secret =
  /\bpostern\w{40,}|PRIVATE KEY|_SECRET=\w{20,}|"(?:client_secret|secret|registration_access_token|initial_access_token)": ?"/;

/** Whether the page starts Postern, and not only again after it has stopped it. */
function startsItself(blocks: readonly Block[]): boolean {
  const first = blocks.find(({ words, text }) => words.includes('stopped') || /npm start|postern serve/.test(text));
  return first?.words.includes('server') ?? false;
}

/** As somebody has it who followed the tutorial: a clone with nothing in `data`, and a home of its own. `postgres`: its database, where it needs one. */
async function openPage(postgres = '') {
  const home = join(directory, 'home');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, 'scratch'), { recursive: true });
  const before = readdirSync(clone);
  const ports = new Map<string, number>();
  for (const port of ['8080', '8081', '8082', '8083', '8443', '3000', '3001', '9090']) {
    ports.set(port, await freePort());
  }
  const portOf = (port: string) => {
    const other = ports.get(port);
    if (other === undefined) {
      throw new Error(`port ${port} is none of those that pages use: ${[...ports.keys()].join(' ')}`);
    }
    return other;
  };
  const move = (text: string) => movePorts(text.replaceAll(/postgres:\/\/\S+@localhost:5432\/\w+/g, postgres), portOf);
  const session = startSession(clone, join(home, 'scratch'), {
    PATH: `${join(clone, 'node_modules/.bin')}:${process.env['PATH']}`,
    HOME: home,
    npm_config_cache: process.env['npm_config_cache'] ?? join(homedir(), '.npm'),
    // The home is new for every page, and with it the cache of the command would be.
    NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
    POSTERN_SERVER: move('http://localhost:8080'),
  });
  /** Before the page: in this process, which takes a tenth of the time. */
  const postern = async (...args: string[]) => {
    const env = { HOME: home, POSTERN_SERVER: move('http://localhost:8080') };
    const { code, stdout, stderr } = await runInProcess(args, env);
    expect([code, stderr]).toEqual([0, '']);
    return stdout.trim();
  };
  return {
    async begin() {
      const port = portOf('8080');
      const server = await serveInProcess(clone, { port, env: { POSTERN_METRICS_PORT: '' } });
      session.adopt(port, server.stop);
      await postern('login', '--root', join(clone, 'data/root.env'));
      await session.run(`ROOT=${await postern('token')}`);
    },
    /** Files with secrets that others can read, or that could be committed. */
    findExposedSecrets(): string[] {
      const ignored = textOf('.gitignore').split('\n');
      return readdirSync(clone)
        .filter((name) => !before.includes(name))
        .flatMap((name) =>
          lstatSync(join(clone, name)).isDirectory()
            ? readdirSync(join(clone, name), { recursive: true, encoding: 'utf8' }).map((below) => join(name, below))
            : name,
        )
        .filter(
          (name) => lstatSync(join(clone, name)).isFile() && secret.test(readFileSync(join(clone, name), 'latin1')),
        )
        .filter((name) => {
          const isIgnored = ignored.some((pattern) =>
            pattern.endsWith('/')
              ? name.startsWith(pattern.replace(/^\//, ''))
              : pattern !== '' && matchesGlob(name, pattern),
          );
          return !isIgnored || (lstatSync(join(clone, name)).mode & 0o077) !== 0;
        });
    },
    follow: (block: Block) => follow(session, { ...block, text: move(block.text) }, portOf),
    async close() {
      await session.close();
      for (const made of readdirSync(clone).filter((name) => !before.includes(name))) {
        rmSync(join(clone, made), { recursive: true });
      }
    },
  };
}

async function follow(session: Session, block: Block, portOf: (port: string) => number): Promise<void> {
  const text = block.text.replaceAll(/^npm ci(?: && |$)/gm, '');
  if (block.words.includes('server')) {
    return session.serve(text, Number(/\bPORT=(\d+)/.exec(text)?.[1] ?? portOf('8080')));
  }
  if (block.words.includes('stopped')) {
    await session.stopServers();
  }
  if (block.language === 'sh') {
    return session.run(text);
  }
  for (const { text: command, output, line } of readCommands({ ...block, text })) {
    const look = async () => {
      const printed = await session.print(command);
      if (!isOutputShown(output, printed)) {
        throw new Error(`line ${line}: ${command}\n\nThe page shows:\n${output}\n\nIt printed:\n${printed}`);
      }
    };
    await (block.words.includes('soon') ? vi.waitFor(look, { timeout: 10_000, interval: 100 }) : look());
  }
}

/** Where its links go, those to other sites aside. */
function linksOf(page: string): string[] {
  const prose = page.replaceAll(/^ *```.*?^ *```$/gms, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '').filter((link) => !/^https?:/.test(link));
}

function isThere(from: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? from : join(dirname(from), file);
  return existsSync(join(root, path)) && (anchor === undefined || anchorsOf(textOf(path)).includes(anchor));
}

/** Of the headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const titles = page.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/^#+ (.*)$/gm);
  return [...titles].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
