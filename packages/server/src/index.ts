/** The authorization server as a Fastify plugin, and what is needed to start it. */
export { type AuthorizationServerOptions, authorizationServer } from './app.ts';
export { backUpDatabase } from './backup/backup.ts';
export { type CopyRequest, copyToEmptyDatabase } from './backup/copy.ts';
export { findEndsOfLife } from './backup/ends-of-life.ts';
export { inspectDatabase } from './backup/inspect-database.ts';
export { type ReplayedEnd, replayTrail } from './backup/replay-trail.ts';
export { listLaterEvents, readBackup, restoreDatabase } from './backup/restore.ts';
export type { Apis } from './batch-endpoint.ts';
export { createRevokeAllTokens } from './clients/revoke-all-tokens.ts';
export { type Clock, systemClock } from './clock.ts';
export {
  findCertificateExpiries,
  readConfig,
  readStorageConfig,
  type ServerConfig,
  type StorageConfig,
} from './config/config.ts';
export { findMisnamedVariables } from './config/misnamed-variables.ts';
export { type ConfigVariable, configVariables } from './config/variables.ts';
export { connectDatabase, describeDatabase } from './db/connect.ts';
export { isEmptyDatabase } from './db/copy/copy-database.ts';
export type { MigrationSet } from './db/migrate.ts';
export { serverMigrations } from './db/migrations/index.ts';
export { hasSqliteTables } from './db/sqlite-files.ts';
export type { LoggedEvent } from './events/event.ts';
export type { LogEnd } from './events/event-store.ts';
export { openOfflineEventLog } from './events/offline-event-log.ts';
export { type ConnectionLimits, connectionLimits } from './http/connection-limits.ts';
export { httpOptions } from './http/http-options.ts';
export { issuerPathOf } from './http/issuer-path.ts';
export { metricsServer } from './http/metrics-server.ts';
export {
  createDatabaseDirectory,
  type DatabaseCreation,
  explainDatabaseError,
  findMasterKey,
  findRoot,
  type Installation,
  openInstallation,
  openMasterKey,
  readOrGenerateMasterKey,
} from './installation.ts';
export { withMasterKeys } from './master-key-rotation.ts';
export { parsePostgresUrl } from './postgres-url.ts';
export { StartError } from './start-error.ts';
