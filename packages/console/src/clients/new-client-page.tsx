/** Creates a client. Its secret is shown on this page only. */
import { type ClientBody, type CreatedClient, operations, withDefaultResource } from '@postern/admin';
import { jwtBearerGrant } from '@postern/protocol';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { clientPath } from '../api/address.ts';
import { parseKeys } from '../api/parse-keys.ts';
import { ScopePicker } from '../scopes/scope-picker.tsx';
import { ReadOne } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange } from '../session/use-admin.ts';
import { Form, useForm } from '../shapes/form.tsx';
import { Button, LinkButton } from '../ui/button.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Note } from '../ui/note.tsx';
import { Page } from '../ui/page.tsx';
import { isWorkload } from './client-labels.tsx';
import { IssuedSecret } from './issued-secret.tsx';
import { LifetimeField } from './lifetime-field.tsx';
import { parseResources, ResourcesField } from './resources-field.tsx';
import { WorkloadGuide } from './workload-guide.tsx';

const back = { href: '/clients', title: 'Clients' };

interface Created {
  readonly created: CreatedClient;
  /** What its tokens are for; undefined: the APIs of Postern. */
  readonly resource: string | undefined;
}

export function NewClientPage() {
  const [created, setCreated] = useState<Created>();
  return created === undefined ? (
    <Page title="New client" back={back} description="Give it only the scopes that it needs.">
      <Requires scope="client:create">
        <NewClientForm onCreated={setCreated} />
      </Requires>
    </Page>
  ) : (
    <CreatedClientPage key="created" {...created} />
  );
}

function NewClientForm({ onCreated }: { readonly onCreated: (created: Created) => void }) {
  const { values, field } = useForm({
    name: '',
    description: '',
    id: '',
    scopes: new Set() as ReadonlySet<string>,
    resources: '',
    authentication: 'secret',
    jwks: '',
    lifetime: null as number | null,
  });
  const mayChooseId = useSession().may('client:choose_id');
  const { name, description, id, scopes, resources, authentication, jwks, lifetime } = values;
  const identifiers = parseResources(resources);
  const create = useChange(
    (admin) =>
      admin.clients.create(
        withDefaultResource({
          ...(name !== '' && { name }),
          ...(description !== '' && { description }),
          ...(id.trim() !== '' && { client_id: id.trim() }),
          scopes: [...scopes],
          ...(identifiers.length > 0 && { resources: identifiers }),
          access_token_ttl_seconds: lifetime,
          ...authenticationMembers(authentication, jwks),
        }),
      ),
    { onDone: (created) => onCreated({ created, resource: identifiers[0] }) },
  );
  return (
    <Form
      call={create}
      action="Create client"
      cancel={<LinkButton href="/clients">Cancel</LinkButton>}
      errorTitle="Client not created"
      className="stack form-page"
    >
      <div className="panel card stack">
        <TextField
          label="Name"
          {...field('name')}
          maxLength={200}
          placeholder="billing-service"
          description="Shown in lists and in the audit trail. It can be changed later."
        />
        <TextField label="Description" {...field('description')} maxLength={2_000} />
        {mayChooseId && (
          <TextField
            label="ID"
            {...field('id')}
            mono
            description="An ID of your choice. If empty: Postern generates one."
          />
        )}
      </div>
      <div className="panel card">
        <ResourcesField
          {...field('resources')}
          hint=" If you select only one, tokens are for it unless a request names another."
        />
      </div>
      <div className="panel card">
        <ScopePicker label="Scopes" {...field('scopes')} />
      </div>
      <div className="panel card stack">
        <SelectField
          label="Authenticates by"
          {...field('authentication')}
          options={[
            { value: 'secret', label: 'A secret that Postern generates' },
            { value: 'private_key_jwt', label: 'A private key of the client (private_key_jwt)' },
            { value: 'none', label: 'A workload token from a trusted issuer' },
          ]}
        />
        {authentication === 'private_key_jwt' && (
          <TextField
            label="Public keys"
            {...field('jwks')}
            isRequired
            mono
            rows={6}
            placeholder={'{"keys":[{"kty":"EC","crv":"P-256","x":"…","y":"…"}]}'}
            description="A JSON Web Key Set. The client keeps the private key."
          />
        )}
        {authentication === 'none' && (
          <Note>The next page leads to the trusted issuer. Without a rule there, the client gets no tokens.</Note>
        )}
        <LifetimeField {...field('lifetime')} />
      </div>
    </Form>
  );
}

/** Throws if the keys are not JSON. */
function authenticationMembers(authentication: string, jwks: string): ClientBody {
  switch (authentication) {
    case 'private_key_jwt':
      return { token_endpoint_auth_method: 'private_key_jwt', jwks: parseKeys(jwks) };
    case 'none':
      return { token_endpoint_auth_method: 'none', grant_types: [jwtBearerGrant] };
    default:
      return {};
  }
}

function CreatedClientPage({ created, resource }: Created) {
  const session = useSession();
  const [, navigate] = useLocation();
  const [isStored, setStored] = useState(created.client_secret === undefined);
  const mayRead = session.may('client:read');
  const path = mayRead ? clientPath(created.client_id) : '/';
  // Only once the page no longer guards the secret.
  useEffect(() => {
    if (isStored && created.client_secret !== undefined) {
      navigate(path);
    }
  }, [isStored, created, path, navigate]);
  return (
    <Page
      title="Client created"
      back={back}
      actions={
        created.client_secret === undefined ? (
          mayRead && (
            <LinkButton href={path} kind="primary">
              Open client
            </LinkButton>
          )
        ) : (
          <Button kind="primary" onPress={() => setStored(true)}>
            I have stored it
          </Button>
        )
      }
    >
      <div className="panel card form-page">
        {created.client_secret === undefined ? (
          <>
            <Note tone="good" title="No secret">
              The client <code>{created.client_id}</code> authenticates without a secret.
            </Note>
            {session.may('client:read') && (
              <ReadOne operation={operations.clients.get(created.client_id)}>
                {(client) => isWorkload(client) && <WorkloadGuide client={client} />}
              </ReadOne>
            )}
          </>
        ) : (
          !isStored && (
            <IssuedSecret clientId={created.client_id} clientSecret={created.client_secret} resource={resource} />
          )
        )}
        {created.inherited !== undefined && (
          <Note title="Limits of your own client">
            The new client has the same {Object.keys(created.inherited).join(', ')}.
          </Note>
        )}
      </div>
    </Page>
  );
}
