import { defineConfig } from 'vitest/config';

/** The tests that `npm run check:mutants` runs on its mutants: those of the rules that it changes, on SQLite. */
export default defineConfig({
  test: {
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    include: [
      'packages/guard/src/**/*.test.ts',
      'packages/guard/test/{api-guard,revocations}.test.ts',
      'packages/server/src/{client-auth,delegation,token}/**/*.test.ts',
      'packages/server/test/{delegation,disabled-clients,mutual-tls,private-key-jwt,secrets,token,token-exchange}.test.ts',
    ],
  },
});
