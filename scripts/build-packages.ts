/**
 * Builds what npm publishes of each package, in `build/<package>` or below the directory that is named: compiled to
 * JavaScript, because Node runs TypeScript only outside `node_modules`, with its types. A private package is bundled
 * with those that depend on it.
 *
 * Every file keeps its place in the package, so that only the ending of its name changes.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { buildConsole } from '../packages/console/build.ts';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: unknown;
}

/**
 * The packages that are built, with the oldest Node that each runs on; `packed.test.ts` runs it there. From source
 * everything runs on the pinned one, so the sources' own manifests do not name it.
 */
const oldestNode: Readonly<Record<string, string>> = {
  '@postern/protocol': '22.12.0',
  '@postern/guard': '22.12.0',
  '@postern/client': '22.12.0',
  '@postern/admin': '22.12.0',
  '@postern/http-api': '24.0.0',
  '@postern/server': '24.0.0',
  '@postern/policy-api': '24.0.0',
  '@postern/gate': '24.0.0',
  postern: '24.0.0',
};

const root = resolve(import.meta.dirname, '..');
const target = resolve(process.argv[2] ?? join(root, 'build'));
process.chdir(root);

await buildConsole();
rmSync(target, { recursive: true, force: true });
execFileSync('tsc', ['--project', 'tsconfig.build.json', '--outDir', target], { stdio: 'inherit' });
const built = globSync('packages/*/package.json')
  .map((path) => ({ source: dirname(path), manifest: JSON.parse(readFileSync(path, 'utf8')) as Manifest }))
  .filter(({ manifest }) => manifest.name in oldestNode);
for (const { source, manifest } of built) {
  stage(source, manifest);
}
for (const path of globSync(join(target, '*/{src,bin}/**/*.{js,d.ts}'))) {
  writeFileSync(path, nameCompiled(readFileSync(path, 'utf8')));
}
for (const { source, manifest } of built) {
  for (const bundled of bundledWith(manifest)) {
    const copy = join(stagedPath(source), 'node_modules', bundled.manifest.name);
    cpSync(stagedPath(bundled.source), copy, { recursive: true });
  }
}

function stagedPath(source: string): string {
  return join(target, basename(source));
}

/** The private packages that a package depends on. */
function bundledWith({ dependencies = {} }: Manifest) {
  return built.filter(({ manifest }) => manifest.private === true && manifest.name in dependencies);
}

/** Puts beside the compiled files of a package what else belongs to it. */
function stage(source: string, manifest: Manifest): void {
  const staged = stagedPath(source);
  mkdirSync(staged, { recursive: true });
  for (const path of globSync(['{src,bin,console}/**/*.*', 'README.md'], { cwd: source, exclude: ['**/*.ts'] })) {
    cpSync(join(source, path), join(staged, path));
  }
  cpSync('LICENSE', join(staged, 'LICENSE'));
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
}

function publishedManifest({ devDependencies: _, exports, imports, ...manifest }: Manifest): object {
  const bundleDependencies = bundledWith(manifest).map((bundled) => bundled.manifest.name);
  const compiled = Object.entries(exports ?? {}).map(([name, path]) => [
    name,
    { types: path.replace(/\.ts$/, '.d.ts'), default: path.replace(/\.ts$/, '.js') },
  ]);
  const engines = { node: `>=${oldestNode[manifest.name]}` };
  return {
    ...manifest,
    engines,
    ...(bundleDependencies.length > 0 && { bundleDependencies }),
    ...(exports !== undefined && { exports: Object.fromEntries(compiled) }),
    ...(imports !== undefined && { imports: JSON.parse(nameCompiled(JSON.stringify(imports))) }),
  };
}

/** Files of this package are named by their TypeScript name in declarations, in plain JavaScript and in URLs too. */
function nameCompiled(text: string): string {
  return text.replaceAll(/(['"])(\.{1,2}\/[^'"\n]+)\.ts\1/g, '$1$2.js$1');
}
