import { existsSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where Linux keeps files in memory. */
const memoryDisk = '/dev/shm';

/** Bytes that all tests together leave there at most, with room to spare. */
const neededBytes = 2 ** 31;

// The tests need no data after a crash of the machine, and a third of their time is waiting for the disk to have it.
if (process.env['TMPDIR'] === undefined && existsSync(memoryDisk)) {
  const { bavail, bsize } = statfsSync(memoryDisk);
  if (bavail * bsize > neededBytes) {
    process.env['TMPDIR'] = memoryDisk;
  }
}

/** Tests of the server that say nothing of a database: of connections, certificates, headers, JWTs and libraries that clients use. */
const withoutDatabase = [
  'bad-jwts',
  'certificate-names',
  'client-libraries',
  'compressed-bodies',
  'connection-limits',
  'cors',
  'discovery',
  'error-lines',
  'forwarded-addresses',
  'framing',
  'guarded-fetch',
  'jwt-kinds',
  'mutual-tls',
  'one-door',
  'overload',
  'proxy-protocol',
  'security-headers',
  'spiffe-client-auth',
  'standards-clients',
  'tls-config',
  'tls-files',
  'trailing-slashes',
  'verifiers',
  'weak-keys',
  'workload-platforms',
];

/**
 * Everything on SQLite, what speaks to a database on PostgreSQL once more, and what the guard does with keys and signatures on
 * Web Crypto once more.
 */
export default defineConfig({
  test: {
    // Files share the modules of their worker: importing the server again for each took more time than most tests.
    isolate: false,
    // One for each core, not one less: tests wait for processes and databases more than they compute.
    maxWorkers: '100%',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'bench/src/**/*.test.ts'],
          globalSetup: ['packages/postern/test/build-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          include: ['packages/{server,policy-api}/test/**/*.test.ts'],
          exclude: withoutDatabase.map((name) => `packages/server/test/${name}.test.ts`),
          globalSetup: ['packages/testing/src/postgres-setup.ts'],
        },
      },
      {
        extends: true,
        resolve: { alias: { '#crypto': resolve('packages/guard/src/crypto/web-crypto.ts') } },
        test: {
          name: 'webcrypto',
          include: ['packages/guard/src/*.test.ts', 'packages/guard/test/{api-guard,guard-cases,public-key}.test.ts'],
        },
      },
    ],
  },
});
