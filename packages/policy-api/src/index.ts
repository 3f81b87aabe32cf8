/** The privacy policy and rule API: a Fastify plugin, and the migrations of its tables. */

export type { Change, PolicyEvent } from './db/change.ts';
export { policyMigrations } from './db/migrations/index.ts';
export { deletedRows, policyTables } from './db/schema.ts';
export { type PolicyApiOptions, policyApi } from './policy-api.ts';
