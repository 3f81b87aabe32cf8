/** `postern client-document`, and what `postern doctor` and files make of clients that are known by their documents. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allowLocalDocuments, type Partner, startPartner } from '@postern/testing/partner';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SignedIn, signIn } from './signed-in.ts';

let server: TestServer;
let partner: Partner;
let root: SignedIn;

beforeAll(async () => {
  partner = await startPartner();
  server = await startTestServer({ env: allowLocalDocuments });
  root = await signIn(server.url, server.root);
});
afterAll(async () => {
  root.forget();
  await server.close();
  await partner.close();
});

const said = async (...args: string[]) => (await root.run(...args)).stdout;

test('clients that wait are listed, shown, approved and rejected, and doctor names them', async () => {
  expect(await said('client-document', 'list')).toBe('No client has a metadata document.\n');
  const [wanted, unwanted] = [partner.publish({ contacts: ['a@partner.example'] }), partner.publish()];
  await partner.ask(server, wanted);
  await partner.ask(server, unwanted);
  const { findings } = JSON.parse(await said('doctor', '--json')) as { findings: { about: string; text: string }[] };
  expect(findings.find(({ about }) => about === 'client documents')?.text).toContain(`${wanted}, ${unwanted}`);

  const shown = await said('client-document', 'show', wanted);
  const { keys } = await root.json('client-document', 'show', wanted);
  for (const text of ['Partner', 'pending', 'a@partner.example', ...keys]) {
    expect(shown).toContain(text);
  }
  expect(await said('client-document', 'approve', wanted, '--scope', 'policy:read')).toBe(
    `Client ${wanted} approved.\n`,
  );
  expect((await partner.ask(server, wanted)).body.scope).toBe('policy:read');
  expect(await root.json('client', 'show', wanted)).toMatchObject({
    name: 'Partner',
    client_id_metadata_document: true,
  });
  expect(await said('client-document', 'reject', unwanted)).toBe(`Client ${unwanted} rejected.\n`);
  expect((await root.json('client-document', 'list')).map(({ status }: { status: string }) => status)).toEqual([
    'approved',
    'rejected',
  ]);
  expect((await root.run('client-document', 'approve', partner.publish())).code).toBe(1);
});

test('a client that is known by its document is written in a file, and one that has it can be exported', async () => {
  const clientId = partner.publish();
  const file = join(root.home, 'postern.yaml');
  const client = `
clients:
  - client_id: ${clientId}
    token_endpoint_auth_method: private_key_jwt
    client_id_metadata_document: true
    scopes: [policy:read]
`;
  writeFileSync(file, client);
  const applied = await root.run('apply', file, '--yes');
  expect([applied.code, applied.stderr]).toEqual([0, expect.any(String)]);
  expect((await partner.ask(server, clientId)).status).toBe(200);
  expect((await root.run('plan', file)).code).toBe(0);
  const exported = await root.run('export', '--section', 'clients');
  expect([exported.code, exported.stderr]).toEqual([0, expect.any(String)]);
  expect(exported.stdout).toContain('client_id_metadata_document: true');
});
