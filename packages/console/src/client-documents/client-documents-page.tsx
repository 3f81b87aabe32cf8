/** Clients that are known by the metadata document at their id, and those that wait for approval. draft-ietf-oauth-client-id-metadata-document-03. */
import { type ClientDocument, ifUnchanged, operations, withDefaultResource } from '@postern/admin';
import { useState } from 'react';
import { ClientLink } from '../clients/client-labels.tsx';
import { parseResources, ResourcesField } from '../clients/resources-field.tsx';
import { ScopePicker } from '../scopes/scope-picker.tsx';
import { ReadAll } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange } from '../session/use-admin.ts';
import { ConfirmChange } from '../shapes/confirm-change.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable, TwoLines } from '../ui/data-table.tsx';
import { TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';

export function ClientDocumentsPage() {
  const session = useSession();
  const [approved, setApproved] = useState<ClientDocument>();
  const [rejected, setRejected] = useState<ClientDocument>();
  const mayDecide = session.may('client_document:approve');
  return (
    <Page
      title="Client documents"
      description="Clients whose id is the URL of a document with their keys. Nobody but you has checked what else it says."
    >
      <Requires scope="client_document:read">
        <ReadAll list={operations.clientDocuments.list()}>
          {(documents) => (
            <DataTable
              caption="Client documents"
              keyOf={({ client_id }) => client_id}
              rows={documents}
              empty={
                <Empty title="No client documents">
                  Clients ask by themselves, if POSTERN_CLIENT_METADATA_HOSTS names the host of their document.
                </Empty>
              }
              columns={[
                {
                  title: 'Client',
                  cell: ({ client_id, client_name, status }) => (
                    <TwoLines
                      first={
                        status === 'approved' ? (
                          <ClientLink client={{ client_id, name: client_name }} />
                        ) : (
                          <strong>{client_name ?? 'Without a name'}</strong>
                        )
                      }
                      second={<code className="breakable">{client_id}</code>}
                    />
                  ),
                },
                {
                  title: 'Status',
                  cell: ({ status, changed_members }) => (
                    <TwoLines
                      first={<Badge tone={tones[status]}>{status}</Badge>}
                      second={changed_members.length > 0 && `changed since approval: ${changed_members.join(', ')}`}
                    />
                  ),
                },
                { title: 'Contacts', cell: ({ contacts }) => contacts.join(', ') || '–' },
                {
                  title: 'Keys',
                  cell: ({ keys }) => <code className="breakable">{keys.join(' ')}</code>,
                },
                { title: 'Requested', cell: ({ requested_at }) => <Time iso={requested_at} /> },
                {
                  title: 'Actions',
                  end: true,
                  cell: (document) =>
                    mayDecide &&
                    document.status !== 'approved' && (
                      <span className="row">
                        {session.may('client:create') && (
                          <Button
                            small
                            onPress={() => setApproved(document)}
                            aria-label={`Approve ${document.client_id}`}
                          >
                            Approve
                          </Button>
                        )}
                        {document.status === 'pending' && (
                          <Button
                            small
                            onPress={() => setRejected(document)}
                            aria-label={`Reject ${document.client_id}`}
                          >
                            Reject
                          </Button>
                        )}
                      </span>
                    ),
                },
              ]}
            />
          )}
        </ReadAll>
      </Requires>
      {approved !== undefined && <ApproveDialog document={approved} onClose={() => setApproved(undefined)} />}
      {rejected !== undefined && (
        <ConfirmChange
          question={`Reject ${rejected.client_id}?`}
          action="Reject client"
          operation={ifUnchanged(operations.clientDocuments.reject(rejected.client_id), rejected)}
          notice="Client rejected"
          onClose={() => setRejected(undefined)}
        >
          <p>It gets no tokens. After 30 days it may ask again.</p>
        </ConfirmChange>
      )}
    </Page>
  );
}

const tones = { pending: 'warning', rejected: 'danger', approved: 'good' } as const;

function ApproveDialog({ document, onClose }: { readonly document: ClientDocument; readonly onClose: () => void }) {
  const { values, field } = useForm({
    name: document.client_name ?? '',
    scopes: new Set() as ReadonlySet<string>,
    resources: '',
  });
  const resources = parseResources(values.resources);
  const approve = useChange(
    (admin) =>
      admin.clients.create(
        withDefaultResource({
          client_id: document.client_id,
          client_id_metadata_document: true,
          token_endpoint_auth_method: 'private_key_jwt',
          ...(values.name !== '' && { name: values.name }),
          scopes: [...values.scopes],
          ...(resources.length > 0 && { resources }),
        }),
      ),
    { notice: 'Client approved', onDone: onClose },
  );
  return (
    <FormDialog title={`Approve ${document.client_id}`} call={approve} action="Approve client" onClose={onClose} wide>
      <p>Whoever can change the document gets tokens of this client. Compare the keys with those of your partner.</p>
      <TextField label="Name" {...field('name')} autoFocus maxLength={200} />
      <ScopePicker label="Scopes" {...field('scopes')} />
      <ResourcesField {...field('resources')} />
    </FormDialog>
  );
}
