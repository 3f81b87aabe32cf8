/** Who may import whom. docs/decisions/0002-packages-and-imports.md says why. */

/** What the `src` of each package may import from its siblings. Only `test` folders and bench/ import `testing`. */
const allowed = {
  protocol: [],
  guard: ['protocol'],
  client: ['protocol'],
  admin: ['protocol'],
  'http-api': ['protocol'],
  server: ['protocol', 'http-api', 'guard'],
  'policy-api': ['protocol', 'http-api', 'guard'],
  console: ['protocol', 'client', 'admin'],
  gate: ['protocol', 'guard', 'client'],
  postern: ['protocol', 'client', 'admin', 'server', 'policy-api', 'gate'],
  testing: ['protocol', 'guard', 'client', 'server', 'policy-api', 'postern'],
};

const packageRules = Object.entries(allowed).map(([name, siblings]) => ({
  name: `${name}-imports`,
  comment: `${name} may import: ${siblings.join(', ') || 'no sibling'}`,
  severity: 'error',
  from: { path: `^packages/${name}/src` },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...siblings].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...packageRules,
    {
      name: 'protocol-depends-on-nothing',
      severity: 'error',
      from: { path: '^packages/protocol/src', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^packages/protocol/src', dependencyTypesNot: ['core'] },
    },
    {
      name: 'client-and-admin-run-everywhere',
      comment: 'In browsers and workers too, so nothing of Node.',
      severity: 'error',
      from: { path: '^packages/(client|admin)/src', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^packages/(client|admin|protocol)/src' },
    },
    {
      name: 'browsers-load-nothing-of-node',
      comment: 'Not even by way of another file.',
      severity: 'error',
      from: { path: '^packages/(client|admin|console)/src', pathNot: '\\.test\\.ts$' },
      to: { path: '^(node:)?[a-z_]+$', reachable: true },
    },
    {
      name: 'the-guard-runs-everywhere',
      comment:
        'Nothing of Node in the guard but in what is for Node only, and behind the crypto that the platform chooses.',
      severity: 'error',
      from: {
        path: '^packages/guard/src',
        pathNot:
          '/src/((node|dpop-nonces)\\.ts$|crypto/node-|adapters/(express|fastify|node|node-request|presented-certificate|certificate-header)\\.ts$)|\\.test\\.ts$',
      },
      to: { path: '^(node:)?[a-z_]+$|^packages/protocol/src/node\\.ts$' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-folder-cycles',
      severity: 'error',
      scope: 'folder',
      from: { path: '^packages/[^/]+/src' },
      to: { circular: true },
    },
    {
      name: 'endpoints-import-no-endpoints',
      severity: 'error',
      from: { path: '-endpoint\\.ts$' },
      to: { path: '-endpoint\\.ts$' },
    },
    {
      name: 'only-endpoints-know-http',
      comment: 'Fastify belongs to endpoints, to http/ and to the composition.',
      severity: 'error',
      from: {
        path: '^packages/(server|policy-api)/src',
        pathNot: '(-endpoint|/app|/policy-api|\\.test)\\.ts$|/src/(http|wiring)/',
      },
      to: { path: 'node_modules/(fastify|@fastify)' },
    },
    {
      name: 'delegation-knows-no-http',
      comment: 'Who may assign which scope does not depend on how a call arrives.',
      severity: 'error',
      from: { path: '^packages/server/src/delegation/', pathNot: '\\.test\\.ts$' },
      to: { path: 'node_modules/(fastify|@fastify)|^packages/server/src/http/|^packages/guard/src/adapters/' },
    },
    {
      name: 'only-stores-know-sql',
      comment: 'Everything else may pass a Kysely instance on, as a type.',
      severity: 'error',
      from: {
        path: '^packages/(server|policy-api)/src',
        pathNot: '(-store|\\.test)\\.ts$|/db/',
      },
      to: { path: 'node_modules/kysely', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-imports-the-composition',
      comment: 'wiring/ and app.ts put the parts together, so no part knows them.',
      severity: 'error',
      from: { path: '^packages/server/src', pathNot: '/src/(wiring/|(app|index)\\.ts$)|\\.test\\.ts$' },
      to: { path: '^packages/server/src/(wiring/|app\\.ts$)' },
    },
    {
      name: 'parts-take-values-not-configuration',
      comment: 'Only the composition reads the configuration; everything else may name its types.',
      severity: 'error',
      from: {
        path: '^packages/server/src',
        pathNot: '/src/(config/|wiring/|(app|index|installation)\\.ts$)|\\.test\\.ts$',
      },
      to: { path: '^packages/server/src/config/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'verbs-know-no-server',
      comment:
        'All verbs of the command but serve speak HTTP. The doctor may read the configuration of this machine, and the verbs for backups and master keys its database.',
      severity: 'error',
      from: { path: '^packages/postern/src', pathNot: '/src/serve/|/(doctor|backup|master-key)/local-|\\.test\\.ts$' },
      to: { path: '^packages/(server|policy-api|guard)/' },
    },
    {
      name: 'serve-loads-no-verbs',
      comment: 'It starts fast, and so do they.',
      severity: 'error',
      from: { path: '^packages/postern/src/serve/' },
      to: { path: '^packages/postern/src/', pathNot: '/src/serve/' },
    },
    {
      name: 'source-imports-no-tests',
      severity: 'error',
      from: { path: '/src/', pathNot: '\\.test\\.ts$' },
      to: { path: '/test/|\\.test\\.ts$' },
    },
    { name: 'all-imports-resolve', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(data|results)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
