/**
 * Writes what the code already knows: the command, the table of variables, the map of the RFCs, the tables of delegation and of
 * workload platforms, the operations of the management API, and the catalogue of guard cases.
 * With `--check` it writes nothing, and fails if a copy in docs/ differs.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { toWireNames } from '@postern/protocol';
import { workloadPlatforms } from '@postern/protocol/workload-platforms';
import { configVariables } from '@postern/server';
import { GateFile } from '../packages/gate/src/gate-file.ts';
import { guardCaseFiles } from '../packages/guard/cases/all-cases.ts';
import { reachMembers } from '../packages/server/src/delegation/reach.ts';
import { operationsModule } from './admin-operations.ts';
import { cliPage } from './cli-page.ts';
import { fileSchema } from './file-schema.ts';
import { guardCaseSchema } from './guard-case-schema.ts';

const titles: Readonly<Record<string, string>> = {
  '2104': 'Keyed-Hashing for Message Authentication (HMAC)',
  '2985': 'PKCS #9: Selected Object Classes and Attribute Types',
  '3339': 'Date and Time on the Internet: Timestamps',
  '4180': 'Common Format and MIME Type for CSV Files',
  '3629': 'UTF-8',
  '3986': 'Uniform Resource Identifier',
  '4291': 'IP Version 6 Addressing Architecture',
  '4514': 'LDAP: String Representation of Distinguished Names',
  '4517': 'LDAP: Syntaxes and Matching Rules',
  '4519': 'LDAP: Schema for User Applications',
  '4632': 'Classless Inter-domain Routing (CIDR)',
  '4648': 'Base64 and Its Relatives',
  '5280': 'X.509 Certificate and CRL Profile',
  '5869': 'HMAC-based Key Derivation Function',
  '5952': 'IPv6 Address Text Representation',
  '6052': 'IPv6 Addressing of IPv4/IPv6 Translators',
  '6585': 'Additional HTTP Status Codes',
  '6265': 'HTTP State Management Mechanism (cookies)',
  '7636': 'Proof Key for Code Exchange (PKCE)',
  '8252': 'OAuth 2.0 for Native Apps',
  '8628': 'OAuth 2.0 Device Authorization Grant',
  '6454': 'The Web Origin Concept',
  '6749': 'The OAuth 2.0 Authorization Framework',
  '6750': 'Bearer Token Usage',
  '6797': 'HTTP Strict Transport Security',
  '6901': 'JSON Pointer',
  '7009': 'Token Revocation',
  '7239': 'Forwarded HTTP Extension',
  '7468': 'Textual Encodings of PKIX, PKCS, and CMS Structures',
  '7515': 'JSON Web Signature',
  '7516': 'JSON Web Encryption',
  '7517': 'JSON Web Key',
  '7518': 'JSON Web Algorithms',
  '7519': 'JSON Web Token',
  '7520': 'Examples of JOSE',
  '7521': 'Assertion Framework for OAuth 2.0',
  '7523': 'JWT Profile for Client Authentication and Authorization Grants',
  '7591': 'Dynamic Client Registration',
  '7592': 'Dynamic Client Registration Management',
  '7617': 'The Basic HTTP Authentication Scheme',
  '7638': 'JWK Thumbprint',
  '7662': 'Token Introspection',
  '7797': 'JWS Unencoded Payload Option',
  '7800': 'Proof-of-Possession Key Semantics for JWTs',
  '8017': 'PKCS #1: RSA Cryptography Specifications',
  '8032': 'Edwards-Curve Digital Signature Algorithm (EdDSA)',
  '8037': 'CFRG Elliptic Curves for JOSE',
  '8410': 'Algorithm Identifiers for Ed25519 and Others in X.509',
  '8414': 'Authorization Server Metadata',
  '8417': 'Security Event Token (SET)',
  '8693': 'Token Exchange',
  '8705': 'Mutual-TLS Client Authentication and Certificate-Bound Access Tokens',
  '8707': 'Resource Indicators',
  '8018': 'PKCS #5: Password-Based Cryptography (PBKDF2)',
  '8288': 'Web Linking',
  '8725': 'JWT Best Current Practices',
  '8935': 'Push-Based Security Event Token (SET) Delivery Using HTTP',
  '8936': 'Poll-Based Security Event Token (SET) Delivery Using HTTP',
  '9068': 'JWT Profile for OAuth 2.0 Access Tokens',
  '9110': 'HTTP Semantics',
  '9111': 'HTTP Caching',
  '9112': 'HTTP/1.1',
  '9325': 'Recommendations for Secure Use of TLS',
  '9396': 'Rich Authorization Requests',
  '9440': 'Client-Cert HTTP Header Field',
  '9449': 'Demonstrating Proof of Possession (DPoP)',
  '9493': 'Subject Identifiers for Security Event Tokens',
  '9700': 'Best Current Practice for OAuth 2.0 Security',
  '9701': 'JWT Response for Token Introspection',
  '9728': 'Protected Resource Metadata',
  '9864': 'Fully-Specified Algorithms for JOSE and COSE',
  'SSF 1.0': 'OpenID Shared Signals Framework',
  'CAEP 1.0': 'OpenID Continuous Access Evaluation Profile',
  'CAEP Interoperability Profile 1.0': 'What Transmitters and Receivers Have in Common',
  'OAuth Event Types 1.0': 'Events about Tokens and Clients',
  'draft-ietf-httpapi-idempotency-key-header-07': 'The Idempotency-Key HTTP Header Field',
  'draft-ietf-oauth-client-id-metadata-document-03': 'OAuth Client ID Metadata Document',
  'draft-ietf-oauth-identity-assertion-authz-grant-04': 'Identity Assertion JWT Authorization Grant (ID-JAG)',
  'draft-ietf-oauth-spiffe-client-auth-02': 'OAuth SPIFFE Client Authentication',
};

/** What files cite: RFCs, drafts, and other specifications by the names above. */
const cited = ['RFC \\d{4}', '\\bdraft-[a-z-]+-\\d\\d', ...Object.keys(titles).filter((name) => name.includes(' '))];
const citation = new RegExp(`(${cited.join('|')})((?:(?:,| and| to)? ?§\\d+(?:\\.\\d+)*)*)`, 'g');

