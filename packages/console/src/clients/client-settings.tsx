/** The name and the description of a client, and how its tokens are issued. */

import type { Client, ClientBody } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { useSession } from '../session/session-context.tsx';
import { useChange } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { CheckboxField, TextAreaField, TextField } from '../ui/fields.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Facts, Section } from '../ui/page.tsx';
import { ExactTime, formatDuration } from '../ui/time.tsx';
import { LifetimeField } from './lifetime-field.tsx';

export function ClientSettings({ client }: { readonly client: Client }) {
  const session = useSession();
  return (
    <Section title="Settings">
      {session.may('client:update') ? (
        <SettingsForm key={client.updated_at} client={client} />
      ) : (
        <Facts
          facts={[
            ['Name', client.name ?? '–'],
            ['Description', client.description ?? '–'],
            ['Token lifetime', lifetimeOf(client)],
          ]}
        />
      )}
      <p className="hint">
        Created <ExactTime iso={client.created_at} />, updated <ExactTime iso={client.updated_at} />.
      </p>
    </Section>
  );
}

function lifetimeOf({ access_token_ttl_seconds: seconds }: Client): string {
  return seconds === null ? 'the server’s default' : formatDuration(seconds);
}

function SettingsForm({ client }: { readonly client: Client }) {
  const notify = useNotice();
  const [name, setName] = useState(client.name ?? '');
  const [description, setDescription] = useState(client.description ?? '');
  const [lifetime, setLifetime] = useState(client.access_token_ttl_seconds);
  const [resources, setResources] = useState((client.resources ?? []).join('\n'));
  const [dpop, setDpop] = useState(client.dpop_bound_access_tokens === true);
  const save = useChange((admin, body: ClientBody) => admin.clients.update(client.client_id, body));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const identifiers = resources.split(/\s+/).filter((text) => text !== '');
    const saved = await save.run({
      name: name === '' ? null : name,
      description: description === '' ? null : description,
      access_token_ttl_seconds: lifetime,
      resources: identifiers.length === 0 ? null : identifiers,
      dpop_bound_access_tokens: dpop,
    });
    if (saved !== undefined) {
      notify('Settings saved');
    }
  };
  return (
    <form className="card stack form-page" onSubmit={(event) => void submit(event)}>
      <TextField label="Name" value={name} onChange={setName} maxLength={200} />
      <TextField label="Description" value={description} onChange={setDescription} maxLength={2_000} />
      <LifetimeField seconds={lifetime} onChange={setLifetime} />
      <TextAreaField
        label="Resources"
        value={resources}
        onChange={setResources}
        rows={2}
        mono
        description="Identifiers of the registered resources that it may request tokens for, one per line."
      />
      <CheckboxField
        label="Bind every token to a key of the client (DPoP)"
        description="A stolen token cannot be used without the key."
        checked={dpop}
        onChange={setDpop}
      />
      <ErrorNote error={save.error} />
      <div className="form-actions">
        <Button kind="primary" type="submit" pending={save.pending}>
          Save settings
        </Button>
      </div>
    </form>
  );
}
