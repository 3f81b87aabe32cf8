/** The privacy policy and rule API: a Fastify plugin, and the migrations of its tables. */
export { policyMigrations } from './db/migrations/index.ts';
export type { PolicyDatabase } from './db/schema.ts';
export { type PolicyApiOptions, policyApi } from './policy-api.ts';
