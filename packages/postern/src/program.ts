/** The tree of verbs. Only those that are asked for are loaded, so that each starts fast. */
import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { exitCodeMeanings } from './command/exit-code.ts';

/** In the order of the help. */
const verbs: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve/serve-command.ts')).serveCommand(),
  gate: async () => (await import('./gate/gate-command.ts')).gateCommand(),
  login: async () => (await import('./login/login-command.ts')).loginCommand(),
  logout: async () => (await import('./login/logout-command.ts')).logoutCommand(),
  profile: async () => (await import('./login/profile-command.ts')).profileCommand(),
  whoami: async () => (await import('./session/whoami-command.ts')).whoamiCommand(),
  console: async () => (await import('./session/console-command.ts')).consoleCommand(),
  token: async () => (await import('./token/token-command.ts')).tokenCommand(),
  client: async () => (await import('./client/client-command.ts')).clientCommand(),
  scope: async () => (await import('./scope/scope-command.ts')).scopeCommand(),
  resource: async () => (await import('./resource/resource-command.ts')).resourceCommand(),
  'initial-access-token': async () =>
    (await import('./initial-access-token/initial-access-token-command.ts')).initialAccessTokenCommand(),
  'client-document': async () => (await import('./client-document/client-document-command.ts')).clientDocumentCommand(),
  'details-type': async () => (await import('./details-type/details-type-command.ts')).detailsTypeCommand(),
  'client-policy': async () => (await import('./client-policy/client-policy-command.ts')).clientPolicyCommand(),
  stream: async () => (await import('./stream/stream-command.ts')).streamCommand(),
  role: async () => (await import('./role/role-command.ts')).roleCommand(),
  person: async () => (await import('./person/person-command.ts')).personCommand(),
  issuer: async () => (await import('./issuer/issuer-command.ts')).issuerCommand(),
  'revoke-token': async () => (await import('./token/one-token-commands.ts')).revokeCommand(),
  kill: async () => (await import('./token/kill-command.ts')).killCommand(),
  'revoke-all-tokens': async () =>
    (await import('./revoke-all-tokens/revoke-all-tokens-command.ts')).revokeAllTokensCommand(),
  key: async () => (await import('./key/key-command.ts')).keyCommand(),
  'master-key': async () => (await import('./master-key/master-key-command.ts')).masterKeyCommand(),
  policy: async () => (await import('./policy/policy-command.ts')).policyCommand(),
  storage: async () => (await import('./storage/storage-command.ts')).storageCommand(),
  export: async () => (await import('./files/export-command.ts')).exportCommand(),
  plan: async () => (await import('./files/plan-command.ts')).planCommand(),
  apply: async () => (await import('./files/apply-command.ts')).applyCommand(),
  import: async () => (await import('./import/import-command.ts')).importCommand(),
  audit: async () => (await import('./audit/audit-command.ts')).auditCommand(),
  failures: async () => (await import('./failures/failures-command.ts')).failuresCommand(),
  statistics: async () => (await import('./statistics/statistics-command.ts')).statisticsCommand(),
  introspect: async () => (await import('./token/one-token-commands.ts')).introspectCommand(),
  explain: async () => (await import('./explain/explain-command.ts')).explainCommand(),
  api: async () => (await import('./api/api-command.ts')).apiCommand(),
  backup: async () => (await import('./backup/backup-command.ts')).backupCommand(),
  restore: async () => (await import('./backup/restore-command.ts')).restoreCommand(),
  copy: async () => (await import('./backup/copy-command.ts')).copyCommand(),
  doctor: async () => (await import('./doctor/doctor-command.ts')).doctorCommand(),
  completion: async () => (await import('./completion/completion-command.ts')).completionCommand(loadProgram),
  complete: async () => (await import('./completion/complete-command.ts')).completeCommand(),
};

/** Returns the program with the verb of that name, or with all verbs if there is none of that name. The version needs none. */
export async function loadProgram(name?: string): Promise<Command> {
  const chosen =
    name !== undefined && Object.hasOwn(verbs, name) ? [verbs[name]] : name === '--version' ? [] : Object.values(verbs);
  const program = new Command('postern')
    .description('Issues OAuth 2.0 access tokens to machines, and lets APIs trust them.')
    .version(manifest.version)
    .helpCommand(false)
    .addHelpText(
      'after',
      `\nExit codes:\n${exitCodeMeanings.map(([code, meaning]) => `  ${String(code).padEnd(4)}${meaning}\n`).join('')}`,
    );
  for (const load of chosen) {
    program.addCommand(await (load as () => Promise<Command>)());
  }
  return program;
}
