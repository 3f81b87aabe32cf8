/** Creates a client. Its secret is shown on this page only. */

import type { ClientBody, CreatedClient, NewClientBody } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { ScopePicker } from '../scopes/scope-picker.tsx';
import { useScopes } from '../scopes/use-scopes.ts';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange } from '../session/use-admin.ts';
import { Button, LinkButton } from '../ui/button.tsx';
import { SelectField, TextAreaField, TextField } from '../ui/fields.tsx';
import { ErrorNote, Note } from '../ui/note.tsx';
import { Page } from '../ui/page.tsx';
import { clientPath } from './client-labels.tsx';
import { IssuedSecret } from './issued-secret.tsx';
import { LifetimeField } from './lifetime-field.tsx';

const back = { href: '/clients', title: 'Clients' };

export function NewClientPage() {
  const [created, setCreated] = useState<CreatedClient>();
  return created === undefined ? (
    <Page title="New client" back={back} description="Give it only the scopes that it needs.">
      <Requires scope="client:create">
        <NewClientForm onCreated={setCreated} />
      </Requires>
    </Page>
  ) : (
    <CreatedClientPage key="created" created={created} />
  );
}

const authentications = [
  { value: 'secret', label: 'A secret that Postern generates' },
  { value: 'private_key_jwt', label: 'A private key of the client (private_key_jwt)' },
  { value: 'none', label: 'A workload token from a trusted issuer' },
];

function NewClientForm({ onCreated }: { readonly onCreated: (created: CreatedClient) => void }) {
  const scopes = useScopes();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [authentication, setAuthentication] = useState('secret');
  const [jwks, setJwks] = useState('');
  const [lifetime, setLifetime] = useState<number | null>(null);
  const [jwksError, setJwksError] = useState<Error | null>(null);
  const create = useChange((admin, body: NewClientBody) => admin.clients.create(body));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setJwksError(null);
    try {
      const created = await create.run({
        ...(name !== '' && { name }),
        ...(description !== '' && { description }),
        scopes: [...chosen],
        access_token_ttl_seconds: lifetime,
        ...authenticationMembers(authentication, jwks),
      });
      if (created !== undefined) {
        onCreated(created.value);
      }
    } catch (error) {
      setJwksError(error as Error);
    }
  };
  return (
    <form className="stack form-page" onSubmit={(event) => void submit(event)}>
      <div className="card stack">
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          maxLength={200}
          placeholder="billing-service"
          description="Shown in lists and in the audit trail. It can be changed later."
        />
        <TextField label="Description" value={description} onChange={setDescription} maxLength={2_000} />
      </div>
      <div className="card">
        <ScopePicker label="Scopes" scopes={scopes ?? []} chosen={chosen} onChange={setChosen} />
      </div>
      <div className="card stack">
        <SelectField
          label="Authenticates by"
          value={authentication}
          onChange={setAuthentication}
          options={authentications}
        />
        {authentication === 'private_key_jwt' && (
          <TextAreaField
            label="Public keys"
            value={jwks}
            onChange={setJwks}
            isRequired
            mono
            rows={6}
            placeholder={'{"keys":[{"kty":"EC","crv":"P-256","x":"…","y":"…"}]}'}
            description="A JSON Web Key Set. The client keeps the private key."
          />
        )}
        {authentication === 'none' && (
          <Note>Afterwards, add a rule for it to a trusted issuer: without one it gets no tokens.</Note>
        )}
        <LifetimeField seconds={lifetime} onChange={setLifetime} />
      </div>
      <ErrorNote title="Client not created" error={jwksError ?? create.error} />
      <div className="form-actions">
        <LinkButton href="/clients">Cancel</LinkButton>
        <Button kind="primary" type="submit" pending={create.pending}>
          Create client
        </Button>
      </div>
    </form>
  );
}

/** Throws if the keys are not JSON. */
function authenticationMembers(authentication: string, jwks: string): ClientBody {
  switch (authentication) {
    case 'private_key_jwt':
      return { token_endpoint_auth_method: 'private_key_jwt', jwks: parseJwks(jwks) };
    case 'none':
      return {
        token_endpoint_auth_method: 'none',
        grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      };
    default:
      return {};
  }
}

function parseJwks(text: string): NonNullable<ClientBody['jwks']> {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('The public keys are not JSON.');
  }
}

function CreatedClientPage({ created }: { readonly created: CreatedClient }) {
  const session = useSession();
  return (
    <Page
      title="Client created"
      back={back}
      actions={
        session.may('client:read') && (
          <LinkButton href={clientPath(created.client_id)} kind="primary">
            Open client
          </LinkButton>
        )
      }
    >
      <div className="card form-page">
        {created.client_secret === undefined ? (
          <Note kind="good" title="No secret">
            The client <code>{created.client_id}</code> authenticates without a secret.
          </Note>
        ) : (
          <IssuedSecret clientId={created.client_id} clientSecret={created.client_secret} />
        )}
      </div>
    </Page>
  );
}
