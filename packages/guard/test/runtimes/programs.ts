/** Bun, Deno and workerd from npm, if their packages for this machine are installed, and the bundler for workerd. docs/guard-cases.md. */
import { createRequire } from 'node:module';
import { rolldown } from 'rolldown';

/** Returns the path of a program in the first of these packages that is installed, each of which is for one kind of machine. */
function findProgram(...paths: readonly string[]): string | undefined {
  const { resolve } = createRequire(import.meta.url);
  for (const path of paths) {
    try {
      return resolve(path);
    } catch {
      // The package is for another kind of machine.
    }
  }
  return undefined;
}

export const bun = findProgram(
  '@oven/bun-linux-x64/bin/bun',
  '@oven/bun-linux-aarch64/bin/bun',
  '@oven/bun-darwin-aarch64/bin/bun',
);
export const deno = findProgram(
  '@deno/linux-x64-glibc/deno',
  '@deno/linux-arm64-glibc/deno',
  '@deno/darwin-arm64/deno',
);
export const workerd = findProgram(
  '@cloudflare/workerd-linux-64/bin/workerd',
  '@cloudflare/workerd-linux-arm64/bin/workerd',
  '@cloudflare/workerd-darwin-arm64/bin/workerd',
);

/** As bundlers for Workers do, among which is that of Wrangler. */
export async function bundle(input: string, file: string): Promise<void> {
  const build = await rolldown({
    input,
    platform: 'browser',
    resolve: { conditionNames: ['workerd', 'worker', 'import'] },
  });
  await build.write({ file, format: 'esm' });
  await build.close();
}
