/**
 * Bundles the command with all that it imports: a few files are read where two thousand were, so that the server starts in
 * half the time and a verb in a third. Run by `npm ci`, `npm start` and the tests, into `dist/`, and for what npm publishes.
 * Without the build tools (`npm ci --omit=dev`) it prints a message, and the command runs from its sources.
 */
import { globSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OutputChunk, Plugin } from 'rolldown';
import { isBundleCurrent } from './bin/bundle-state.js';

const root = import.meta.dirname;
const dayMs = 24 * 60 * 60 * 1000;

/**
 * Packages that stay apart: they find files by their own place, have native code, or are there only for those who install
 * them. What npm publishes depends on them.
 */
const apart = /^(pino|bcrypt|pg-native|@fastify\/(static|swagger|swagger-ui)|@grpc\/|@opentelemetry\/(?!api))/;

/** Bundles into `dist/`, unless that is newer than its sources. */
export async function bundleCommand(): Promise<void> {
  if (isBundleCurrent()) {
    return;
  }
  const target = join(root, 'dist');
  // A process that runs from an older bundle may load another of its files at any time.
  for (const path of globSync(join(target, '*'))) {
    if (statSync(path).mtimeMs < Date.now() - dayMs) {
      rmSync(path);
    }
  }
  await bundleInto(target);
}

export interface Bundle {
  /** The packages that stay apart, by name. */
  readonly apart: readonly string[];
  /** The directories of the packages that are in it. */
  readonly bundled: readonly string[];
}

/** Bundles into a directory beside `console/`. */
export async function bundleInto(target: string): Promise<Bundle> {
  const { build } = await import('rolldown');
  const { output } = await build({
    input: { main: join(root, 'src/main.ts') },
    platform: 'node',
    external: apart,
    plugins: [filesBesideSources, asciiOnly],
    logLevel: 'warn',
    output: {
      dir: target,
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      comments: { legal: false, jsdoc: false },
    },
  });
  const chunks = output.filter((file): file is OutputChunk => file.type === 'chunk');
  return {
    apart: distinct(
      chunks
        .flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])
        .filter((name) => apart.test(name)),
    ),
    bundled: distinct(
      chunks.flatMap(({ moduleIds }) => moduleIds.flatMap((id) => packageDirectory.exec(id)?.[0] ?? [])),
    ),
  };
}

const packageDirectory = /^.*\/node_modules\/(@[^/]+\/)?[^/]+(?=\/)/;

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted();
}

/** Takes along the files that sources name by `new URL('./name', import.meta.url)`: those in TypeScript bundled, others as they are. */
const filesBesideSources: Plugin = {
  name: 'files-beside-sources',
  transform(code, id) {
    if (!code.includes('import.meta.url') || id.includes(`${sep}node_modules${sep}`)) {
      return null;
    }
    return code.replaceAll(/new URL\('(\.[^']+)', import\.meta\.url\)/g, (_, name: string) => {
      const path = resolve(dirname(id), name);
      if (name.endsWith('/')) {
        return `new URL('../${relative(root, path)}/', import.meta.url)`;
      }
      const reference = this.emitFile(
        name.endsWith('.ts')
          ? { type: 'chunk', id: path }
          : { type: 'asset', fileName: relative(dirname(path), path), source: readFileSync(path) },
      );
      return `new URL(import.meta.ROLLUP_FILE_URL_${reference})`;
    });
  },
};

/**
 * Writes other characters, all of which are in texts and regular expressions, as escapes: a single one would make Node.js keep the
 * whole file in memory with two bytes for each character.
 */
const asciiOnly: Plugin = {
  name: 'ascii-only',
  renderChunk: (code) =>
    code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await bundleCommand();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') {
      throw error;
    }
    process.stderr.write(
      'The command runs from its sources: the tools that bundle it are not installed (--omit=dev).\n',
    );
  }
}