const generated = '<!-- Written by `npm run generate`; edits are lost. -->\n';

function configurationPage(): string {
  const rows = configVariables.map(
    ({ name, default: fallback, unit = '', meaning }) => `| \`${name}\` | \`${fallback}\` | ${unit} | ${meaning} |`,
  );
  return `# Configuration

${generated}
\`postern serve\` reads these variables; \`postern serve --help\` lists them too. An empty variable counts as not set. A
wrong value stops the start with one line that names the variable, the fault and a right example.

| variable | default | unit | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function rfcMapPage(): string {
  const files = globSync('packages/*/{src,test}/**/*.ts')
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted();
  /** By specification, by section, the files that name it. */
  const map = new Map<string, Map<string, Set<string>>>();
  for (const file of files) {
    for (const [, name = '', rest = ''] of readFileSync(file, 'utf8').matchAll(citation)) {
      const sections = map.get(name) ?? new Map<string, Set<string>>();
      map.set(name, sections);
      const numbers = [...rest.matchAll(/§(\d+(?:\.\d+)*)/g)].map(([, number = '']) => number);
      for (const number of numbers.length === 0 ? [''] : numbers) {
        sections.set(number, (sections.get(number) ?? new Set()).add(file));
      }
    }
  }
  const parts = [...map].toSorted(byNumber).map(([name, sections]) => {
    const title = titles[name.replace('RFC ', '')];
    if (title === undefined) {
      throw new Error(`scripts/generate-docs.ts has no title for ${name}`);
    }
    const rows = [...sections].toSorted(byNumber).map(([section, paths]) => {
      const tests = [...paths].filter((path) => path.includes('.test.'));
      const sources = [...paths].filter((path) => !path.includes('.test.'));
      return `| ${section === '' ? 'all' : `§${section}`} | ${list(sources)} | ${list(tests)} |`;
    });
    return `## ${name}: ${title}\n\n| section | source | tests |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `# Which file holds which section\n\n${generated}\n${parts.join('\n')}`;
}

function list(paths: readonly string[]): string {
  return paths.map((path) => `[${path.replace(/^packages\//, '')}](../${path})`).join('<br>');
}

/** "4.10" after "4.9". */
function byNumber([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** A page with the table of what "at most" means in delegation, between its marks. */
function withReachTable(path: string): string {
  const rows = Object.entries(reachMembers).flatMap(([member, power]) =>
    typeof power === 'string' ? [] : [`| ${wireName(member)} | ${power.atMost} |`],
  );
  const labels = Object.entries(reachMembers).filter(([, power]) => typeof power === 'string');
  const reasons = Map.groupBy(labels, ([, reason]) => reason as string);
  const without = [...reasons].map(
    ([reason, members]) => `| ${members.map(([member]) => wireName(member)).join(', ')} | any value: ${reason} |`,
  );
  const table = ['| member | a client may give at most |', '| --- | --- |', ...rows, ...without].join('\n');
  return withTable(path, 'reach', table);
}

/** A page with the table of the platforms that sign tokens for their workloads, between its marks. */
function withPlatformTable(path: string): string {
  const rows = workloadPlatforms.map(
    ({ key, label, issuer, algorithms, audienceRule, required }) =>
      `| \`${key}\` | ${label} | \`${issuer}\` | ${algorithms.join(', ')} | ${audienceRule} | ${Object.keys(required)
        .map((claim) => `\`${claim}\``)
        .join(', ')} |`,
  );
  const head = [
    '| template | platform | issuer | signs by | audience | a rule must name one of |',
    '|---|---|---|---|---|---|',
  ];
  return withTable(path, 'platforms', [...head, ...rows].join('\n'));
}

function withTable(path: string, mark: string, table: string): string {
  return readFileSync(path, 'utf8').replace(
    new RegExp(`<!-- ${mark} -->[\\s\\S]*?<!-- /${mark} -->`),
    () => `<!-- ${mark} -->\n${table}\n<!-- /${mark} -->`,
  );
}

function wireName(member: string): string {
  return `\`${Object.keys(toWireNames({ [member]: undefined }))[0]}\``;
}

const schemaText = jsonText(fileSchema);

function jsonText(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

const pages = {
  'docs/schema/postern.schema.json': schemaText,
  'docs/schema/gate.schema.json': jsonText({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What postern gate lets pass',
    ...GateFile,
  }),
  // The command carries what it checks files by.
  'packages/postern/src/files/postern.schema.json': schemaText,
  'docs/schema/guard-cases.schema.json': `${JSON.stringify(guardCaseSchema, null, 2)}\n`,
  ...guardCaseFiles(),
  'packages/admin/src/operations.ts': operationsModule,
  'docs/cli.md': await cliPage(generated),
  'docs/configuration.md': configurationPage(),
  'docs/rfc-map.md': rfcMapPage(),
  'docs/delegation.md': withReachTable('docs/delegation.md'),
  'docs/workload-identity.md': withPlatformTable('docs/workload-identity.md'),
  'docs/decisions/0004-delegation.md': withReachTable('docs/decisions/0004-delegation.md'),
};
const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(pages)) {
  if (!check) {
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`${path} is not what the code says: run npm run generate and commit it`);
    process.exitCode = 1;
  }
}
