/**
 * Builds what npm publishes of each package, in `build/<package>` or below the directory that is named: compiled to
 * JavaScript, because Node runs TypeScript only outside `node_modules`, with its types. A private package goes along
 * with those that depend on it. Every file keeps its place in the package, so that only the ending of its name changes.
 *
 * The command is another matter: it is bundled with all that it imports, and depends only on what stays apart.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { buildConsole } from '../packages/console/build.ts';
import { bundleInto } from '../packages/postern/bundle.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: unknown;
  readonly peerDependencies?: unknown;
  readonly peerDependenciesMeta?: unknown;
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

/**
 * Those that programs import, which are built as CommonJS too, in `cjs/` beside the ES modules: for `require` of programs
 * whose TypeScript or Jest loads no ES modules by it.
 */
const alsoCommonJs: ReadonlySet<string> = new Set([
  '@postern/protocol',
  '@postern/guard',
  '@postern/client',
  '@postern/admin',
]);

const root = resolve(import.meta.dirname, '..');
const target = resolve(process.argv[2] ?? join(root, 'build'));
process.chdir(root);

await buildConsole();
rmSync(target, { recursive: true, force: true });
// `npm run check:types` checks the types, which takes five times as long as to compile.
compile('tsconfig.build.json', target);
compile('tsconfig.commonjs.json', join(target, 'cjs'));
const built = globSync('packages/*/package.json')
  .map((path) => ({ source: dirname(path), manifest: readManifest(dirname(path)) }))
  .filter(({ manifest }) => manifest.name in oldestNode);
for (const { source, manifest } of built) {
  stage(source, manifest);
}
rmSync(join(target, 'cjs'), { recursive: true });
await bundlePostern();
for (const path of globSync(join(target, '*/{src,bin,cjs}/**/*.{js,d.ts}'))) {
  writeFileSync(path, nameCompiled(readFileSync(path, 'utf8')));
}
for (const { source, manifest } of built) {
  for (const bundled of bundledWith(manifest)) {
    const copy = join(stagedPath(source), 'node_modules', bundled.manifest.name);
    cpSync(stagedPath(bundled.source), copy, { recursive: true });
  }
}

function compile(project: string, directory: string): void {
  execFileSync('tsc', ['--project', project, '--noCheck', '--outDir', directory], { stdio: 'inherit' });
}

/** Puts the bundle in the place of the compiled files, and the licenses of all that is in it beside them. */
async function bundlePostern(): Promise<void> {
  const staged = join(target, 'postern');
  rmSync(join(staged, 'src'), { recursive: true });
  const { apart, bundled } = await bundleInto(join(staged, 'dist'));
  const ranges = Object.assign({}, ...built.map(({ manifest }) => manifest.dependencies)) as Record<string, string>;
  const { peerDependencies, peerDependenciesMeta } = readManifest('packages/server');
  const manifest = {
    ...readManifest(staged),
    dependencies: Object.fromEntries(apart.filter((name) => name in ranges).map((name) => [name, ranges[name]])),
    peerDependencies,
    peerDependenciesMeta,
  };
  writeManifest(staged, manifest);
  writeFileSync(join(staged, 'THIRD-PARTY-LICENSES'), bundled.map(licenseOf).join('\n'));
}

function licenseOf(directory: string): string {
  const { name, version, license } = readManifest(directory);
  const texts = globSync('{license,licence,LICENSE,LICENCE,License,COPYING}*', { cwd: directory }).toSorted();
  return [`${name} ${version} (${license})`, ...texts.map((file) => readFileSync(join(directory, file), 'utf8'))].join(
    '\n\n',
  );
}

function readManifest(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

function writeManifest(directory: string, manifest: object): void {
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
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
  if (alsoCommonJs.has(manifest.name)) {
    cpSync(join(target, 'cjs', basename(source), 'src'), join(staged, 'cjs/src'), { recursive: true });
    writeFileSync(join(staged, 'cjs/package.json'), `${JSON.stringify({ type: 'commonjs' })}\n`);
    for (const path of globSync(join(staged, 'cjs/**/*.{js,d.ts}'))) {
      writeFileSync(path, importsOfNode(path, manifest));
    }
  }
  writeManifest(staged, publishedManifest(manifest));
}

/** The text of a CommonJS file with the files of Node for `imports`, which hold for the package that has them and not for `cjs/`. */
function importsOfNode(path: string, { imports = {} }: Manifest): string {
  return Object.entries(imports).reduce(
    (text, [name, { node = '' }]) => {
      const file = relative(dirname(path), join(path.slice(0, path.lastIndexOf('/cjs/')), 'cjs', node));
      return text.replaceAll(new RegExp(`(['"])${name}\\1`, 'g'), `$1./${file}$1`);
    },
    readFileSync(path, 'utf8'),
  );
}

function publishedManifest({ devDependencies: _, exports, imports, ...manifest }: Manifest) {
  const bundleDependencies = bundledWith(manifest).map((bundled) => bundled.manifest.name);
  const isDual = alsoCommonJs.has(manifest.name);
  const engines = { node: `>=${oldestNode[manifest.name]}` };
  return {
    ...manifest,
    engines,
    ...(bundleDependencies.length > 0 && { bundleDependencies }),
    ...(isDual && { files: ['src', 'cjs'], sideEffects: false, ...entriesWithoutExports(exports ?? {}) }),
    ...(exports !== undefined && {
      exports: Object.fromEntries(
        Object.entries(exports).map(([name, path]) => [
          name,
          { ...(isDual && { require: compiled(path.replace('./', './cjs/')) }), ...compiled(path) },
        ]),
      ),
    }),
    ...(imports !== undefined && { imports: JSON.parse(nameCompiled(JSON.stringify(imports))) as object }),
  };
}

function compiled(path: string) {
  return { types: path.replace(/\.ts$/, '.d.ts'), default: path.replace(/\.ts$/, '.js') };
}

/** What TypeScript reads that knows no `exports`: `"module": "commonjs"` before TypeScript 6. */
function entriesWithoutExports(exports: Readonly<Record<string, string>>) {
  const declarations = Object.entries(exports).map(([name, path]) => {
    const { types } = compiled(path.replace('./', './cjs/'));
    return [name.replace('./', ''), [types]] as const;
  });
  const { types, default: main } = compiled((exports['.'] ?? '').replace('./', './cjs/'));
  const subpaths = declarations.filter(([name]) => name !== '.');
  return { main, types, ...(subpaths.length > 0 && { typesVersions: { '*': Object.fromEntries(subpaths) } }) };
}

/** Files of this package are named by their TypeScript name in declarations, in plain JavaScript and in URLs too. */
function nameCompiled(text: string): string {
  return text.replaceAll(/(['"])(\.{1,2}\/[^'"\n]+)\.ts\1/g, '$1$2.js$1');
}
